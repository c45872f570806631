#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agent/core/time.hpp"

namespace agent::shell {

// In the local time zone: "2026-01-31 12:00:00".
[[nodiscard]] std::string local_time(core::WallTime at);

// Without the date when it is `now`'s day, without the year otherwise: "12:00:00", "01-30
// 23:59:59".
[[nodiscard]] std::string short_local_time(core::WallTime at, core::WallTime now);

// "0 s", "59 s", "12 min", "3 h", "5 d"; a time to come is "in 4 s".
[[nodiscard]] std::string age(core::WallTime at, core::WallTime now);
[[nodiscard]] std::string length_of_time(core::Duration length);

// What people write after --since: RFC 3339, "2026-01-31 12:00[:00]" or "12:00[:00]" in the local
// time zone, or how long ago: "90s", "10m", "2h", "3d".
[[nodiscard]] std::optional<core::WallTime> point_in_time_from_text(std::string_view text,
                                                                    core::WallTime now);

}  // namespace agent::shell
