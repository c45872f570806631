#pragma once

// Which calls of the application get a row in the audit trail: each that did something, and of the
// same refusal over and over, every 10 s for days perhaps, the first and then one an hour.

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "agent/core/time.hpp"
#include "agent/host/program_call.hpp"

namespace agent::host {

class CallTrail {
  public:
    // The row for a call that has ended. Nothing for a query, and for what was called and ended as
    // the last row of this drive, action and step says, when that is no hour old and the action has
    // not succeeded since; a later row of the drive says how many those were. `now` is monotonic.
    [[nodiscard]] std::optional<std::string> take(const ProgramCall& call, core::Instant now);

  private:
    struct Row {
        std::string line;  // without how long it took
        core::Instant at;
    };
    struct Attempt {
        core::ApplicationAction action = core::ApplicationAction::query;
        std::map<std::size_t, Row> steps;
        std::uint64_t not_written = 0;
    };
    std::map<core::DriveSerial, Attempt> attempts_;  // that have not succeeded
};

}  // namespace agent::host
