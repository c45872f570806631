#pragma once

// Words for the shells at the other end of ssh, which joins what it is given to one text and hands
// that to the login shell of the remote user.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/result.hpp"

namespace agent::agentless {

// `word` as one word of a POSIX shell, whatever bytes it has but NUL, which no argument can hold.
[[nodiscard]] std::string quoted_for_sh(std::string_view word);

// The same for PowerShell: in single quotes, where nothing but a quote means anything. PowerShell
// takes the typographic single quotes (U+2018 to U+201B) for quotes, too.
[[nodiscard]] std::string quoted_for_powershell(std::string_view word);

// What a command is wrapped in, so that its end can be told from that of the connection.
struct RemoteWrapping {
    // Printed by the far side behind everything, with the exit status, and "limit" when that has
    // struck; letters, digits and '-'.
    std::string marker;
    std::int64_t limit_s = 30;             // the far side ends the command after so long
    std::vector<std::string> environment;  // "NAME=value": all that the command gets, besides
    // so many more, each a line at the begin of its input: what no list of processes may show.
    std::size_t variables_on_input = 0;
};

// One line for a login shell that reads POSIX quoting (sh, bash, dash, ksh, zsh). Errors: no
// program; a NUL byte.
[[nodiscard]] core::Result<std::string> remote_line_for_sh(const std::vector<std::string>& argv,
                                                           const RemoteWrapping& wrapping);

// One line for any Windows login shell: PowerShell with the script as base64 of UTF-16LE, so that
// no quoting stands between. An argv of ["powershell", ..., "-Command", SCRIPT] is SCRIPT itself,
// unless that is "-"; any other is a program or cmdlet and its arguments, with `input` as a literal
// in front of it. The environment and the limit are not carried over: Windows programs need theirs,
// and there is no `timeout` to end them with. Errors: as above; text that is not UTF-8; a line
// longer than Windows takes (8191 characters).
[[nodiscard]] core::Result<std::string> remote_line_for_powershell(
    const std::vector<std::string>& argv, const std::string& input, const RemoteWrapping& wrapping);

}  // namespace agent::agentless
