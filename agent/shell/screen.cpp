#include "agent/shell/screen.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "agent/runtime/clock.hpp"

namespace agent::shell {
namespace {

constexpr std::size_t columns_default = 80;
constexpr std::size_t columns_min = 40;

std::string_view environment(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? std::string_view{} : std::string_view{value};
}

std::string_view escape_of(Tone tone) {
    switch (tone) {
        case Tone::plain:
            return "";
        case Tone::good:
            return "\x1b[32m";
        case Tone::attention:
            return "\x1b[33m";
        case Tone::bad:
            return "\x1b[1;31m";
        case Tone::faint:
            return "\x1b[2m";
        case Tone::strong:
            return "\x1b[1m";
    }
    return "";
}

bool continues_character(char byte) {
    return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
}

// Length of the UTF-8 character at the front (RFC 3629 section 4), 0 when there is none.
std::size_t character_length(std::string_view text) {
    const auto lead = static_cast<unsigned char>(text.front());
    if (lead < 0x80) return 1;
    const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return 0;
    const std::string_view rest = text.substr(1, length - 1);
    if (!std::ranges::all_of(rest, continues_character)) return 0;
    // U+0080 to U+009F are control characters too; terminals obey them.
    if (lead == 0xC2 && static_cast<unsigned char>(rest.front()) < 0xA0) return 0;
    return length;
}

// Where the first `columns` characters end.
std::size_t bytes_of_columns(std::string_view text, std::size_t columns) {
    std::size_t bytes = 0;
    while (bytes < text.size() && columns > 0) {
        ++bytes;
        while (bytes < text.size() && continues_character(text[bytes]))
            ++bytes;
        --columns;
    }
    return bytes;
}

std::vector<std::string_view> words_of(std::string_view text) {
    std::vector<std::string_view> words;
    while (!text.empty()) {
        const std::size_t blank = std::min(text.find(' '), text.size());
        if (blank > 0) words.push_back(text.substr(0, blank));
        text.remove_prefix(std::min(blank + 1, text.size()));
    }
    return words;
}

}  // namespace

Screen screen_of(int descriptor) {
    Screen screen{columns_default, false, runtime::clock_now().wall};
    if (::isatty(descriptor) == 0) return screen;
    winsize size{};
    if (::ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        screen.columns = std::max<std::size_t>(size.ws_col, columns_min);
    }
    screen.colours = environment("NO_COLOR").empty() && environment("TERM") != "dumb" &&
                     !environment("TERM").empty();
    return screen;
}

std::string painted(std::string_view text, Tone tone, const Screen& screen) {
    if (!screen.colours || tone == Tone::plain || text.empty()) return std::string{text};
    return std::string{escape_of(tone)} + std::string{text} + "\x1b[0m";
}

std::string printable(std::string_view text) {
    std::string safe;
    safe.reserve(text.size());
    while (!text.empty()) {
        const std::size_t length = character_length(text);
        const auto lead = static_cast<unsigned char>(text.front());
        if (length == 0 || lead < 0x20 || lead == 0x7F) {
            safe += '?';
            text.remove_prefix(1);
            while (length == 0 && !text.empty() && continues_character(text.front())) {
                text.remove_prefix(1);
            }
        } else {
            safe += text.substr(0, length);
            text.remove_prefix(length);
        }
    }
    return safe;
}

std::size_t columns_of(std::string_view text) {
    return static_cast<std::size_t>(
        std::ranges::count_if(text, [](char byte) { return !continues_character(byte); }));
}

std::string elided(std::string_view text, std::size_t columns) {
    const std::size_t wide = columns_of(text);
    if (wide <= columns) return std::string{text};
    if (columns < 3) return std::string{text.substr(0, bytes_of_columns(text, columns))};
    const std::size_t tail = columns / 2;
    const std::size_t head = columns - 1 - tail;
    return std::string{text.substr(0, bytes_of_columns(text, head))} + "~" +
           std::string{text.substr(bytes_of_columns(text, wide - tail))};
}

std::vector<std::string> wrapped(std::string_view text, std::size_t columns) {
    columns = std::max<std::size_t>(columns, 1);
    std::vector<std::string> lines{""};
    std::size_t used = 0;
    for (std::string_view word : words_of(text)) {
        if (used > 0 && used + 1 + columns_of(word) > columns) {
            lines.emplace_back();
            used = 0;
        }
        while (used == 0 && columns_of(word) > columns) {
            const std::size_t bytes = bytes_of_columns(word, columns);
            lines.back() = word.substr(0, bytes);
            lines.emplace_back();
            word.remove_prefix(bytes);
        }
        if (used > 0) lines.back() += ' ';
        lines.back() += word;
        used = columns_of(lines.back());
    }
    if (lines.size() > 1 && lines.back().empty()) lines.pop_back();
    return lines;
}

std::string paragraph(std::string_view text, std::size_t indent, const Screen& screen) {
    const std::size_t columns = screen.columns > indent ? screen.columns - indent : 1;
    std::string result;
    for (const std::string& line : wrapped(text, columns)) {
        if (!line.empty()) result += std::string(indent, ' ') + line;
        result += '\n';
    }
    return result;
}

}  // namespace agent::shell
