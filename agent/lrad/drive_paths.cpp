#include "agent/lrad/drive_paths.hpp"

#include <mutex>
#include <utility>

#include "agent/lrad/iscsi_chap.hpp"
#include "agent/runtime/log.hpp"
#include "agent/runtime/url_credentials.hpp"
#include "drive_iface/device/iscsi_transport.hpp"
#include "drive_iface/device/sg_transport.hpp"
#include "drive_iface/discovery/path_finder.hpp"
#include "drive_iface/discovery/serial_bound_transport.hpp"

namespace agent::lrad {

using drive_iface::Transport;
using drive_iface::discovery::DevicePath;
using drive_iface::discovery::PathAsker;
using drive_iface::discovery::PathFinder;

namespace {

const PathAsker::Open open_sg_node = [](const DevicePath& path) {
    return drive_iface::make_sg_transport(path.name);
};

}  // namespace

struct DrivePaths::State {
    std::shared_ptr<PathFinder> finder =
        std::make_shared<PathFinder>(drive_iface::discovery::PathFinderOptions{}, open_sg_node);
    std::mutex mutex;  // guards what is below
    std::map<core::DriveSerial, std::string> moved;
};

DrivePaths::DrivePaths() : state_(std::make_shared<State>()) {}
DrivePaths::~DrivePaths() = default;

core::Result<std::unique_ptr<Transport>> DrivePaths::make_interface(
    const runtime::LradDrive& drive, const core::ControllerName& controller) {
    if (!drive.interface) return std::unique_ptr<Transport>();
    const auto& interface = *drive.interface;
    drive_iface::discovery::SerialBoundOptions options;
    options.serial = drive.serial;
    if (interface.type == runtime::DriveInterface::Type::sg) {
        if (!interface.device.empty()) {
            if (auto usable = drive_iface::make_sg_transport(interface.device); !usable)
                return usable.error();
        }
        options.path = {DevicePath::Kind::sg, interface.device, {}};
        options.moved = [state = state_, serial = drive.serial](const std::string& before,
                                                                const std::string& now) {
            runtime::log_info("drive " + serial.text + " is found again at " + now +
                              ", it was at " + before);
            const std::lock_guard lock(state->mutex);
            state->moved[serial] = now;
        };
        return drive_iface::discovery::make_serial_bound_transport(std::move(options), open_sg_node,
                                                                   state_->finder);
    }
    drive_iface::IscsiTransportOptions iscsi;
    iscsi.url = interface.url;
    iscsi.initiator_name = interface.initiator_name;
    iscsi.isid = drive_iface::isid_number(controller);
    if (interface.chap) {
        iscsi.credentials = credentials_door(interface.chap);
        if (auto readable = iscsi.credentials(); !readable)
            return readable.error().within("interface.chap");
    }
    if (auto usable = drive_iface::make_iscsi_transport(iscsi); !usable) return usable.error();
    options.path = {DevicePath::Kind::iscsi, runtime::without_credentials(interface.url), {}};
    return drive_iface::discovery::make_serial_bound_transport(
        std::move(options),
        [iscsi](const DevicePath&) { return drive_iface::make_iscsi_transport(iscsi); }, nullptr);
}

std::map<core::DriveSerial, std::string> DrivePaths::moved() const {
    const std::lock_guard lock(state_->mutex);
    return state_->moved;
}

}  // namespace agent::lrad
