#pragma once

// What a session asks of the server around it. Called from inside Connection's functions, on its
// thread.

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/core/result.hpp"
#include "drive_iface/iscsi/login.hpp"
#include "drive_iface/virtual/target_device.hpp"

namespace drive_iface::iscsi {

using virtual_library::CommandReply;
using virtual_library::TaskManagement;

// A command on its way, unique within the process.
using TaskId = std::uint64_t;

class SessionHost {
  public:
    virtual ~SessionHost() = default;

    // A normal session begins: ends an older one of the same initiator port with the same target
    // (RFC 7143 6.3.5) and establishes the I_T nexus. The error is told to the initiator as
    // "service unavailable".
    [[nodiscard]] virtual agent::core::Outcome session_opened(const LoginResult& login) = 0;
    // I_T nexus loss. Once, after session_opened() went well.
    virtual void session_ended() = 0;
    // Instead of it: the initiator closed the session by a Logout request (RFC 7143 11.14).
    virtual void session_logged_out() { session_ended(); }

    [[nodiscard]] virtual TaskId new_task_id() = 0;
    [[nodiscard]] virtual std::size_t data_out_length(ByteView cdb) = 0;
    // The reply, or nothing when it comes later through Connection::complete(). `data_out` is
    // moved from when the device keeps it.
    [[nodiscard]] virtual std::optional<CommandReply> execute(TaskId task, std::uint64_t lun,
                                                              ByteView cdb, Bytes& data_out) = 0;
    // No reply is wanted any more, and a command that has not begun is not to begin.
    virtual void abandon(TaskId task) = 0;
    // False: not supported. For functions that reach beyond this session the host calls
    // Connection::tasks_aborted() of the others; not of the caller's.
    [[nodiscard]] virtual bool manage(std::uint64_t lun, TaskManagement function) = 0;
    // After the response to TARGET COLD RESET: all sessions of the target are to be closed.
    virtual void target_was_reset_cold() = 0;

    // Target names and the address that this initiator reaches them by, "10.0.0.1:3260" or
    // "[::1]:3260".
    [[nodiscard]] virtual std::vector<std::string> targets() = 0;
    [[nodiscard]] virtual std::string portal() = 0;
};

}  // namespace drive_iface::iscsi
