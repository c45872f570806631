#pragma once

// Snapshots as the control socket tells them, and as the administrative volume ADMSNP does.

#include <cstddef>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "drive_iface/admin_volumes/data_set.hpp"
#include "drive_iface/snapshots/snapshot_export.hpp"
#include "drive_iface/snapshots/snapshot_store.hpp"

namespace drive_iface::vtld {

[[nodiscard]] nlohmann::json snapshot_json(const snapshots::Snapshot& snapshot);
// At most `limit` sessions, and how many more there are.
[[nodiscard]] nlohmann::json snapshot_difference_json(
    const snapshots::SnapshotDifference& difference, std::size_t limit);
[[nodiscard]] nlohmann::json exported_files_json(const std::vector<snapshots::ExportedFile>& files,
                                                 snapshots::ExportFormat format);
[[nodiscard]] nlohmann::json snapshot_event(const snapshots::SnapshotChange& change);

// A record for each snapshot, then one for each session of the newest.
[[nodiscard]] std::vector<admin_volumes::Record> snapshot_records(
    const snapshots::Snapshots& snapshots);

}  // namespace drive_iface::vtld
