#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/reservation.hpp"
#include "agent/core/result.hpp"
#include "agent/core/time.hpp"
#include "drive_iface/iscsi/chap.hpp"
#include "drive_iface/iscsi/command_trace.hpp"
#include "drive_iface/iscsi/negotiation.hpp"
#include "drive_iface/iscsi/target_devices.hpp"

namespace asio {
class io_context;
}

namespace drive_iface::iscsi {

struct ServerOptions {
    std::string host;           // an IP address without brackets, or a name of this machine
    std::uint16_t port = 0;     // 0: any free port, see Server::port()
    std::string target_prefix;  // see ServedTarget
    std::optional<ChapRules> chap;
    std::size_t connections_max = 256;
    agent::core::Duration login_within{15'000};
    // A host that died without a word keeps its RESERVE until the ping finds out.
    agent::core::Duration ping_after{30'000};  // nothing heard for so long
    agent::core::Duration answer_within{10'000};
    agent::core::Duration drain_within{30'000};  // an initiator that does not read is closed
};

struct ServerCounters {
    std::uint64_t connections = 0;
    std::uint64_t connections_refused = 0;  // too many
    std::uint64_t logins = 0;
    std::uint64_t logins_refused = 0;
    std::uint64_t garbage = 0;  // closed for what they sent, login or later
    std::uint64_t timeouts = 0;
};

struct SessionDescription {
    std::uint64_t id = 0;
    bool discovery = false;
    agent::core::InitiatorPort port;
    std::string target;  // empty with discovery
    std::string device;  // serial; empty with discovery
    OperationalParameters parameters;
    std::uint64_t commands = 0;
    std::size_t commands_waiting = 0;
};

class Server {
  public:
    // For lines in the log; may be empty.
    using Log = std::function<void(const std::string& line)>;

    // Listens at once. `devices` outlives the server. Errors: the address can not be used, in
    // words.
    [[nodiscard]] static agent::core::Result<std::unique_ptr<Server>> listen(asio::io_context& loop,
                                                                             ServerOptions options,
                                                                             TargetDevices& devices,
                                                                             Log log);
    ~Server();  // closes everything; nexuses are lost
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    [[nodiscard]] std::uint16_t port() const;
    [[nodiscard]] std::string address() const;  // "127.0.0.1:3260", "[::1]:3260"
    [[nodiscard]] std::string target_name(const std::string& device) const;

    [[nodiscard]] std::vector<SessionDescription> sessions() const;
    // Its last commands, oldest first; nothing: there is no such session.
    [[nodiscard]] std::optional<std::vector<TracedCommand>> trace(std::uint64_t id) const;
    // Closes without a word, as a broken cable would. How many were closed.
    std::size_t drop_session(std::uint64_t id);
    std::size_t drop_sessions_of(const std::string& device);
    std::size_t drop_all_sessions();

    // No new connections; asks every initiator to log out (Async Message event 1) and closes who
    // has not within `within`. `done` is called once, from the loop.
    void stop(agent::core::Duration within, std::function<void()> done);

    [[nodiscard]] const ServerCounters& counters() const;

  private:
    class State;
    explicit Server(std::shared_ptr<State> state);
    std::shared_ptr<State> state_;  // shared with handlers of the loop that may still be queued
};

}  // namespace drive_iface::iscsi
