#pragma once

// The rmt front end: a socket whose connections each are one client with a tape.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/result.hpp"
#include "agent/core/time.hpp"
#include "drive_iface/rmt/tape_drives.hpp"

namespace asio {
class io_context;
}

namespace drive_iface::rmt {

struct RmtServerOptions {
    std::string listen;  // "unix:PATH" or "tcp:HOST:PORT" on a loopback address; port 0: any free
    // What a client has to say first: "lra-rmt 1 TOKEN NAME" and a line end. Over a Unix socket the
    // kernel's word about its user is enough.
    std::optional<std::string> token;
    std::size_t connections_max = 64;
    // A client that holds a tape and says nothing for so long has hung up.
    agent::core::Duration idle_after{3'600'000};
    // One that opened none.
    agent::core::Duration open_within{60'000};
};

struct RmtConnection {
    std::uint64_t id = 0;
    std::string host;  // "rmt:USER"
    std::string address;
    std::string device;  // as the client named it, empty: none is open
    std::uint64_t requests = 0;
};

class RmtServer {
  public:
    using Log = std::function<void(const std::string& line)>;

    // Listens at once. `drives` outlives the server. Errors: the address can not be used.
    [[nodiscard]] static agent::core::Result<std::unique_ptr<RmtServer>> listen(
        asio::io_context& loop, RmtServerOptions options, TapeDrives& drives, Log log);
    ~RmtServer();  // hangs up on everyone
    RmtServer(const RmtServer&) = delete;
    RmtServer& operator=(const RmtServer&) = delete;

    [[nodiscard]] std::string address() const;  // in the form of options.listen
    [[nodiscard]] std::vector<RmtConnection> connections() const;

  private:
    class State;
    explicit RmtServer(std::shared_ptr<State> state);
    std::shared_ptr<State> state_;  // shared with the handlers still queued in the loop
};

}  // namespace drive_iface::rmt
