#pragma once

#include "agent/dsad/daemon.hpp"
#include "agent/runtime/control_server.hpp"

namespace agent::dsad {

// drive.list, drive.show, agent.show, alarm.list, event.list, status.show, application.list,
// application.query, application.offline, application.online, application.check. Both references
// outlive the server's handlers.
void serve(runtime::ControlServer& server, Daemon& daemon);

}  // namespace agent::dsad
