#pragma once

#include "agent/runtime/control_server.hpp"
#include "drive_iface/snapshots/snapshot_store.hpp"

namespace drive_iface::vtld {

class DriveBay;
class SnapshotExports;

// What is borrowed outlives `control`.
// snapshot.list, .show, .diff, .take, .keep, .unkeep, .remove
void add_snapshot_methods(agent::runtime::ControlServer& control,
                          snapshots::SnapshotStore& snapshots);
// snapshot.mount, .unmount
void add_snapshot_volume_methods(agent::runtime::ControlServer& control,
                                 snapshots::SnapshotStore& snapshots, DriveBay& bay);
// snapshot.export, .jobs, .cancel
void add_snapshot_export_methods(agent::runtime::ControlServer& control, SnapshotExports& exports);

}  // namespace drive_iface::vtld
