#pragma once

#include "agent/shell/command_runner.hpp"

namespace agent::shell {

// Reads commands from stdin until "quit" or its end: with line editing on a terminal, line by line
// from a pipe. A failing command does not end the session; the exit code is that of the last
// command that failed, ok when none did.
[[nodiscard]] runtime::ExitCode run_shell(const GlobalOptions& options, const Output& output);

}  // namespace agent::shell
