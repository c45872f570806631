#pragma once

// One connection from its first byte to its end: login, then a session. Bytes in, bytes out; no
// socket.

#include <optional>
#include <string>

#include "drive_iface/iscsi/frame.hpp"
#include "drive_iface/iscsi/login.hpp"
#include "drive_iface/iscsi/output.hpp"
#include "drive_iface/iscsi/session.hpp"
#include "drive_iface/iscsi/session_host.hpp"

namespace drive_iface::iscsi {

class Connection {
  public:
    // `rules` and `host` outlive the connection. `tsih` is not 0 and not in use.
    Connection(const LoginRules& rules, std::uint16_t tsih, const ChapChallenge& challenge,
               SessionHost& host);
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    // Where the next bytes from the initiator go, as FrameReader::room(), and how many came.
    [[nodiscard]] FrameReader::Room room() { return reader_.room(); }
    void received(std::size_t size);
    // For bytes that are elsewhere already.
    void receive(ByteView bytes);

    // See Session.
    void complete(TaskId task, CommandReply reply);
    void tasks_aborted();
    void ping();
    void ask_for_logout(std::uint16_t seconds);

    // What is to be sent; sent() tells how much of it is on its way.
    [[nodiscard]] const OutputQueue& output() const { return output_; }
    void sent(std::size_t size);
    // All of it at once.
    [[nodiscard]] Bytes take_output();
    // Set once: send what output() has, then close. Says why, for the log.
    [[nodiscard]] const std::optional<std::string>& close_reason() const { return close_reason_; }

    // The connection is gone. Ends the I_T nexus when there is one.
    void closed();

    [[nodiscard]] const LoginResult* login() const { return session_ ? &login_.result() : nullptr; }
    [[nodiscard]] const Session* session() const { return session_ ? &*session_ : nullptr; }

  private:
    void follow();
    void take(Frame& frame);
    void log_in(const Frame& frame);
    void collect();

    SessionHost* host_;
    FrameReader reader_;
    Login login_;
    std::optional<Session> session_;
    Digests digests_;
    OutputQueue output_;
    std::optional<std::string> close_reason_;
};

}  // namespace drive_iface::iscsi
