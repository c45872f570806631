#pragma once

// When refused SNMP messages are too many. Pure: it is told the time and the counts.

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>

#include "agent/core/reservation_agent_io.hpp"

namespace agent::lrad {

// Messages that were not believed, by cause, since the start.
using Refusals = std::map<std::string, std::uint64_t>;

class RefusalWatch {
  public:
    // To be called every few seconds at most. Something when there are more than `allowed` in a
    // minute, and again when a whole minute had fewer.
    [[nodiscard]] std::optional<core::MessagesRefused> look(core::Instant now,
                                                            const Refusals& counts,
                                                            std::uint64_t allowed);

  private:
    struct Sample {
        core::Instant at;
        Refusals counts;
    };
    std::deque<Sample> samples_;  // of the last minute, and the newest one before it
    std::optional<bool> told_;
};

}  // namespace agent::lrad
