#pragma once

// Methods of the control socket that change something: when one was done, the log says what was
// asked for, and by whom.

#include <string>

#include "agent/runtime/control_server.hpp"

namespace drive_iface::vtld {

// As ControlServer::on and on_async. A line with method, parameters and the caller as the kernel
// names it is logged unless the answer is an error.
void on_change(agent::runtime::ControlServer& control, const std::string& method,
               agent::runtime::ControlServer::Handler handler);
void on_async_change(agent::runtime::ControlServer& control, const std::string& method,
                     agent::runtime::ControlServer::AsyncHandler handler);

// The line itself, for what does not always change something.
void log_change(const std::string& method, const nlohmann::json& params,
                const agent::runtime::Caller& caller);

}  // namespace drive_iface::vtld
