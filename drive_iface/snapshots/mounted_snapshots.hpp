#pragma once

#include "drive_iface/snapshots/snapshot_store.hpp"
#include "drive_iface/virtual/virtual_volumes.hpp"

namespace drive_iface::snapshots {

// Snapshots that are mounted, as volumes of the library. Their data is opened each time one is
// moved to a drive; the sessions' own progress tells the library when to ask again.
class MountedSnapshots final : public virtual_library::VirtualVolumes {
  public:
    // `snapshots` outlives it.
    explicit MountedSnapshots(SnapshotStore& snapshots) : snapshots_(&snapshots) {}

    std::vector<std::string> names() const override;
    std::optional<agent::core::Result<std::unique_ptr<virtual_library::Cartridge>>> build(
        const std::string& name) override;
    void on_progress(std::function<void()>) override {}

  private:
    SnapshotStore* snapshots_;
};

}  // namespace drive_iface::snapshots
