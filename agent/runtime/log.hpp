#pragma once

// Lines for people, on stderr: with systemd's priority prefixes when stderr is the journal, with
// time and level otherwise. Thread-safe.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/core/alarm.hpp"
#include "agent/core/time.hpp"

namespace agent::runtime {

enum class LogLevel : std::uint8_t {
    debug,     // for developers: bytes and steps; off unless asked for
    info,      // normal life worth a line: started, reloaded, a reservation changed hands
    warning,   // something is wrong and was coped with; look at it in working hours
    error,     // something asked for was not done
    critical,  // data or drives are at risk: wake somebody
};

// Once, first thing in main(); before that lines go out in the human form. LRA_LOG_LEVEL in the
// environment sets the least level (debug, info, warning, error, critical; info when not set).
void start_log(const std::string& program);

// Control characters, line ends included, are replaced: what came from outside can not forge a
// line.
void log_line(LogLevel level, std::string_view text);
void log_debug(std::string_view text);
void log_info(std::string_view text);
void log_warning(std::string_view text);
void log_error(std::string_view text);
void log_critical(std::string_view text);

// "LRA2003 TEXT" (the text names drive and agent itself), at the level of its severity (major and
// critical are error and critical).
void log_event(const core::EventRecord& record);

// At most `burst` lines per `interval` of one kind; what was left out is counted and said with the
// next line. One thread.
class LogLimit {
  public:
    LogLimit(std::uint32_t burst, core::Duration interval);

    // Nothing: hold the line back. Otherwise log it, with the number of lines left out before it.
    [[nodiscard]] std::optional<std::uint64_t> admit(core::Instant now);
    [[nodiscard]] std::uint64_t left_out() const { return left_out_; }

  private:
    std::uint32_t burst_;
    core::Duration interval_;
    std::optional<core::Instant> began_;
    std::uint32_t admitted_ = 0;
    std::uint64_t left_out_ = 0;
};
void log_limited(LogLimit& limit, LogLevel level, std::string_view text);

}  // namespace agent::runtime
