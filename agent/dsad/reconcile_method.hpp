#pragma once

// application.reconcile on the control socket.

#include "agent/dsad/daemon.hpp"
#include "agent/runtime/control_server.hpp"

namespace agent::dsad {

// As serve_host().
void serve_reconcile(runtime::ControlServer& server, Daemon& daemon);

}  // namespace agent::dsad
