#pragma once

#include <string>
#include <string_view>

#include "agent/shell/command_table.hpp"

namespace agent::shell {

// Help, all from the command table, within 80 columns.
[[nodiscard]] std::string help_text();  // lractl --help
[[nodiscard]] std::string help_of(const Noun& noun);
[[nodiscard]] std::string help_of(const Command& command);

// One line for usage errors: which nouns, which verbs there are.
[[nodiscard]] std::string noun_summary();
[[nodiscard]] std::string verb_summary(std::string_view noun);

// The generated part of docs/LRACTL.md, in Markdown. A test compares it with the file.
[[nodiscard]] std::string command_reference();

}  // namespace agent::shell
