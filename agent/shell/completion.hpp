#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/shell/command_table.hpp"

namespace agent::shell {

// Names that only a daemon knows (serials, agents); empty when it does not say so quickly.
using NameSource = std::function<std::vector<std::string>(ValueKind kind)>;

struct Completion {
    std::string unfinished;               // the word that is being typed, empty after a blank
    std::vector<std::string> candidates;  // all it can become, sorted
};

// What can follow `line`, the text before the cursor.
[[nodiscard]] Completion complete(std::string_view line, const NameSource& names);

// What all candidates begin with.
[[nodiscard]] std::string common_beginning(const std::vector<std::string>& candidates);

}  // namespace agent::shell
