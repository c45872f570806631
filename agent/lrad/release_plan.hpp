#pragma once

// How the reservation of a drive can be ended, least harm first: what each step does, to whom, and
// whether it is possible now. Decides only; nothing is sent from here.
//
//   ask_holder  the holder's own dsad gives the drive back    nobody else notices
//   preempt     PREEMPT of exactly the holder's key           the holder loses it, and is told so
//   reset       LOGICAL UNIT RESET                            everybody's commands and positions

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "agent/core/reservation_agent.hpp"
#include "drive_iface/device/reservation_survey.hpp"

namespace agent::lrad {

struct ReleaseStep {
    enum class Kind : std::uint8_t { lift_own_fence, ask_holder, preempt, reset };
    Kind kind = Kind::ask_holder;
    std::string does;
    std::string affects;    // whom, and what they will see
    std::string obstacle;   // why it is not possible now; empty: it is
    core::AgentName agent;  // ask_holder: whose agent
};

struct ReleasePlan {
    drive_iface::ReservationSurvey survey;
    std::string holder;    // in words
    std::string activity;  // of the drive right now, in words
    std::vector<ReleaseStep> steps;
};

struct ReleaseSituation {
    core::DriveView drive;  // as the rules know it: a drive event may have named the holder
    std::uint64_t own_key = 0;
    bool allow_reset = false;
    std::vector<core::AgentView> agents;
    std::vector<core::SharingConfiguration::Domain> domains;
};

[[nodiscard]] ReleasePlan plan_release(drive_iface::ReservationSurvey survey,
                                       const ReleaseSituation& situation);

[[nodiscard]] std::string_view to_text(ReleaseStep::Kind kind);
[[nodiscard]] bool is_reserved(const ReleasePlan& plan);
[[nodiscard]] nlohmann::json release_plan_json(const core::DriveSerial& drive,
                                               const ReleasePlan& plan);

}  // namespace agent::lrad
