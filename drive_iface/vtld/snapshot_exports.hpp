#pragma once

// The exports of snapshots that are under way, and the thread that writes them.

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <asio/thread_pool.hpp>
#include <memory>
#include <optional>
#include <vector>

#include "drive_iface/snapshots/snapshot_export.hpp"

namespace drive_iface::vtld {

class SnapshotExports {
  public:
    static constexpr std::size_t exports_max = 4;

    SnapshotExports(asio::io_context& loop, snapshots::SnapshotStore& snapshots);
    // Gives up all of them; call it before what cartridges are made of is gone.
    void close();

    // See SnapshotExport. Errors: there are as many as there may be, or the same is under way.
    [[nodiscard]] agent::core::Outcome begin(snapshots::SnapshotExport::Wanted wanted,
                                             snapshots::SnapshotExport::Done done);
    [[nodiscard]] const std::vector<std::shared_ptr<snapshots::SnapshotExport>>& under_way() const {
        return exports_;
    }
    [[nodiscard]] snapshots::SnapshotStore& snapshots() { return *snapshots_; }

  private:
    asio::io_context* loop_;
    snapshots::SnapshotStore* snapshots_;
    std::vector<std::shared_ptr<snapshots::SnapshotExport>> exports_;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
    asio::thread_pool bench_{1};
};

}  // namespace drive_iface::vtld
