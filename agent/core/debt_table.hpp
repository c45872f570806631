#pragma once

// The debt of one agent for one drive: does it still have to confirm what it was told?
//
//              notice, agent_resynchronized           timeout_with_retry_left
//   settled ------------------------------> waiting ------------------------> retrying
//      ^                                       |                                 |
//      |  confirmed_newest, agent_excused,     | timeout_budget_spent            |
//      timeout_budget_spent |  administrator_cleared                v v
//      +----------------------------------- (any)                             overdue
//
// The clock of a debt runs from its oldest unconfirmed notice. A newer notice supersedes the
// content, never the clock: a drive that flaps faster than the budget beside a dead agent would
// otherwise never be forced offline.

#include <cstddef>
#include <cstdint>

#include "agent/core/transition_table.hpp"

namespace agent::core {

enum class DebtState : std::uint8_t {
    settled,   // owes nothing
    waiting,   // told, and within the first timeout
    retrying,  // was asked again, alone
    overdue,   // did not confirm within its budget; asked again at each change
};
inline constexpr std::size_t debt_state_count = 4;

enum class DebtEvent : std::uint8_t {
    notice,                // the drive's state has changed and this agent has to confirm it
    agent_resynchronized,  // the agent has started or returned, and is told the state afresh
    confirmed_newest,      // everything this agent was told is received and processed
    confirmed_older,       // something it was told is, but not the newest
    refused,               // answered "failed": the application did not do it
    draining,              // answered "draining": more time, a few times
    draining_too_often,    // answered "draining" and has had all the time there is
    timeout_with_retry_left,
    timeout_budget_spent,  // timeout * (retries + 1) since the clock started
    agent_excused,  // it said "stopping", was retired, is no longer configured, or its excused debt
                    // is void
    administrator_cleared,  // the administrator's word stands for what is missing
};
inline constexpr std::size_t debt_event_count = 11;

enum class DebtAction : std::uint8_t {
    nothing,
    open,           // the clock starts now; send
    append,         // one more notice to confirm, the clock runs on; send
    trim,           // strike what is confirmed; the clock runs from the oldest that is left
    settle,         // strike everything: confirmed
    note_answer,    // show what the agent said; nothing else changes
    restart_clock,  // show what the agent said, and give it its time once more
    ask_again,      // send the newest notice to this agent alone; alarm handshake_incomplete
    give_up,        // the agent is lost; the drive is forced offline unless the debt is excused
    drop,           // strike everything: not confirmed and no longer waited for
    impossible,     // no clock runs in this state, so no timeout can come
};

using DebtRow = TransitionRow<DebtState, DebtEvent, DebtAction>;

inline constexpr DebtRow debt_table[] = {
    // clang-format off
    {DebtState::settled,  DebtEvent::notice,                  DebtState::waiting,  DebtAction::open,          "told of a change; the clock starts"},
    {DebtState::settled,  DebtEvent::agent_resynchronized,    DebtState::waiting,  DebtAction::open,          "a starting agent is told every drive's state"},
    {DebtState::settled,  DebtEvent::confirmed_newest,        DebtState::settled,  DebtAction::nothing,       "a repeat"},
    {DebtState::settled,  DebtEvent::confirmed_older,         DebtState::settled,  DebtAction::nothing,       "a late repeat"},
    {DebtState::settled,  DebtEvent::refused,                 DebtState::settled,  DebtAction::nothing,       "an answer nobody waits for"},
    {DebtState::settled,  DebtEvent::draining,                DebtState::settled,  DebtAction::nothing,       "an answer nobody waits for"},
    {DebtState::settled,  DebtEvent::draining_too_often,      DebtState::settled,  DebtAction::nothing,       "an answer nobody waits for"},
    {DebtState::settled,  DebtEvent::timeout_with_retry_left, DebtState::settled,  DebtAction::impossible,    "no clock runs"},
    {DebtState::settled,  DebtEvent::timeout_budget_spent,    DebtState::settled,  DebtAction::impossible,    "no clock runs"},
    {DebtState::settled,  DebtEvent::agent_excused,           DebtState::settled,  DebtAction::nothing,       "owes nothing already"},
    {DebtState::settled,  DebtEvent::administrator_cleared,   DebtState::settled,  DebtAction::nothing,       "owes nothing already"},

    {DebtState::waiting,  DebtEvent::notice,                  DebtState::waiting,  DebtAction::append,        "superseding does not forgive: the clock runs on"},
    {DebtState::waiting,  DebtEvent::agent_resynchronized,    DebtState::waiting,  DebtAction::append,        "a restart of the agent does not forgive either"},
    {DebtState::waiting,  DebtEvent::confirmed_newest,        DebtState::settled,  DebtAction::settle,        "counts for everything older too"},
    {DebtState::waiting,  DebtEvent::confirmed_older,         DebtState::waiting,  DebtAction::trim,          "the clock runs from the next unconfirmed notice"},
    {DebtState::waiting,  DebtEvent::refused,                 DebtState::waiting,  DebtAction::note_answer,   "failed is no confirmation: asked again on schedule"},
    {DebtState::waiting,  DebtEvent::draining,                DebtState::waiting,  DebtAction::restart_clock, "the application finishes its job first"},
    {DebtState::waiting,  DebtEvent::draining_too_often,      DebtState::waiting,  DebtAction::note_answer,   "it has had all the time there is"},
    {DebtState::waiting,  DebtEvent::timeout_with_retry_left, DebtState::retrying, DebtAction::ask_again,     "the first timeout: this agent alone is asked again"},
    {DebtState::waiting,  DebtEvent::timeout_budget_spent,    DebtState::overdue,  DebtAction::give_up,       "no retries, or a long sleep of the controller"},
    {DebtState::waiting,  DebtEvent::agent_excused,           DebtState::settled,  DebtAction::drop,          "an agent that stopped owes nothing"},
    {DebtState::waiting,  DebtEvent::administrator_cleared,   DebtState::settled,  DebtAction::drop,          "the administrator answers for it"},

    {DebtState::retrying, DebtEvent::notice,                  DebtState::retrying, DebtAction::append,        "superseding does not forgive: the clock runs on"},
    {DebtState::retrying, DebtEvent::agent_resynchronized,    DebtState::retrying, DebtAction::append,        "a restart of the agent does not forgive either"},
    {DebtState::retrying, DebtEvent::confirmed_newest,        DebtState::settled,  DebtAction::settle,        "counts for everything older too"},
    {DebtState::retrying, DebtEvent::confirmed_older,         DebtState::waiting,  DebtAction::trim,          "the clock runs from the next unconfirmed notice"},
    {DebtState::retrying, DebtEvent::refused,                 DebtState::retrying, DebtAction::note_answer,   "failed is no confirmation: asked again on schedule"},
    {DebtState::retrying, DebtEvent::draining,                DebtState::waiting,  DebtAction::restart_clock, "the application finishes its job first"},
    {DebtState::retrying, DebtEvent::draining_too_often,      DebtState::retrying, DebtAction::note_answer,   "it has had all the time there is"},
    {DebtState::retrying, DebtEvent::timeout_with_retry_left, DebtState::retrying, DebtAction::ask_again,     "asked once more"},
    {DebtState::retrying, DebtEvent::timeout_budget_spent,    DebtState::overdue,  DebtAction::give_up,       "the budget is spent"},
    {DebtState::retrying, DebtEvent::agent_excused,           DebtState::settled,  DebtAction::drop,          "an agent that stopped owes nothing"},
    {DebtState::retrying, DebtEvent::administrator_cleared,   DebtState::settled,  DebtAction::drop,          "the administrator answers for it"},

    {DebtState::overdue,  DebtEvent::notice,                  DebtState::overdue,  DebtAction::append,        "a lost agent still owes and is told of each change"},
    {DebtState::overdue,  DebtEvent::agent_resynchronized,    DebtState::waiting,  DebtAction::open,          "it is back: told afresh, with a new clock"},
    {DebtState::overdue,  DebtEvent::confirmed_newest,        DebtState::settled,  DebtAction::settle,        "late, and still an answer"},
    {DebtState::overdue,  DebtEvent::confirmed_older,         DebtState::overdue,  DebtAction::trim,          "late, and not for the newest"},
    {DebtState::overdue,  DebtEvent::refused,                 DebtState::overdue,  DebtAction::note_answer,   "late, and no confirmation"},
    {DebtState::overdue,  DebtEvent::draining,                DebtState::overdue,  DebtAction::note_answer,   "late, and no confirmation"},
    {DebtState::overdue,  DebtEvent::draining_too_often,      DebtState::overdue,  DebtAction::note_answer,   "late, and no confirmation"},
    {DebtState::overdue,  DebtEvent::timeout_with_retry_left, DebtState::overdue,  DebtAction::impossible,    "no clock runs"},
    {DebtState::overdue,  DebtEvent::timeout_budget_spent,    DebtState::overdue,  DebtAction::impossible,    "no clock runs"},
    {DebtState::overdue,  DebtEvent::agent_excused,           DebtState::settled,  DebtAction::drop,          "retired, or back and stopped"},
    {DebtState::overdue,  DebtEvent::administrator_cleared,   DebtState::settled,  DebtAction::drop,          "the administrator answers for it"},
    // clang-format on
};

static_assert(one_row_per_pair(debt_table, debt_state_count, debt_event_count));

}  // namespace agent::core
