#pragma once

#include <string_view>

namespace agent::mounts {

inline constexpr int claim_schema_version = 1;

// The tables, in words both engines understand. That a volume is in one drive, that a request is
// one claim and a volume has one, is held by unique indexes, not by code; a drive has one row with
// room for one claim. Only the primary keys begin with the library: PostgreSQL, which has counted
// nothing in a young table, takes any index that begins so for as good as the right one, and reads
// every claim to find one. (Tables made before are the same but for that.)
[[nodiscard]] std::string_view claim_schema();

}  // namespace agent::mounts
