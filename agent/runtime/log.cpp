#include "agent/runtime/log.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <utility>

#include "agent/runtime/clock.hpp"

namespace agent::runtime {

namespace {

struct Log {
    std::shared_ptr<spdlog::logger> logger;
    bool journal = false;
};

Log make_log(const std::string& program, bool journal) {
    auto logger = std::make_shared<spdlog::logger>(
        program, std::make_shared<spdlog::sinks::stderr_sink_mt>());
    logger->set_level(spdlog::level::info);
    logger->flush_on(spdlog::level::trace);
    // The journal keeps time, program and process by itself.
    if (journal) {
        logger->set_pattern("%v", spdlog::pattern_time_type::utc);
    } else {
        logger->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %n %l: %v", spdlog::pattern_time_type::utc);
    }
    return {std::move(logger), journal};
}

Log& log() {
    static Log the_log = make_log("lra", false);
    return the_log;
}

// Is stderr the journal's stream? systemd names its device and inode (systemd.exec(5),
// JOURNAL_STREAM); a program whose stderr was redirected since has the variable still.
bool stderr_is_journal() {
    const char* stream = std::getenv("JOURNAL_STREAM");
    if (stream == nullptr) return false;
    unsigned long long device = 0;
    unsigned long long inode = 0;
    struct stat status {};
    if (std::sscanf(stream, "%llu:%llu", &device, &inode) != 2) return false;
    return ::fstat(STDERR_FILENO, &status) == 0 && status.st_dev == device &&
           status.st_ino == inode;
}

spdlog::level::level_enum level_of(LogLevel level) {
    switch (level) {
        case LogLevel::debug:
            return spdlog::level::debug;
        case LogLevel::info:
            return spdlog::level::info;
        case LogLevel::warning:
            return spdlog::level::warn;
        case LogLevel::error:
            return spdlog::level::err;
        case LogLevel::critical:
            return spdlog::level::critical;
    }
    return spdlog::level::critical;
}

// sd-daemon(3): the priorities of syslog in angle brackets.
const char* journal_prefix(LogLevel level) {
    switch (level) {
        case LogLevel::debug:
            return "<7>";
        case LogLevel::info:
            return "<6>";
        case LogLevel::warning:
            return "<4>";
        case LogLevel::error:
            return "<3>";
        case LogLevel::critical:
            return "<2>";
    }
    return "<2>";
}

LogLevel level_of(core::Severity severity) {
    switch (severity) {
        case core::Severity::info:
            return LogLevel::info;
        case core::Severity::warning:
            return LogLevel::warning;
        case core::Severity::major:
            return LogLevel::error;
        case core::Severity::critical:
            return LogLevel::critical;
    }
    return LogLevel::critical;
}

std::string one_line(std::string_view text) {
    constexpr std::size_t bytes_max = 4'000;
    std::string line(text.substr(0, bytes_max));
    for (char& c : line) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
    }
    if (text.size() > bytes_max) line += " …";
    return line;
}

}  // namespace

void start_log(const std::string& program) {
    log() = make_log(program, stderr_is_journal());
    const char* wanted = std::getenv("LRA_LOG_LEVEL");
    if (wanted == nullptr) return;
    for (const LogLevel level : {LogLevel::debug, LogLevel::info, LogLevel::warning,
                                 LogLevel::error, LogLevel::critical}) {
        const auto name = spdlog::level::to_string_view(level_of(level));
        if (std::string_view(name.data(), name.size()) == wanted) {
            log().logger->set_level(level_of(level));
            return;
        }
    }
    log_warning("LRA_LOG_LEVEL is \"" + std::string(wanted) +
                "\"; it must be debug, info, warning, error or critical; info is used");
}

void log_line(LogLevel level, std::string_view text) {
    const Log& target = log();
    if (!target.logger->should_log(level_of(level))) return;
    const std::string line = one_line(text);
    target.logger->log(level_of(level), "{}{}", target.journal ? journal_prefix(level) : "", line);
}

void log_debug(std::string_view text) {
    log_line(LogLevel::debug, text);
}
void log_info(std::string_view text) {
    log_line(LogLevel::info, text);
}
void log_warning(std::string_view text) {
    log_line(LogLevel::warning, text);
}
void log_error(std::string_view text) {
    log_line(LogLevel::error, text);
}
void log_critical(std::string_view text) {
    log_line(LogLevel::critical, text);
}

void log_event(const core::EventRecord& record) {
    log_line(level_of(record.severity), record.message + " " + record.text);
}

LogLimit::LogLimit(std::uint32_t burst, core::Duration interval)
    : burst_(burst), interval_(interval) {}

std::optional<std::uint64_t> LogLimit::admit(core::Instant now) {
    if (!began_ || now - *began_ >= interval_) {
        began_ = now;
        admitted_ = 0;
    }
    if (admitted_ >= burst_) {
        ++left_out_;
        return std::nullopt;
    }
    ++admitted_;
    return std::exchange(left_out_, 0);
}

void log_limited(LogLimit& limit, LogLevel level, std::string_view text) {
    const auto left_out = limit.admit(clock_now().monotonic);
    if (!left_out) return;
    std::string line(text);
    if (*left_out > 0) line += " (" + std::to_string(*left_out) + " such lines left out before)";
    log_line(level, line);
}

}  // namespace agent::runtime
