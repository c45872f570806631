#pragma once

// What this host has, on the control socket: host.show, port.list, and a person's word about it
// (drive.add, drive.map, drive.forget, port.add, port.remove).

#include "agent/dsad/daemon.hpp"
#include "agent/runtime/control_server.hpp"

namespace agent::dsad {

// Until `server` has stopped, `daemon` must live.
void serve_host(runtime::ControlServer& server, Daemon& daemon);

}  // namespace agent::dsad
