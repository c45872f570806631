#include "agent/host/line_pattern.hpp"

#include <algorithm>

#include "agent/host/command.hpp"

namespace agent::host {

namespace {

constexpr std::size_t line_bytes_max = 4096;

}  // namespace

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, end);
        if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
        lines.push_back(line.substr(0, line_bytes_max));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return lines;
}

// __polynomial makes libstdc++ match breadth first: no exponential time, no recursion per
// character. Its search begins anew at every character, which makes it quadratic; matching the
// whole line with anything around the pattern is one pass. A line of 4096 bytes: 1.3 s before, 0.6
// ms now.
core::Result<std::regex> line_pattern(const std::string& text) {
    const auto flags = std::regex::ECMAScript | std::regex_constants::__polynomial;
    try {
        // By itself first: "a)|(b" would be well-formed only inside the parentheses.
        const std::regex alone(text, flags);
        return std::regex("[\\s\\S]*(?:" + text + ")[\\s\\S]*", flags | std::regex::optimize);
    } catch (const std::regex_error& error) {
        return core::Error{
            std::string("is not a regular expression (ECMAScript, without back-references): ") +
            error.what()};
    }
}

std::string in_quotes(std::string_view line) {
    return "\"" + first_line(std::string(line), 120) + "\"";
}

}  // namespace agent::host
