#pragma once

#include <string>

namespace agent::shell {

// lractl(1), from the command table, for man(1).
[[nodiscard]] std::string command_manual();

}  // namespace agent::shell
