#pragma once

// From what lrad.json says of one drive to the objects that watch it and take it offline.

#include <memory>

#include "agent/core/result.hpp"
#include "agent/mounts/rightful_transport.hpp"
#include "agent/runtime/lrad_configuration.hpp"
#include "drive_iface/device/drive_watch.hpp"
#include "drive_iface/device/offline_actuator.hpp"
#include "drive_iface/events/drive_event_server.hpp"

namespace agent::lrad {

// `events` may be null: then a drive that is told over the event channel can not be taken offline,
// which is an error. `watch` is the drive's and must outlive the actuator; null: only to see
// whether the configuration will do. `acting` is asked before each command to the drive.
[[nodiscard]] core::Result<std::unique_ptr<drive_iface::OfflineActuator>> make_actuator(
    asio::io_context& loop, const runtime::LradDrive& drive,
    drive_iface::events::DriveEventServer* events, const core::ControllerName& controller,
    drive_iface::DriveWatch* watch, const mounts::ActingDoor& acting);

// For so long after a change the rules may still wait for another one.
[[nodiscard]] core::Duration settle_of(const runtime::LradConfiguration& configuration);

[[nodiscard]] drive_iface::DriveWatchOptions watch_options(const runtime::LradDrive& drive,
                                                           const core::ControllerName& controller);

}  // namespace agent::lrad
