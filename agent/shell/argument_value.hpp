#pragma once

#include <string>

#include "agent/core/result.hpp"
#include "agent/shell/command_line.hpp"

namespace agent::shell {

// What `text` means for that parameter; times are counted back from `now` and become RFC 3339. Not
// for flags. Errors name the parameter and say what would be right.
[[nodiscard]] core::Result<ArgumentValue> argument_value(const Parameter& parameter,
                                                         const std::string& text,
                                                         core::WallTime now);

}  // namespace agent::shell
