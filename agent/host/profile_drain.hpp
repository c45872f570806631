#pragma once

// What is remembered of a drive between two looks while the application still uses it: that the
// application has refused to take it offline, since when it drains, and when it was asked.

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "agent/core/drive_sharing_agent_io.hpp"
#include "agent/core/time.hpp"
#include "agent/host/profile_answer.hpp"
#include "agent/host/state_reader.hpp"

namespace agent::host {

class DrainMemory {
  public:
    // An action on the drive has ended so.
    void acted(const core::DriveSerial& drive, core::ApplicationAction action,
               const ReadAnswer& said, core::Instant now);

    // What a look means with what is remembered: a drive that is online because the application has
    // refused to take it offline while it is busy is draining, and has to be told again; when
    // nobody does for two `poll` and half a minute it is simply online. One that drains for longer
    // than `limit` (0: no limit) is in a state that nobody can answer for: unknown.
    [[nodiscard]] ReadState seen(const core::DriveSerial& drive, ReadState read, core::Instant now,
                                 core::Duration poll, core::Duration limit);

    // While it drains and was looked at less than `poll` ago: what was seen then.
    [[nodiscard]] std::optional<ReadState> seen_lately(const core::DriveSerial& drive,
                                                       core::Instant now,
                                                       core::Duration poll) const;

  private:
    struct Drain {
        core::Instant since;
        core::Instant looked_at;
        ReadState last;
    };
    struct Refusal {
        core::Instant at;
        std::string words;
    };
    std::map<core::DriveSerial, Refusal> refused_;
    std::map<core::DriveSerial, Drain> draining_;
};

}  // namespace agent::host
