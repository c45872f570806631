#pragma once

// Which snapshots have been there long enough. Pure.

#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <vector>

#include "drive_iface/snapshots/snapshots.hpp"

namespace drive_iface::snapshots {

struct Retention {
    std::size_t count = 48;            // of those that are not kept, the newest
    std::int64_t days = 0;             // 0: however old
    std::uint64_t bytes = UINT64_MAX;  // of sessions' data that snapshots refer to
    bool operator==(const Retention&) const = default;
};

// Those to be removed, the oldest first. Kept ones, the newest of all, and what is `in_use` stay.
[[nodiscard]] std::vector<std::uint32_t> outlived(std::span<const Snapshot> oldest_first,
                                                  const Retention& retention, std::int64_t now_ms,
                                                  const std::set<std::uint32_t>& in_use);
// The next one to go when there is too much of something; nothing: all have to stay.
[[nodiscard]] std::optional<std::uint32_t> first_to_go(std::span<const Snapshot> oldest_first,
                                                       const std::set<std::uint32_t>& in_use);

}  // namespace drive_iface::snapshots
