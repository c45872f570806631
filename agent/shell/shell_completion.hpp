#pragma once

// Completion in the shells where people type lractl: a script for the shell, which asks
// `lractl --complete LINE`.

#include <functional>
#include <string>
#include <string_view>

#include "agent/shell/command_line.hpp"
#include "agent/shell/completion.hpp"

namespace agent::shell {

// "bash" or "zsh".
[[nodiscard]] std::string completion_script(std::string_view shell);

// As NameSource, with the options before the noun, and the daemon that the command is for if only
// one serves it.
using ArgumentNameSource = std::function<std::vector<std::string>(
    ValueKind kind, const GlobalOptions& options, Daemon daemon)>;

// What can follow `line`, a command line from its first word up to the cursor.
[[nodiscard]] Completion complete_arguments(std::string_view line, const GlobalOptions& defaults,
                                            const ArgumentNameSource& names);

}  // namespace agent::shell
