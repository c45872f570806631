#pragma once

#include <string_view>

namespace agent::mounts {

inline constexpr int claim_schema_version = 1;

// The tables, in words both engines understand. That a volume is in one drive, that a drive serves
// one claim and that a request is one claim is held by unique indexes, not by code.
[[nodiscard]] std::string_view claim_schema();

}  // namespace agent::mounts
