#pragma once

// How a program's output is searched, line by line, for what an administrator has written down as a
// pattern.

#include <regex>
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/result.hpp"

namespace agent::host {

// The lines of a text without their ends, "\r\n" too, each cut at 4096 bytes. They point into
// `text`.
[[nodiscard]] std::vector<std::string_view> lines_of(std::string_view text);

// Matches a whole line in which the pattern is found somewhere, in time that is proportional to the
// line. `text` is an ECMAScript regular expression without back-references; anything else is an
// error.
[[nodiscard]] core::Result<std::regex> line_pattern(const std::string& text);

// For the operator: at most 120 bytes of it.
[[nodiscard]] std::string in_quotes(std::string_view line);

}  // namespace agent::host
