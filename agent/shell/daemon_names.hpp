#pragma once

#include <string>
#include <vector>

#include "agent/shell/command_line.hpp"

namespace agent::shell {

// Serials or agents that a daemon knows; none when it does not answer within options.timeout.
// `preferred` as in daemon_link.hpp.
[[nodiscard]] std::vector<std::string> names_known(ValueKind kind, const GlobalOptions& options,
                                                   Daemon preferred);
// The same for completion: an operator does not wait long for a Tab.
[[nodiscard]] std::vector<std::string> names_at_once(ValueKind kind, GlobalOptions options,
                                                     Daemon preferred);

}  // namespace agent::shell
