#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/core/result.hpp"

namespace agent::shell {

inline constexpr std::size_t command_line_max = 4096;

// A typed line as words: blanks separate, '...' and "..." hold together, '\' takes the next
// character as it is (not within '...'), '#' at the start of a word begins a comment. Nothing is
// expanded. Errors: a quote that is not closed, a line longer than command_line_max.
[[nodiscard]] core::Result<std::vector<std::string>> command_words(std::string_view line);

}  // namespace agent::shell
