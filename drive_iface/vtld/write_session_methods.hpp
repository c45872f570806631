#pragma once

// What the control socket tells of parallel write sessions (docs/PARALLEL.md).

#include <memory>

#include "agent/runtime/control_server.hpp"

namespace drive_iface::sessions {
class Tracking;
}

namespace drive_iface::vtld {

// session.writes, session.write, session.records; and each change of a session as an event to those
// who follow. `sessions` null: there are no parallel drives. The events end with what is returned.
[[nodiscard]] std::shared_ptr<void> add_write_session_methods(
    agent::runtime::ControlServer& control, sessions::Tracking* sessions);

}  // namespace drive_iface::vtld
