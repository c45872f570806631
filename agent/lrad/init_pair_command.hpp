#pragma once

// `lrad --init-pair`: makes this node's copy of the drive table as the configuration says, and
// ends.

#include <vector>

#include "agent/runtime/program_options.hpp"

namespace agent::lrad {

[[nodiscard]] std::vector<runtime::ProgramQuestion> init_pair_questions();

}  // namespace agent::lrad
