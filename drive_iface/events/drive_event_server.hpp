#pragma once

// The library reservation agent's end of the drive event channel: accepts drives (firmware,
// appliances, vtld), acknowledges their events and sends them commands.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "agent/core/result.hpp"
#include "agent/core/time.hpp"
#include "drive_iface/events/channel_tls.hpp"
#include "drive_iface/events/drive_event.hpp"

namespace asio {
class io_context;
}

namespace drive_iface::events {

enum class EventVerdict : std::uint8_t {
    accepted,       // dealt with: acknowledge
    taken,          // being dealt with: the owner calls acknowledge() when it is recorded
    repeat,         // dealt with before: acknowledge, count
    unknown_drive,  // not configured here: refused, the drive does not send it again
    try_again,      // could not be dealt with now (the store failed): no acknowledgement, the
                    // connection is closed
};

// All are called from the event loop, none after the server is destroyed. `event` must be set.
struct DriveEventServerHandlers {
    // `line` is the event as it came, for telling a repeat from a drive that began to count again.
    // An accepted event is acknowledged after this returned: record what must not be lost first.
    std::function<EventVerdict(const DriveEvent& event, std::string_view line)> event;
    // The drive's side said hello or sent its first event, or an older connection speaks for it
    // again, since a newer one has ended: assert again what the drive may have forgotten.
    // `forced`: why it is forced offline, if its hello says that it is.
    std::function<void(const agent::core::DriveSerial& drive,
                       const std::optional<std::string>& forced)>
        drive_connected;
    std::function<void(const agent::core::DriveSerial& drive)> drive_disconnected;
    // Something an operator should read, at most once per connection and kind.
    std::function<void(const std::string& text)> warning;
};

struct DriveEventServerOptions {
    std::string listen;  // "unix:PATH" (made with mode 0660, an old socket file is replaced) or
                         // "tcp:HOST:PORT"
    std::optional<ChannelTls> tls;  // tcp only; without it HOST is a loopback address
    agent::core::Duration handshake_within{5'000};
    std::size_t connections_max = 256;
    std::size_t handshakes_max = 32;  // under way; the oldest gives way to a newer one
    std::size_t drives_per_connection_max = 1024;
    agent::core::Duration command_timeout{5'000};
};

struct DriveEventServerCounters {
    std::uint64_t connections = 0;
    std::uint64_t connections_refused = 0;  // credentials, TLS, or too many
    std::uint64_t events = 0;               // accepted
    std::uint64_t repeats = 0;
    std::uint64_t bad_lines = 0;
    std::uint64_t oversized_lines = 0;
    std::uint64_t unknown_drives = 0;
    std::uint64_t slow_readers = 0;  // closed: did not read what was sent to it
    std::uint64_t commands = 0;
    std::uint64_t commands_failed = 0;
};

class DriveEventServer {
  public:
    // Listens at once. Errors: the address can not be used, in words with the setting's name.
    [[nodiscard]] static agent::core::Result<std::unique_ptr<DriveEventServer>> listen(
        asio::io_context& loop, DriveEventServerOptions options, DriveEventServerHandlers handlers);
    ~DriveEventServer();  // closes everything; commands under way are answered with an error

    DriveEventServer(const DriveEventServer&) = delete;
    DriveEventServer& operator=(const DriveEventServer&) = delete;

    // Tells the drive and waits for its answer; `done` is called once, from the event loop, never
    // before this returns. Errors: no connection speaks for this drive, lost before the answer, no
    // answer in time, the drive's own words.
    void command(const agent::core::DriveSerial& drive, DriveCommand::Action action,
                 const std::string& reason, std::function<void(agent::core::Outcome)> done);

    // Of an event that was `taken`, to whoever sent it last.
    void acknowledge(const agent::core::DriveSerial& drive, std::uint64_t seq);

    [[nodiscard]] bool is_connected(const agent::core::DriveSerial& drive) const;
    [[nodiscard]] std::uint16_t port() const;  // tcp: the port listened on; 0 for a Unix socket
    [[nodiscard]] const DriveEventServerCounters& counters() const;

  private:
    class State;
    explicit DriveEventServer(std::shared_ptr<State> state);
    std::shared_ptr<State> state_;  // shared with handlers of the loop that may still be queued
};

}  // namespace drive_iface::events
