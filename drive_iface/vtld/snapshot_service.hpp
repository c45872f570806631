#pragma once

// Snapshots in the running daemon: what starts them, has them look at the clock, answers for them
// on the control socket, and lends them a thread to write exports on. docs/SNAPSHOTS.md

#include <memory>

#include "agent/core/result.hpp"
#include "agent/runtime/control_server.hpp"
#include "drive_iface/snapshots/snapshot_store.hpp"
#include "drive_iface/virtual/virtual_volumes.hpp"

namespace asio {
class io_context;
}

namespace drive_iface::vtld {

class DriveBay;
struct VtldConfiguration;

class SnapshotService {
  public:
    // `loop` and `tracking` outlive it. Errors: the catalogue can not be used.
    [[nodiscard]] static agent::core::Result<std::unique_ptr<SnapshotService>> start(
        asio::io_context& loop, const VtldConfiguration& configuration,
        sessions::Tracking& tracking);
    ~SnapshotService();  // gives up exports that are under way
    SnapshotService(const SnapshotService&) = delete;
    SnapshotService& operator=(const SnapshotService&) = delete;

    [[nodiscard]] snapshots::SnapshotStore& snapshots();
    // `others`, which outlive it, and behind them the slots of mounted snapshots.
    [[nodiscard]] virtual_library::VirtualVolumes& volumes_with(
        virtual_library::VirtualVolumes& others);

    // snapshot.list, .show, .diff, .take, .keep, .unkeep, .remove, .mount, .unmount, .export,
    // .jobs, .cancel; and each change as an event to those who follow, which ends with what is
    // returned. This and `bay` outlive `control`.
    [[nodiscard]] std::shared_ptr<void> add_methods(agent::runtime::ControlServer& control,
                                                    DriveBay& bay);

  private:
    class Running;
    explicit SnapshotService(std::shared_ptr<Running> running);
    std::shared_ptr<Running> running_;  // shared weakly with timers and what is queued in the loop
};

// The same methods where no drive is parallel: each says so.
void add_no_snapshot_methods(agent::runtime::ControlServer& control);

}  // namespace drive_iface::vtld
