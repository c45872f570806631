#pragma once

#include <string>

#include "agent/core/result.hpp"

namespace agent::shell {

// Key files hold one line: "master HEX" or "passphrase TEXT". Both functions write a new file of
// mode 0600 and sync it; they never touch one that exists, and leave none behind when they fail.

// 256 random bits from the kernel.
[[nodiscard]] core::Outcome create_master_key_file(const std::string& path);

// The first line of `descriptor`, 8 to 200 characters (RFC 3414 11.2 asks for 8 at least). On a
// terminal it asks for it and does not show what is typed.
[[nodiscard]] core::Outcome create_passphrase_file(const std::string& path, int descriptor);

}  // namespace agent::shell
