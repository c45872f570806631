#pragma once

// `drive why`: the story of one drive, and the next step for whoever is asking.

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "agent/core/reservation_agent.hpp"
#include "agent/runtime/store.hpp"

namespace agent::lrad {

struct DriveStory {
    core::DriveView drive;
    nlohmann::json* now = nullptr;  // as in `drive show`; borrowed
    std::vector<runtime::StoredEvent>
        events;  // of this drive, oldest first; the answer begins where today does
    std::vector<core::HandshakeView> missing;  // confirmations of this drive that are waited for
    std::vector<core::Alarm> alarms;           // active ones of this drive
};

// One sentence: what the drive is, and because of whom.
[[nodiscard]] std::string summary_of(const DriveStory& story);
// What to do now; "nothing" is an answer too.
[[nodiscard]] std::string next_step_of(const DriveStory& story);
// {"serial","summary","timeline":[{"at","what","message","severity"}],"now":{...},"missing":[...],"next_step"}
[[nodiscard]] nlohmann::json timeline_json(const DriveStory& story);

}  // namespace agent::lrad
