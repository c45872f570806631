#include "agent/lrad/drive_setup.hpp"

#include <utility>

#include "agent/runtime/log.hpp"
#include "drive_iface/device/fence_key.hpp"

namespace agent::lrad {

namespace {

constexpr core::Duration actuator_command_timeout{30'000};

}  // namespace

core::Result<std::unique_ptr<drive_iface::OfflineActuator>> make_actuator(
    asio::io_context& loop, const runtime::LradDrive& drive,
    drive_iface::events::DriveEventServer* events, const core::ControllerName& controller,
    drive_iface::DriveWatch* watch) {
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
                           [watch](drive_iface::DriveJob job) {
                               if (watch != nullptr) watch->run(std::move(job));
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

drive_iface::DriveWatchOptions watch_options(const runtime::LradDrive& drive,
                                             const core::ControllerName& controller) {
    drive_iface::DriveWatchOptions options;
    options.poller.poll_fast = drive.poll_fast;
    options.poller.poll_busy = drive.poll_busy;
    options.own_key = drive_iface::fence_key(controller);
    options.poller.serial = drive.serial;
    options.poller.poll = drive.poll;
    options.events = drive.events;
    return options;
}

}  // namespace agent::lrad
