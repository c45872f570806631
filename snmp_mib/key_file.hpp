#pragma once

#include <string>
#include <variant>

#include "agent/core/result.hpp"

namespace snmp_mib {

struct Passphrase {
    std::string text;  // at least 8 characters (RFC 3414 11.2)
};
struct MasterKey {
    std::string bytes;  // Ku: not yet localized to an engine
};
using KeyFileContent = std::variant<Passphrase, MasterKey>;

// Refuses a file that its group or others can read, that is no plain file, or that belongs to
// somebody else. Errors never quote the content.
[[nodiscard]] agent::core::Result<KeyFileContent> read_key_file(const std::string& path);

}  // namespace snmp_mib
