#pragma once

// What the nodes of a pair tell each other of agents: one row for each that was ever heard, with
// the newest word about it (agent/core/agent_roster.hpp). So a node that has lost its own state
// knows whom to wait for when it takes over.

#include <optional>
#include <string>
#include <vector>

#include "agent/core/agent_roster.hpp"
#include "agent/core/result.hpp"

namespace agent::postgres {

class PrimarySession;

// SQL that makes what is missing.
[[nodiscard]] std::string agent_word_tables();

// Nothing: the node that serves has a version without this table, and keeps no such rows.
[[nodiscard]] core::Result<std::optional<std::vector<core::AgentWord>>> read_agent_words(
    PrimarySession& session);

// All in one statement, which may be repeated: a newer word of the same agent stays. `node`: who
// tells it.
[[nodiscard]] core::Outcome put_agent_words(PrimarySession& session,
                                            const std::vector<core::AgentWord>& words,
                                            const std::string& node);

}  // namespace agent::postgres
