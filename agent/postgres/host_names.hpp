#pragma once

// What each node's configuration calls the hosts without an agent and their drives: a row for each
// node, so that the other one can see early that it means others.

#include <map>
#include <optional>
#include <string>

#include "agent/core/result.hpp"

namespace agent::postgres {

class PrimarySession;

// SQL that makes what is missing.
[[nodiscard]] std::string host_names_tables();

// By the names of nodes, each a text of theirs. Nothing: the node that serves is of a version that
// has no such rows.
using HostNameRows = std::optional<std::map<std::string, std::string>>;
[[nodiscard]] core::Result<HostNameRows> read_host_names(PrimarySession& session);
// May be repeated by either node at any time.
[[nodiscard]] core::Outcome put_host_names(PrimarySession& session, const std::string& node,
                                           const std::string& names);

}  // namespace agent::postgres
