#pragma once

// The protection of one drive: may hosts use it at all?
//
//            agent_overdue, administrator_forced, holder_unknown
//   online -----------------------------------------------------> forcing --actuator_succeeded-->
//   forced_offline
//     ^                                                             |  ^ | | actuator_failed  |  |
//     lift_failed                  | | v  |                              |
//     +---lift_succeeded--- lifting <---administrator_cleared--- unprotected (tried again for ever)
//     |
//                              ^ |
//                              +-------------------------administrator_cleared------------------------+
//
// Only an administrator's word leads back to online, across any number of restarts.

#include <cstddef>
#include <cstdint>

#include "agent/core/transition_table.hpp"

namespace agent::core {

enum class ProtectionState : std::uint8_t {
    online,
    forcing,         // recorded as forced offline; the actuator has not answered yet
    forced_offline,  // the drive reports 04h/44h/00h to everyone
    unprotected,     // recorded as such; the actuator failed and is tried again
    lifting,  // cleared by an administrator, still recorded as forced offline; the actuator has not
              // answered yet
};
inline constexpr std::size_t protection_state_count = 5;

enum class ProtectionEvent : std::uint8_t {
    agent_overdue,  // a debt that is not excused has spent its budget, and the configuration says
                    // force offline
    administrator_forced,
    holder_unknown,  // reserved by nobody knows whom, and the configuration says force offline
    actuator_succeeded,
    actuator_failed,
    actuator_retry_due,
    administrator_cleared,
    lift_succeeded,
    lift_failed,
    controller_restarted,  // with what was recorded
    fence_lost,            // a look shows that the drive does not refuse its hosts any more
};
inline constexpr std::size_t protection_event_count = 11;

enum class ProtectionAction : std::uint8_t {
    nothing,
    force,        // record, alarm, drive the actuator, tell the agents
    force_again,  // drive the actuator
    confirm,      // forced offline for certain; an alarm "unprotected" ends
    fail,         // alarm "unprotected", try again later
    lift,         // drive the actuator the other way
    release,      // online again: alarms end, agents are told
    report_lift,  // say why it could not be lifted, and make sure that it is offline
    impossible,   // this can not be recorded, or no clock runs
};

using ProtectionRow = TransitionRow<ProtectionState, ProtectionEvent, ProtectionAction>;

inline constexpr ProtectionRow protection_table[] = {
    // clang-format off
    {ProtectionState::online,         ProtectionEvent::agent_overdue,         ProtectionState::forcing,        ProtectionAction::force,       "an agent did not confirm within its budget"},
    {ProtectionState::online,         ProtectionEvent::administrator_forced,  ProtectionState::forcing,        ProtectionAction::force,       "the administrator's wish"},
    {ProtectionState::online,         ProtectionEvent::holder_unknown,        ProtectionState::forcing,        ProtectionAction::force,       "nobody can say who may use it"},
    {ProtectionState::online,         ProtectionEvent::actuator_succeeded,    ProtectionState::lifting,        ProtectionAction::lift,        "forced by a late command after it was cleared: undo it"},
    {ProtectionState::online,         ProtectionEvent::actuator_failed,       ProtectionState::online,         ProtectionAction::nothing,     "a late answer that changed nothing"},
    {ProtectionState::online,         ProtectionEvent::actuator_retry_due,    ProtectionState::online,         ProtectionAction::impossible,  "no clock runs"},
    {ProtectionState::online,         ProtectionEvent::administrator_cleared, ProtectionState::online,         ProtectionAction::nothing,     "nothing to lift; debts are settled all the same"},
    {ProtectionState::online,         ProtectionEvent::lift_succeeded,        ProtectionState::online,         ProtectionAction::nothing,     "a repeat"},
    {ProtectionState::online,         ProtectionEvent::lift_failed,           ProtectionState::online,         ProtectionAction::nothing,     "a late answer that changed nothing"},
    {ProtectionState::online,         ProtectionEvent::controller_restarted,  ProtectionState::online,         ProtectionAction::nothing,     "nothing was recorded"},
    {ProtectionState::online,         ProtectionEvent::fence_lost,            ProtectionState::online,         ProtectionAction::nothing,      "nothing stands in the way of its hosts"},

    {ProtectionState::forcing,        ProtectionEvent::agent_overdue,         ProtectionState::forcing,        ProtectionAction::nothing,     "on its way already"},
    {ProtectionState::forcing,        ProtectionEvent::administrator_forced,  ProtectionState::forcing,        ProtectionAction::nothing,     "on its way already"},
    {ProtectionState::forcing,        ProtectionEvent::holder_unknown,        ProtectionState::forcing,        ProtectionAction::nothing,     "on its way already"},
    {ProtectionState::forcing,        ProtectionEvent::actuator_succeeded,    ProtectionState::forced_offline, ProtectionAction::confirm,     "the drive refuses everyone"},
    {ProtectionState::forcing,        ProtectionEvent::actuator_failed,       ProtectionState::unprotected,    ProtectionAction::fail,        "the drive could not be made to refuse"},
    {ProtectionState::forcing,        ProtectionEvent::actuator_retry_due,    ProtectionState::forcing,        ProtectionAction::impossible,  "no clock runs: the actuator always answers"},
    {ProtectionState::forcing,        ProtectionEvent::administrator_cleared, ProtectionState::lifting,        ProtectionAction::lift,        "cleared before the actuator was done"},
    {ProtectionState::forcing,        ProtectionEvent::lift_succeeded,        ProtectionState::forcing,        ProtectionAction::nothing,     "the answer to an earlier command"},
    {ProtectionState::forcing,        ProtectionEvent::lift_failed,           ProtectionState::forcing,        ProtectionAction::nothing,     "the answer to an earlier command"},
    {ProtectionState::forcing,        ProtectionEvent::controller_restarted,  ProtectionState::forcing,        ProtectionAction::impossible,  "recorded as forced offline"},
    {ProtectionState::forcing,        ProtectionEvent::fence_lost,            ProtectionState::forcing,        ProtectionAction::nothing,      "on its way already"},

    {ProtectionState::forced_offline, ProtectionEvent::agent_overdue,         ProtectionState::forced_offline, ProtectionAction::nothing,     "one more reason for what is done already"},
    {ProtectionState::forced_offline, ProtectionEvent::administrator_forced,  ProtectionState::forced_offline, ProtectionAction::nothing,     "done already"},
    {ProtectionState::forced_offline, ProtectionEvent::holder_unknown,        ProtectionState::forced_offline, ProtectionAction::nothing,     "done already"},
    {ProtectionState::forced_offline, ProtectionEvent::actuator_succeeded,    ProtectionState::forced_offline, ProtectionAction::nothing,     "a repeat"},
    {ProtectionState::forced_offline, ProtectionEvent::actuator_failed,       ProtectionState::unprotected,    ProtectionAction::fail,        "the drive came back and could not be made to refuse again"},
    {ProtectionState::forced_offline, ProtectionEvent::actuator_retry_due,    ProtectionState::forced_offline, ProtectionAction::impossible,  "no clock runs"},
    {ProtectionState::forced_offline, ProtectionEvent::administrator_cleared, ProtectionState::lifting,        ProtectionAction::lift,        "the administrator's word"},
    {ProtectionState::forced_offline, ProtectionEvent::lift_succeeded,        ProtectionState::forcing,        ProtectionAction::force_again, "lifted by a late command after it was forced: undo it"},
    {ProtectionState::forced_offline, ProtectionEvent::lift_failed,           ProtectionState::forced_offline, ProtectionAction::nothing,     "a late answer that changed nothing"},
    {ProtectionState::forced_offline, ProtectionEvent::controller_restarted,  ProtectionState::forcing,        ProtectionAction::force_again, "forced offline survives restarts of everything"},
    {ProtectionState::forced_offline, ProtectionEvent::fence_lost,            ProtectionState::forcing,        ProtectionAction::force_again,  "somebody has taken it away: put it up again"},

    {ProtectionState::unprotected,    ProtectionEvent::agent_overdue,         ProtectionState::unprotected,    ProtectionAction::nothing,     "one more reason for what is being tried"},
    {ProtectionState::unprotected,    ProtectionEvent::administrator_forced,  ProtectionState::unprotected,    ProtectionAction::nothing,     "being tried"},
    {ProtectionState::unprotected,    ProtectionEvent::holder_unknown,        ProtectionState::unprotected,    ProtectionAction::nothing,     "being tried"},
    {ProtectionState::unprotected,    ProtectionEvent::actuator_succeeded,    ProtectionState::forced_offline, ProtectionAction::confirm,     "the drive refuses everyone at last"},
    {ProtectionState::unprotected,    ProtectionEvent::actuator_failed,       ProtectionState::unprotected,    ProtectionAction::fail,        "tried again later, for ever"},
    {ProtectionState::unprotected,    ProtectionEvent::actuator_retry_due,    ProtectionState::unprotected,    ProtectionAction::force_again, "the next attempt"},
    {ProtectionState::unprotected,    ProtectionEvent::administrator_cleared, ProtectionState::lifting,        ProtectionAction::lift,        "the administrator's word"},
    {ProtectionState::unprotected,    ProtectionEvent::lift_succeeded,        ProtectionState::unprotected,    ProtectionAction::nothing,     "the answer to an earlier command"},
    {ProtectionState::unprotected,    ProtectionEvent::lift_failed,           ProtectionState::unprotected,    ProtectionAction::nothing,     "the answer to an earlier command"},
    {ProtectionState::unprotected,    ProtectionEvent::controller_restarted,  ProtectionState::unprotected,    ProtectionAction::force_again, "the next attempt, at once"},
    {ProtectionState::unprotected,    ProtectionEvent::fence_lost,            ProtectionState::unprotected,    ProtectionAction::nothing,      "being tried"},

    {ProtectionState::lifting,        ProtectionEvent::agent_overdue,         ProtectionState::lifting,        ProtectionAction::nothing,     "the administrator has answered for it"},
    {ProtectionState::lifting,        ProtectionEvent::administrator_forced,  ProtectionState::forcing,        ProtectionAction::force,       "the administrator's newest word"},
    {ProtectionState::lifting,        ProtectionEvent::holder_unknown,        ProtectionState::forcing,        ProtectionAction::force,       "nobody can say who may use it"},
    {ProtectionState::lifting,        ProtectionEvent::actuator_succeeded,    ProtectionState::lifting,        ProtectionAction::nothing,     "the answer to an earlier command"},
    {ProtectionState::lifting,        ProtectionEvent::actuator_failed,       ProtectionState::lifting,        ProtectionAction::nothing,     "the answer to an earlier command"},
    {ProtectionState::lifting,        ProtectionEvent::actuator_retry_due,    ProtectionState::lifting,        ProtectionAction::impossible,  "no clock runs"},
    {ProtectionState::lifting,        ProtectionEvent::administrator_cleared, ProtectionState::lifting,        ProtectionAction::nothing,     "on its way already"},
    {ProtectionState::lifting,        ProtectionEvent::lift_succeeded,        ProtectionState::online,         ProtectionAction::release,     "online again"},
    {ProtectionState::lifting,        ProtectionEvent::lift_failed,           ProtectionState::forcing,        ProtectionAction::report_lift, "nobody knows what the drive does now: offline again"},
    {ProtectionState::lifting,        ProtectionEvent::controller_restarted,  ProtectionState::lifting,        ProtectionAction::impossible,  "recorded as forced offline"},
    {ProtectionState::lifting,        ProtectionEvent::fence_lost,            ProtectionState::lifting,        ProtectionAction::nothing,      "about to go"},
    // clang-format on
};

static_assert(one_row_per_pair(protection_table, protection_state_count, protection_event_count));

}  // namespace agent::core
