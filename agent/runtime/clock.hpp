#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agent/core/time.hpp"

namespace agent::runtime {

// CLOCK_MONOTONIC and CLOCK_REALTIME of this host.
[[nodiscard]] core::Now clock_now();

// RFC 3339 in UTC with milliseconds: "2026-01-31T12:00:00.123Z".
[[nodiscard]] std::string to_text(core::WallTime at);

// The form above; fraction optional (1 to 9 digits, cut to milliseconds), "Z" or an offset.
[[nodiscard]] std::optional<core::WallTime> wall_time_from_text(std::string_view text);

}  // namespace agent::runtime
