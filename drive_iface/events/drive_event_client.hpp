#pragma once

// The drive's end of the drive event channel: connects, says which drives it speaks for, sends
// events until each is acknowledged, and carries out commands.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/result.hpp"
#include "agent/core/time.hpp"
#include "drive_iface/events/channel_tls.hpp"
#include "drive_iface/events/drive_event.hpp"

namespace asio {
class io_context;
}

namespace drive_iface::events {

struct DriveEventClientOptions {
    std::string connect;            // "unix:PATH" or "tcp:HOST:PORT"
    std::optional<ChannelTls> tls;  // tcp only; without it HOST is a loopback address
    agent::core::Duration handshake_within{5'000};
    std::vector<agent::core::DriveSerial> drives;
    // Sequence number of the first event. Numbers must go on rising when the drive's side is
    // restarted, or new events would look like repeats: give the milliseconds since 1970 at the
    // start. That holds as long as a run sends less than 1000 events a second on average and the
    // clock is not set back by more than the run lasted.
    std::uint64_t first_seq = 1;
    // At least one more than there are drives. Beyond it the oldest event that a newer one of its
    // drive makes old news is dropped: each event tells the whole state after it.
    std::size_t unacknowledged_max = 1024;
    agent::core::Duration backoff_first{50};
    agent::core::Duration backoff_max{2'000};
    agent::core::Duration acknowledge_within{
        10'000};  // else the connection is given up and made anew
};

// All are called from the event loop, none after the client is destroyed.
struct DriveEventClientHandlers {
    // Carries out a command; calls `done` once, now or later, from the event loop. Not set:
    // commands are refused.
    std::function<void(const DriveCommand& command, std::function<void(agent::core::Outcome)> done)>
        command;
    // Which of the drives are forced offline, and why; asked when hello is said. Not set: none.
    std::function<std::map<agent::core::DriveSerial, std::string>()> forced_offline;
    // Connected and hello said. Report `state` of every drive here: the agent may have been
    // restarted, and learns this way who holds a drive by RESERVE, which it could not ask.
    std::function<void()> connected;
    // The agent has said something on this connection: it takes part, and this end may.
    std::function<void()> heard;
    std::function<void()> disconnected;
    std::function<void(const std::string& text)> warning;
};

struct DriveEventClientCounters {
    std::uint64_t connects = 0;
    std::uint64_t sent = 0;  // lines with events, repeated ones counted again
    std::uint64_t acknowledged = 0;
    std::uint64_t refused = 0;     // the agent refused the line; not sent again
    std::uint64_t superseded = 0;  // dropped before acknowledged, for a newer one of its drive
    std::uint64_t commands = 0;
};

class DriveEventClient {
  public:
    // Begins to connect at once, and never gives up. Errors: the address can not be used, in words.
    [[nodiscard]] static agent::core::Result<std::unique_ptr<DriveEventClient>> connect(
        asio::io_context& loop, DriveEventClientOptions options, DriveEventClientHandlers handlers);
    ~DriveEventClient();

    DriveEventClient(const DriveEventClient&) = delete;
    DriveEventClient& operator=(const DriveEventClient&) = delete;

    // Sends, or keeps until it can; gives the event its sequence number. Only for drives of the
    // options. From the event loop only.
    void report(DriveEvent event);

    [[nodiscard]] bool is_connected() const;
    [[nodiscard]] std::size_t unacknowledged() const;
    [[nodiscard]] const DriveEventClientCounters& counters() const;

  private:
    class State;
    explicit DriveEventClient(std::shared_ptr<State> state);
    std::shared_ptr<State> state_;  // shared with handlers of the loop that may still be queued
};

}  // namespace drive_iface::events
