#pragma once

// What we believe about the clock of an engine, our own included (RFC 3414 2.2, 2.3). The SNMP
// library has one record for each engine; this reads and renews it without searching for it.

#include <cstdint>
#include <optional>
#include <string>

struct enginetime_struct;

namespace snmp_mib {

struct EngineMoment {
    std::uint32_t boots = 0;
    std::uint32_t time = 0;  // seconds
};

class EngineClock {
  public:
    explicit EngineClock(std::string engine_id) : engine_id_(std::move(engine_id)) {}

    // What a message for that engine says. Nothing: the engine has not been heard of.
    [[nodiscard]] std::optional<EngineMoment> now();
    // An authentic message said `said`: is it inside the window (RFC 3414 3.2, 7)? The newest is
    // remembered. False also when only the library can tell: an engine that was not heard of, that
    // has started again, or whose counter has come to its end.
    [[nodiscard]] bool is_timely(EngineMoment said);

  private:
    enum class Whose : std::uint8_t { unknown, ours, other };
    bool is_ours();
    enginetime_struct* record();

    std::string engine_id_;
    Whose whose_ = Whose::unknown;
    enginetime_struct* record_ = nullptr;  // the library's; it frees none before the process ends
};

}  // namespace snmp_mib
