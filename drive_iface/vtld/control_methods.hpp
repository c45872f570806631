#pragma once

// What vtld's control socket can be asked. Described for users in docs/ISCSI.md.

#include <functional>
#include <string>

#include "agent/runtime/control_server.hpp"
#include "drive_iface/iscsi/server.hpp"
#include "drive_iface/vtld/configuration.hpp"
#include "drive_iface/vtld/drive_bay.hpp"
#include "drive_iface/vtld/virtual_ports.hpp"

namespace drive_iface::web {
class WebServer;
}

namespace drive_iface::cartridge {
class FileShelf;
}

namespace drive_iface::sessions {
class Tracking;
}

namespace asio {
class io_context;
}

namespace drive_iface::vtld {

class EventChannels;
class MadeCartridges;

// All parts of the running daemon; they outlive the control server.
struct Running {
    const VtldConfiguration* configuration = nullptr;
    DriveBay* bay = nullptr;
    cartridge::FileShelf* shelf = nullptr;
    MadeCartridges* made = nullptr;
    VirtualPorts* ports = nullptr;
    iscsi::Server* server = nullptr;
    const EventChannels* events = nullptr;   // none: events.connect is not configured
    sessions::Tracking* tracking = nullptr;  // none: no drive is parallel
    const web::WebServer* web = nullptr;     // none: web.listen is not configured
    std::function<std::int64_t()> uptime_ms;
};

// library.show, library.inventory, cartridge.list, .show, .create, .check, .move, .import, .export,
// .jobs, .cancel, .protect, .remove
void add_cartridge_methods(agent::runtime::ControlServer& control, const Running& running,
                           asio::io_context& loop);
// library.status, drive.list, drive.show, session.list, session.drop, status.show
void add_library_methods(agent::runtime::ControlServer& control, const Running& running);
// fault.inject, fault.list, fault.clear
void add_session_methods(agent::runtime::ControlServer& control, const Running& running);
void add_fault_methods(agent::runtime::ControlServer& control, const Running& running);
// port.command, port.reserve, port.release, port.logout, port.list
void add_port_methods(agent::runtime::ControlServer& control, const Running& running);

// "CHECK CONDITION"
[[nodiscard]] std::string status_text(virtual_library::Status status);

}  // namespace drive_iface::vtld
