#pragma once

#include <string>
#include <vector>

#include "agent/core/result.hpp"
#include "agent/shell/command_line.hpp"

namespace agent::shell {

struct Command;

// The command that lists names of this kind, serials or agents.
[[nodiscard]] const Command* list_of_names(ValueKind kind);

// Serials or agents that a daemon knows. Errors: it does not answer within options.timeout, or not
// this. `preferred` as in daemon_link.hpp.
[[nodiscard]] core::Result<std::vector<std::string>> names_known(ValueKind kind,
                                                                 const GlobalOptions& options,
                                                                 Daemon preferred = Daemon::none);
// The same for completion: an operator does not wait long for a Tab, and a name with a blank is not
// completed. None when there is no answer.
[[nodiscard]] std::vector<std::string> names_at_once(ValueKind kind, GlobalOptions options,
                                                     Daemon preferred);

}  // namespace agent::shell
