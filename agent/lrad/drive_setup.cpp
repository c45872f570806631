#include "agent/lrad/drive_setup.hpp"

#include <utility>

#include "drive_iface/device/iscsi_transport.hpp"
#include "drive_iface/device/sg_transport.hpp"

namespace agent::lrad {

namespace {

constexpr core::Duration actuator_command_timeout{30'000};

// An iSCSI name of the controller's own (RFC 7143 4.2.7.3), when the configuration gives none.
std::string initiator_name_of(const core::ControllerName& controller) {
    std::string name = "iqn.2026-01.org.library-reservation-agent:";
    for (const char c : controller) {
        const bool upper = c >= 'A' && c <= 'Z';
        const bool plain =
            (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == ':';
        if (upper) {
            name += static_cast<char>(c - 'A' + 'a');
        } else {
            name += plain ? c : '-';
        }
    }
    return name;
}

}  // namespace

core::Result<std::unique_ptr<drive_iface::Transport>> make_interface(
    const runtime::LradDrive& drive, const core::ControllerName& controller) {
    if (!drive.interface) return std::unique_ptr<drive_iface::Transport>();
    const auto& interface = *drive.interface;
    switch (interface.type) {
        case runtime::DriveInterface::Type::sg:
            return drive_iface::make_sg_transport(interface.device);
        case runtime::DriveInterface::Type::iscsi:
            break;
    }
    drive_iface::IscsiTransportOptions options;
    options.url = interface.url;
    options.initiator_name =
        interface.initiator_name.empty() ? initiator_name_of(controller) : interface.initiator_name;
    options.isid = drive_iface::isid_number(controller);
    return drive_iface::make_iscsi_transport(std::move(options));
}

core::Result<std::unique_ptr<drive_iface::OfflineActuator>> make_actuator(
    asio::io_context& loop, const runtime::LradDrive& drive,
    drive_iface::events::DriveEventServer* events) {
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
            return drive_iface::make_fence_actuator();
        case runtime::OfflineActuator::command:
            return drive_iface::make_command_actuator(loop, drive.actuator_argv,
                                                      actuator_command_timeout);
        case runtime::OfflineActuator::alarm:
            break;
    }
    return drive_iface::make_alarm_actuator(loop);
}

drive_iface::DriveWatchOptions watch_options(const runtime::LradDrive& drive) {
    drive_iface::DriveWatchOptions options;
    options.poller.serial = drive.serial;
    options.poller.poll = drive.poll;
    options.events = drive.events;
    return options;
}

}  // namespace agent::lrad
