#pragma once

// What the rules of a controller that serves take of an agent's word that only the other node of
// the pair has heard: an agent may reach one node alone, and what it said last counts all the same.

#include <vector>

#include "agent/core/agent_roster.hpp"
#include "agent/core/reservation_agent_io.hpp"

namespace agent::core {

// In this order. `known`: the agent as the rules have it; a retirement alone is told by its own
// record, not here.
[[nodiscard]] std::vector<ReservationAgentInput> inputs_of(const AgentRoster::News& news,
                                                           const AgentRecord& known,
                                                           const ControllerName& controller);

}  // namespace agent::core
