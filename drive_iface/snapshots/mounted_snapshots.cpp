#include "drive_iface/snapshots/mounted_snapshots.hpp"

namespace drive_iface::snapshots {

std::vector<std::string> MountedSnapshots::names() const {
    std::vector<std::string> slots(snapshots_->mounts_max());
    for (const auto& one : snapshots_->mounted())
        slots[one.slot] = one.volume;
    return slots;
}

std::optional<agent::core::Result<std::unique_ptr<virtual_library::Cartridge>>>
MountedSnapshots::build(const std::string& name) {
    using Built = agent::core::Result<std::unique_ptr<virtual_library::Cartridge>>;
    for (const auto& one : snapshots_->mounted()) {
        if (one.volume == name) return snapshots_->open(one.mount.number, one.mount.session);
    }
    return Built(agent::core::Error{"no snapshot is mounted as " + name});
}

}  // namespace drive_iface::snapshots
