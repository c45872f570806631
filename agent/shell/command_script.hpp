#pragma once

#include <string>

#include "agent/shell/command_runner.hpp"

namespace agent::shell {

// Runs the verbs in a file, one a line, '#' begins a comment. Stops at the first failure, names
// FILE:LINE and ends with its exit code. "-" is standard input.
[[nodiscard]] runtime::ExitCode run_script(const std::string& file, const GlobalOptions& options,
                                           const Output& output);

}  // namespace agent::shell
