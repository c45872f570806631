#pragma once

#include "agent/runtime/exit_code.hpp"
#include "agent/shell/command_line.hpp"
#include "agent/shell/command_output.hpp"

namespace agent::shell {

// Asks the daemon and shows what it says, or why there is no answer. `preferred` decides between
// daemons that serve the same command.
[[nodiscard]] runtime::ExitCode run_request(const Request& request, Daemon preferred,
                                            const Output& output);

}  // namespace agent::shell
