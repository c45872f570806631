#pragma once

// Small files that must be whole after a crash: written beside the old one, synced, renamed, and
// the folder synced.

#include <string>

#include "agent/core/result.hpp"

namespace snmp_mib {

// Mode 0600. On error the old file is as it was.
[[nodiscard]] agent::core::Outcome write_durably(const std::string& path,
                                                 const std::string& content);

// At most `size_max` bytes. A file that does not exist is an empty text.
[[nodiscard]] agent::core::Result<std::string> read_if_there(const std::string& path,
                                                             std::size_t size_max);

}  // namespace snmp_mib
