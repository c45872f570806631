#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "agent/core/time.hpp"
#include "agent/shell/command_table.hpp"

namespace agent::shell {

struct GlobalOptions {
    std::string socket;  // empty: the default one of the daemon that serves the command
    bool json = false;
    core::Duration timeout{10'000};  // of one answer
};

using ArgumentValue = std::variant<std::string, std::int64_t, bool>;

struct Argument {
    std::string_view name;  // of the Parameter
    ArgumentValue value;
    bool operator==(const Argument&) const = default;
};

// A command to carry out: complete and checked as far as that is possible without its daemon.
struct Request {
    const Command* command = nullptr;
    std::vector<Argument> arguments;
    GlobalOptions options;
};
struct ShellWanted {
    GlobalOptions options;
};
struct ScriptWanted {
    std::string file;  // "-": standard input
    GlobalOptions options;
};
struct TextWanted {  // help, version, the manual, a completion script
    std::string text;
};
struct CompletionWanted {  // by the shell lractl is typed in
    std::string line;
    GlobalOptions options;
};
struct UsageError {
    std::string message;  // what is wrong; the next lines say what would be right
};

using CommandLine =
    std::variant<Request, ShellWanted, ScriptWanted, TextWanted, CompletionWanted, UsageError>;

// Where the words come from: the program's own arguments, or a line of the shell or of a file,
// where -f is refused.
enum class WordSource : std::uint8_t { program_arguments, line };

// `defaults` is what holds when no global option is given. Global options may stand anywhere.
[[nodiscard]] CommandLine parse_command_line(const std::vector<std::string>& words,
                                             const GlobalOptions& defaults, WordSource source,
                                             core::WallTime now);

}  // namespace agent::shell
