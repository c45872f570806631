#include "agent/shell/completion.hpp"

#include <algorithm>

namespace agent::shell {
namespace {

using Words = std::vector<std::string>;

// Plain splitting is enough here: nobody completes within quotes.
Words split(std::string_view line) {
    Words words{""};
    for (const char c : line) {
        if (c != ' ' && c != '\t') {
            words.back() += c;
        } else if (!words.back().empty()) {
            words.emplace_back();
        }
    }
    return words;
}

Words first_words() {
    Words words{"help", "quit", "use"};
    for (const Noun& noun : nouns())
        words.emplace_back(noun.name);
    return words;
}

Words verbs(std::string_view noun) {
    Words words;
    for (const std::string_view verb : verbs_of(noun))
        words.emplace_back(verb);
    return words;
}

const Parameter* option_named(const Command& command, std::string_view word) {
    const auto* found = std::ranges::find_if(command.options, [&](const Parameter& option) {
        return !option.name.empty() && option_of(option) == word;
    });
    return found == command.options.end() ? nullptr : found;
}

bool named_by_daemon(ValueKind kind) {
    return kind == ValueKind::serial || kind == ValueKind::agent_name;
}

// Which positional argument comes next: words that are neither options nor their values are
// counted.
std::size_t positionals_before(const Command& command, const Words& words) {
    std::size_t count = 0;
    for (std::size_t i = 2; i + 1 < words.size(); ++i) {
        if (!words[i].starts_with("--")) {
            ++count;
            continue;
        }
        const Parameter* option = option_named(command, words[i]);
        if (option != nullptr && option->kind != ValueKind::flag) ++i;
    }
    return count;
}

Words option_words(const Command& command) {
    Words words{"--json"};
    for (const Parameter& option : command.options) {
        if (!option.name.empty()) words.push_back(option_of(option));
    }
    return words;
}

Words arguments(const Command& command, const Words& words, const NameSource& names) {
    if (const Parameter* option = option_named(command, words[words.size() - 2])) {
        if (option->kind != ValueKind::flag) {
            return named_by_daemon(option->kind) ? names(option->kind) : Words{};
        }
    }
    if (words.back().starts_with("-")) return option_words(command);
    const std::size_t position = positionals_before(command, words);
    const bool more =
        position < command.positionals.size() && !command.positionals[position].name.empty();
    if (!more) return option_words(command);
    const ValueKind kind = command.positionals[position].kind;
    return named_by_daemon(kind) ? names(kind) : Words{};
}

Words possible(const Words& words, const NameSource& names) {
    if (words.size() == 1) return first_words();
    if (words[0] == "help") {
        if (words.size() == 2) return first_words();
        return words.size() == 3 ? verbs(words[1]) : Words{};
    }
    if (words[0] == "use") return words.size() == 2 ? Words{"lrad", "dsad", "vtld"} : Words{};
    if (words.size() == 2) return verbs(words[0]);
    const Command* command = find_command(words[0], words[1]);
    return command == nullptr ? Words{} : arguments(*command, words, names);
}

}  // namespace

Completion complete(std::string_view line, const NameSource& names) {
    const Words words = split(line);
    Completion completion{words.back(), possible(words, names)};
    std::erase_if(completion.candidates, [&](const std::string& candidate) {
        return !candidate.starts_with(completion.unfinished);
    });
    std::ranges::sort(completion.candidates);
    return completion;
}

std::string common_beginning(const std::vector<std::string>& candidates) {
    if (candidates.empty()) return {};
    std::string beginning = candidates.front();
    for (const std::string& candidate : candidates) {
        const auto [end, ignored] = std::ranges::mismatch(beginning, candidate);
        beginning.erase(end, beginning.end());
    }
    return beginning;
}

}  // namespace agent::shell
