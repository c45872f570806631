#include "drive_iface/vtld/snapshot_exports.hpp"

#include <unistd.h>

#include <algorithm>
#include <asio/post.hpp>
#include <chrono>
#include <utility>

namespace drive_iface::vtld {

using agent::core::Error;
using agent::core::Nothing;
using agent::core::Outcome;
using snapshots::SnapshotExport;

namespace {

constexpr auto ask_again_after = std::chrono::milliseconds(20);

}  // namespace

SnapshotExports::SnapshotExports(asio::io_context& loop, snapshots::SnapshotStore& snapshots)
    : loop_(&loop), snapshots_(&snapshots) {}

void SnapshotExports::close() {
    alive_.reset();
    std::vector<std::string> finished;
    for (const auto& one : exports_) {
        for (auto& path : one->abandon())
            finished.push_back(std::move(path));
    }
    bench_.join();
    for (const auto& path : finished)
        ::unlink(path.c_str());
    exports_.clear();
}

Outcome SnapshotExports::begin(SnapshotExport::Wanted wanted, SnapshotExport::Done done) {
    if (exports_.size() >= exports_max) {
        return Error{std::to_string(exports_.size()) +
                     " exports are under way already; snapshot jobs shows them"};
    }
    for (const auto& one : exports_) {
        if (one->wanted().what == wanted.what)
            return Error{"the same is being exported already; snapshot jobs shows it"};
    }
    SnapshotExport::Doors doors;
    doors.snapshots = snapshots_;
    doors.run_on_loop = [loop = loop_](std::function<void()> f) {
        asio::post(*loop, std::move(f));
    };
    doors.run_on_bench = [this, alive = std::weak_ptr(alive_)](std::function<void()> f) {
        if (!alive.expired()) asio::post(bench_, std::move(f));
    };
    doors.run_later = [loop = loop_](std::function<void()> f) {
        auto timer = std::make_shared<asio::steady_timer>(*loop, ask_again_after);
        timer->async_wait([timer, f = std::move(f)](const asio::error_code& cancelled) {
            if (!cancelled) f();
        });
    };
    const auto place = std::make_shared<std::weak_ptr<SnapshotExport>>();
    auto begun = std::make_shared<SnapshotExport>(
        std::move(wanted), std::move(doors),
        [this, place, alive = std::weak_ptr(alive_),
         done = std::move(done)](agent::core::Result<std::vector<snapshots::ExportedFile>> files) {
            if (alive.expired()) return;
            const auto self = place->lock();
            std::erase(exports_, self);
            done(std::move(files));
        });
    *place = begun;
    exports_.push_back(begun);
    begun->start();
    return Nothing{};
}

}  // namespace drive_iface::vtld
