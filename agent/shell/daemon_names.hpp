#pragma once

#include <string>
#include <vector>

#include "agent/shell/command_line.hpp"

namespace agent::shell {

// Serials or agents that a daemon knows, for completion; none when it does not answer at once.
// `preferred` as in daemon_link.hpp.
[[nodiscard]] std::vector<std::string> names_known(ValueKind kind, const GlobalOptions& options,
                                                   Daemon preferred);

}  // namespace agent::shell
