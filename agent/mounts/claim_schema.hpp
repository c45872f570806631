#pragma once

#include <string_view>

namespace agent::mounts {

inline constexpr int claim_schema_version = 1;

// The tables, in words both engines understand. That a volume is in one drive, that a request is
// one claim and a volume has one, is held by unique indexes, not by code; a drive has one row with
// room for one claim.
[[nodiscard]] std::string_view claim_schema();

}  // namespace agent::mounts
