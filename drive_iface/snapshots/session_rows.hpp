#pragma once

// Rows of sessions in the catalogue's table of versions.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/result.hpp"
#include "drive_iface/sessions/tracking.hpp"

namespace agent::runtime {
class Database;
}

namespace drive_iface::snapshots {

// In order of identifier; `where` over `first` and `last`, with `number` for its ?1.
[[nodiscard]] agent::core::Result<std::vector<sessions::Session>> read_session_rows(
    const agent::runtime::Database& database, const std::string& where,
    std::optional<std::uint32_t> number);

// As it is from snapshot `first` on. Within a transaction.
[[nodiscard]] agent::core::Outcome write_session_row(const agent::runtime::Database& database,
                                                     std::uint32_t first,
                                                     const sessions::Session& session);

}  // namespace drive_iface::snapshots
