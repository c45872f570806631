#pragma once

// What the nodes of a pair tell each other of hosts that are gone: one row for each agent that an
// administrator has retired, until it says "started" again.

#include <string>
#include <vector>

#include "agent/core/result.hpp"
#include "agent/core/time.hpp"

namespace agent::postgres {

class PrimarySession;

struct AgentRetirement {
    std::string agent;
    std::string id;  // printable; never used again
    std::string actor;
    std::string reason;
    core::WallTime since;
    bool operator==(const AgentRetirement&) const = default;
};

// SQL that makes what is missing, and lets the other node use it.
[[nodiscard]] std::string agent_retirement_tables();

[[nodiscard]] core::Result<std::vector<AgentRetirement>> read_agent_retirements(
    PrimarySession& session);

// In place of an earlier one of the same agent. Both may be repeated.
[[nodiscard]] core::Outcome put_agent_retirement(PrimarySession& session,
                                                 const AgentRetirement& retirement);
// Another one of the same agent stays.
[[nodiscard]] core::Outcome end_agent_retirement(PrimarySession& session,
                                                 const AgentRetirement& retirement);

}  // namespace agent::postgres
