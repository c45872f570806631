#include "agent/shell/shell_completion.hpp"

#include <algorithm>
#include <optional>

namespace agent::shell {

namespace {

// Files are completed by the shell itself where nothing of ours fits.
constexpr std::string_view bash_script =
    R"script(# Completion of lractl in bash; made by: lractl --completion bash
_lractl() {
    local line=${COMP_LINE:0:COMP_POINT} candidates
    candidates=$(lractl --complete "$line" 2>/dev/null) || return 0
    COMPREPLY=()
    [ -z "$candidates" ] || mapfile -t COMPREPLY <<<"$candidates"
}
complete -o default -F _lractl lractl
)script";

constexpr std::string_view zsh_script = R"script(#compdef lractl
# Completion of lractl in zsh; made by: lractl --completion zsh
_lractl() {
    local -a candidates
    candidates=(${(f)"$(lractl --complete "${(j: :)words[1,CURRENT]}" 2>/dev/null)"})
    if (( $#candidates )); then
        compadd -- $candidates
    else
        _files
    fi
}
if [ "$funcstack[1]" = _lractl ]; then
    _lractl "$@"
else
    compdef _lractl lractl
fi
)script";

constexpr std::string_view words_before_noun[] = {"--complete", "--completion", "--file",
                                                  "--help",     "--json",       "--print-manual",
                                                  "--socket",   "--timeout",    "--version"};

// The next word and what is behind the blanks after it; nothing when it is still being typed.
std::optional<std::string> take_word(std::string_view& line) {
    const std::size_t end = line.find(' ');
    if (end == std::string_view::npos) return std::nullopt;
    std::string word(line.substr(0, end));
    line.remove_prefix(std::min(line.find_first_not_of(' ', end), line.size()));
    return word;
}

// One daemon, or none when several serve the command that the line begins with.
Daemon only_daemon_for(std::string_view line) {
    const auto noun = take_word(line);
    const auto verb = noun ? take_word(line) : std::nullopt;
    const Command* command = verb ? find_command(*noun, *verb) : nullptr;
    if (command == nullptr || command->served_by[1] != Daemon::none) return Daemon::none;
    return command->served_by[0];
}

Completion options_beginning_with(std::string_view unfinished) {
    Completion completion{std::string(unfinished), {}};
    for (const std::string_view word : words_before_noun) {
        if (word.starts_with(unfinished)) completion.candidates.emplace_back(word);
    }
    return completion;
}

}  // namespace

std::string completion_script(std::string_view shell) {
    return std::string(shell == "zsh" ? zsh_script : bash_script);
}

Completion complete_arguments(std::string_view line, const GlobalOptions& defaults,
                              const ArgumentNameSource& names) {
    GlobalOptions options = defaults;
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    static_cast<void>(take_word(line));  // lractl
    while (line.starts_with('-')) {
        const auto option = take_word(line);
        if (!option) return options_beginning_with(line);
        if (*option == "--completion") {
            Completion shells{std::string(line), {"bash", "zsh"}};
            std::erase_if(shells.candidates,
                          [&](const auto& shell) { return !shell.starts_with(shells.unfinished); });
            return shells;
        }
        const bool takes_value = *option == "--socket" || *option == "--timeout" ||
                                 *option == "--file" || *option == "-f";
        if (!takes_value) continue;
        const auto value = take_word(line);
        if (!value) return {std::string(line), {}};
        if (*option == "--socket") options.socket = *value;
    }
    const Daemon daemon = only_daemon_for(line);
    Completion completion =
        complete(line, [&](ValueKind kind) { return names(kind, options, daemon); });
    std::erase_if(completion.candidates,  // words of the interactive shell
                  [](const auto& word) { return word == "quit" || word == "use"; });
    return completion;
}

}  // namespace agent::shell
