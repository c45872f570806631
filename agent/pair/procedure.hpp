#pragma once

// What a node does one thing after the other, as data: the order of these lines is what keeps
// acknowledged claims. Nothing of a procedure is begun before the line above is answered.
//
//   alone:  first accepted by more than the threshold of agents, then the other is not waited for
//   pair:   first every commit waits for the other, and one was acknowledged; then the register
//   after a start, a restart or a promotion: a barrier commit, then the claims, then requests

#include <cstdint>
#include <span>
#include <string_view>

#include "agent/pair/node_table.hpp"
#include "agent/pair/register.hpp"

namespace agent::pair {

enum class Step : std::uint8_t {
    read_register,
    vote_alone,
    vote_pair,
    vote_forced,
    await_standby,          // until the other's copy confirms commits
    stop_database,          // in an orderly way; verified to be down
    stop_database_at_once,  // the same without waiting for anything
    start_synchronous,      // as primary; each commit waits for the other
    start_alone,            // as primary that waits for nobody
    follow_peer,            // rewound or copied anew from the other, started as its standby
    promote,                // what is here becomes a primary that waits for nobody; started if down
    checkpoint,             // before anybody rewinds against this server
    synchronous_on,
    synchronous_off,
    barrier,       // commits a record of the epoch: acknowledged, everything before it stands
    fence_old,     // reservations made under older epochs are preempted
    judge_claims,  // claims of older epochs: finished or undone, as drives and changer show
};
inline constexpr std::size_t step_count = 17;
[[nodiscard]] std::string_view to_text(Step value);

// Steps that are an order to the world, answered by OrderAnswered.
[[nodiscard]] constexpr bool is_order(Step step) {
    return step >= Step::stop_database;
}

struct Procedure {
    NodeAction action;
    std::span<const Step> steps;
    NodeEvent ends_with;
};

// nullptr for actions that are no procedure.
[[nodiscard]] const Procedure* procedure_of(NodeAction action);
[[nodiscard]] std::span<const Procedure> procedures();

}  // namespace agent::pair
