#include "agent/shell/command_words.hpp"

namespace agent::shell {
namespace {

constexpr std::string_view blanks = " \t\r\n";

struct Word {
    std::string text;
    std::string_view rest;
};

core::Result<Word> quoted(std::string_view rest, char quote, std::string text) {
    for (std::size_t i = 0; i < rest.size(); ++i) {
        if (rest[i] == quote) return Word{std::move(text), rest.substr(i + 1)};
        if (rest[i] == '\\' && quote == '"' && i + 1 < rest.size()) ++i;
        text += rest[i];
    }
    return core::Error{std::string{"the quote "} + quote + " is not closed"};
}

core::Result<Word> first_word(std::string_view rest) {
    std::string text;
    while (!rest.empty() && blanks.find(rest.front()) == std::string_view::npos) {
        const char c = rest.front();
        rest.remove_prefix(1);
        if (c == '\'' || c == '"') {
            auto word = quoted(rest, c, std::move(text));
            if (!word) return word.error();
            text = std::move(word.value().text);
            rest = word.value().rest;
        } else if (c == '\\' && !rest.empty()) {
            text += rest.front();
            rest.remove_prefix(1);
        } else {
            text += c;
        }
    }
    return Word{std::move(text), rest};
}

}  // namespace

core::Result<std::vector<std::string>> command_words(std::string_view line) {
    if (line.size() > command_line_max) {
        return core::Error{"the line is longer than " + std::to_string(command_line_max) +
                           " characters"};
    }
    std::vector<std::string> words;
    while (true) {
        const std::size_t start = line.find_first_not_of(blanks);
        if (start == std::string_view::npos || line[start] == '#') return words;
        auto word = first_word(line.substr(start));
        if (!word) return word.error();
        words.push_back(std::move(word.value().text));
        line = word.value().rest;
    }
}

}  // namespace agent::shell
