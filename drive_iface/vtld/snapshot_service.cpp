#include "drive_iface/vtld/snapshot_service.hpp"

#include <asio/io_context.hpp>
#include <chrono>
#include <utility>

#include "agent/runtime/clock.hpp"
#include "agent/runtime/log.hpp"
#include "drive_iface/snapshots/mounted_snapshots.hpp"
#include "drive_iface/vtld/administration.hpp"
#include "drive_iface/vtld/all_volumes.hpp"
#include "drive_iface/vtld/configuration.hpp"
#include "drive_iface/vtld/snapshot_exports.hpp"
#include "drive_iface/vtld/snapshot_json.hpp"
#include "drive_iface/vtld/snapshot_methods.hpp"

namespace drive_iface::vtld {

using agent::core::Result;
using snapshots::SnapshotChange;
using snapshots::SnapshotStore;

namespace {

constexpr auto look_at_the_clock = std::chrono::seconds(5);

std::string line_about(const SnapshotChange& change) {
    std::string line = "snapshot " + std::to_string(change.snapshot.number) + " " +
                       std::string(snapshots::to_text(change.kind));
    if (!change.by.empty()) line += " by " + change.by;
    if (change.by.empty() && change.kind == SnapshotChange::Kind::taken)
        line += " (" + std::string(snapshots::to_text(change.snapshot.cause)) + ")";
    if (!change.why.empty()) line += ": " + change.why;
    return line;
}

}  // namespace

class SnapshotService::Running : public std::enable_shared_from_this<Running> {
  public:
    Running(asio::io_context& loop, std::unique_ptr<SnapshotStore> taken)
        : store(std::move(taken)), exports(loop, *store), mounted(*store), clock_(loop) {
        listening_ = store->listen(
            [](const SnapshotChange& change) { agent::runtime::log_info(line_about(change)); });
    }

    void watch_the_clock() {
        clock_.expires_after(look_at_the_clock);
        clock_.async_wait([weak = weak_from_this()](const asio::error_code& cancelled) {
            const auto self = weak.lock();
            if (cancelled || !self) return;
            self->store->tick();
            self->watch_the_clock();
        });
    }

    std::unique_ptr<SnapshotStore> store;
    SnapshotExports exports;
    snapshots::MountedSnapshots mounted;
    std::unique_ptr<AllVolumes> volumes;

  private:
    asio::steady_timer clock_;
    std::shared_ptr<void> listening_;
};

Result<std::unique_ptr<SnapshotService>> SnapshotService::start(
    asio::io_context& loop, const VtldConfiguration& configuration, sessions::Tracking& tracking) {
    const auto& wanted = configuration.snapshots;
    const auto& drive = configuration.library.drives.front();
    auto store = SnapshotStore::start(
        {.file = configuration.state_dir + "/snapshots.catalogue",
         .every_minutes = wanted.every_minutes,
         .on_completion = wanted.on_completion,
         .retention = wanted.retention,
         .media_identifier = media_identifier(drive.personality, drive.product),
         .mounts_max = wanted.mount_slots,
         .now_ms = [] { return agent::runtime::clock_now().wall.ms; },
         .log = [](const std::string& line) { agent::runtime::log_warning(line); }},
        tracking);
    if (!store) return store.error();
    auto running = std::make_shared<Running>(loop, std::move(store).value());
    running->watch_the_clock();
    return std::unique_ptr<SnapshotService>(new SnapshotService(std::move(running)));
}

SnapshotService::SnapshotService(std::shared_ptr<Running> running) : running_(std::move(running)) {}

SnapshotService::~SnapshotService() {
    running_->exports.close();
}

SnapshotStore& SnapshotService::snapshots() {
    return *running_->store;
}

virtual_library::VirtualVolumes& SnapshotService::volumes_with(
    virtual_library::VirtualVolumes& others) {
    running_->volumes = std::make_unique<AllVolumes>(
        std::vector<virtual_library::VirtualVolumes*>{&others, &running_->mounted});
    return *running_->volumes;
}

std::shared_ptr<void> SnapshotService::add_methods(agent::runtime::ControlServer& control,
                                                   DriveBay& bay) {
    add_snapshot_methods(control, *running_->store);
    add_snapshot_volume_methods(control, *running_->store, bay);
    add_snapshot_export_methods(control, running_->exports);
    return running_->store->listen([&control](const SnapshotChange& change) {
        control.publish_event(snapshot_event(change));
    });
}

void add_no_snapshot_methods(agent::runtime::ControlServer& control) {
    for (const auto* verb : {"list", "show", "diff", "take", "keep", "unkeep", "remove", "mount",
                             "unmount", "export", "jobs", "cancel"}) {
        control.on(std::string("snapshot.") + verb,
                   [](const nlohmann::json&,
                      const agent::runtime::Caller&) -> agent::runtime::ControlAnswer {
                       return agent::runtime::ControlError{
                           agent::runtime::ControlErrorCode::failed,
                           "no drive of this library is parallel, so there are no write sessions "
                           "to take snapshots of"};
                   });
    }
}

}  // namespace drive_iface::vtld
