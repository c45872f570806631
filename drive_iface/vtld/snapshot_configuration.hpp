#pragma once

// The section "snapshots" of vtld.json.

#include <cstddef>
#include <cstdint>

#include "agent/runtime/configuration.hpp"
#include "drive_iface/snapshots/retention.hpp"

namespace drive_iface::vtld {

struct SnapshotConfiguration {
    std::int64_t every_minutes = 0;  // 0: none periodically
    bool on_completion = true;
    snapshots::Retention retention;
    std::size_t mount_slots = 4;
    bool operator==(const SnapshotConfiguration&) const = default;
};

[[nodiscard]] agent::runtime::ValueShape snapshots_shape();
[[nodiscard]] SnapshotConfiguration snapshot_configuration(
    const agent::runtime::Configuration& configuration);

}  // namespace drive_iface::vtld
