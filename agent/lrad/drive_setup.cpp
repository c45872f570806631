#include "agent/lrad/drive_setup.hpp"

#include <algorithm>
#include <utility>

#include "agent/runtime/log.hpp"
#include "drive_iface/device/fence_key.hpp"
#include "drive_iface/device/holder_resolvers.hpp"

namespace agent::lrad {

namespace {

constexpr core::Duration actuator_command_timeout{30'000};

// The rungs between a look and the hosts' own word, strongest first (docs/HOLDER.md). A resolver
// for another source is one more line here.
std::shared_ptr<drive_iface::HolderLadder> make_ladder(const runtime::LradDrive& drive) {
    std::vector<drive_iface::KeyOwner> owners;
    for (const auto& owner : drive.keys)
        owners.push_back({owner.key, owner.ports});
    std::vector<std::unique_ptr<drive_iface::HolderResolver>> rungs;
    rungs.push_back(drive_iface::make_key_resolver(std::move(owners)));
    if (drive.conflict_list) rungs.push_back(drive_iface::make_conflict_list_resolver());
    std::optional<core::InitiatorPort> own_port;
    if (drive.interface && drive.interface->type == runtime::DriveInterface::Type::iscsi)
        own_port = core::initiator_port_from_text("iscsi:" + drive.interface->initiator_name);
    return std::make_shared<drive_iface::HolderLadder>(std::move(rungs), std::move(own_port));
}

}  // namespace

core::Result<std::unique_ptr<drive_iface::OfflineActuator>> make_actuator(
    asio::io_context& loop, const runtime::LradDrive& drive,
    drive_iface::events::DriveEventServer* events, const core::ControllerName& controller,
    drive_iface::DriveWatch* watch, const mounts::ActingDoor& acting) {
    switch (drive.actuator) {
        case runtime::OfflineActuator::drive:
            if (events == nullptr) {
                return core::Error{
                    "offline.actuator is \"drive\" and there is no drive event channel to tell it "
                    "on: set "
                    "events.listen, or choose another actuator"};
            }
            return drive_iface::make_drive_actuator(*events);
        case runtime::OfflineActuator::fence:
            return drive_iface::make_fence_actuator(
                loop, {.key = drive_iface::fence_key(controller),
                       .run =
                           [watch, acting](drive_iface::DriveJob job) {
                               if (watch == nullptr) return;
                               watch->run(mounts::under_right(std::move(job), acting));
                           },
                       .note = [](const std::string& text) { runtime::log_info(text); }});
        case runtime::OfflineActuator::command:
            return drive_iface::make_command_actuator(loop, drive.actuator_argv,
                                                      actuator_command_timeout);
        case runtime::OfflineActuator::alarm:
            break;
    }
    return drive_iface::make_alarm_actuator(loop);
}

core::Duration settle_of(const runtime::LradConfiguration& configuration) {
    return std::max(configuration.sharing.debounce, configuration.sharing.release_hold_down);
}

drive_iface::DriveWatchOptions watch_options(const runtime::LradDrive& drive,
                                             const core::ControllerName& controller) {
    drive_iface::DriveWatchOptions options;
    options.own_key = drive_iface::fence_key(controller);
    options.poller.serial = drive.serial;
    options.poller.poll = drive.poll;
    options.poller.poll_fast = drive.poll_fast;
    options.poller.poll_busy = drive.poll_busy;
    options.events = drive.events;
    options.ladder = make_ladder(drive);
    return options;
}

}  // namespace agent::lrad
