#include "drive_iface/vtld/snapshot_configuration.hpp"

#include <nlohmann/json.hpp>

namespace drive_iface::vtld {

using namespace agent::runtime;

ValueShape snapshots_shape() {
    return object_shape({
        default_key("every_minutes", integer_shape(0, 525'600), "0",
                    "A snapshot so often, when something happened since the last one; 0: only on "
                    "completion and on demand."),
        default_key("on_completion", boolean_shape(), "true",
                    "A snapshot whenever a write session is completed."),
        default_key("keep", integer_shape(1, 10'000), "48",
                    "So many of the newest stay, beside those that lractl snapshot keep marked."),
        default_key("keep_days", integer_shape(0, 36'500), "0",
                    "Older ones go, but never the newest of all; 0: however old."),
        default_key("keep_mb", integer_shape(0, 1'000'000'000), "100000",
                    "Data of sessions that snapshots refer to, in MiB in one folder: beyond it the "
                    "oldest go; 0: no limit."),
        default_key("mount_slots", integer_shape(0, 64), "4",
                    "Slots of the changer for snapshots that are mounted as volumes."),
    });
}

SnapshotConfiguration snapshot_configuration(const Configuration& configuration) {
    constexpr std::uint64_t mebibyte = 1 << 20;
    const auto& values = configuration.values()["snapshots"];
    SnapshotConfiguration snapshots;
    snapshots.every_minutes = values["every_minutes"].get<std::int64_t>();
    snapshots.on_completion = values["on_completion"].get<bool>();
    snapshots.retention.count = values["keep"].get<std::size_t>();
    snapshots.retention.days = values["keep_days"].get<std::int64_t>();
    const auto keep_mb = values["keep_mb"].get<std::uint64_t>();
    if (keep_mb > 0) snapshots.retention.bytes = keep_mb * mebibyte;
    snapshots.mount_slots = values["mount_slots"].get<std::size_t>();
    return snapshots;
}

}  // namespace drive_iface::vtld
