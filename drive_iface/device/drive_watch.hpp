#pragma once

// One drive, watched both ways: polled through its interface and heard on the drive event channel.

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "agent/core/reservation_agent_io.hpp"
#include "drive_iface/device/drive_poller.hpp"
#include "drive_iface/device/holder_ladder.hpp"
#include "drive_iface/device/observation_rules.hpp"
#include "drive_iface/device/transport.hpp"
#include "drive_iface/events/drive_event.hpp"

namespace asio {
class io_context;
}

namespace drive_iface {

struct DriveWatchOptions {
    DrivePollerOptions poller;  // poller.serial names the drive, also without an interface
    bool events = true;         // the drive sends events
    agent::core::Duration event_grace{100};
    // Asked when neither a look nor an event names the holder; null: nobody else is. Of this watch
    // alone; shared with its commands to the drive, which may outlive it.
    std::shared_ptr<HolderLadder> ladder;
    // An event is settled after so long even when the drive has not answered the look it asked for.
    agent::core::Duration settle_within{2'000};
    // A drive that is known by its events alone and not connected for so long is reported
    // unreachable.
    agent::core::Duration silent_after{10'000};
    std::uint64_t own_key = 0;     // of the controller's fences (fence_key.hpp); 0: none
    std::uint64_t mount_keys = 0;  // family of the keys it mounts with (mount_key.hpp); 0: none
};

class DriveWatch {
  public:
    using Handler = std::function<void(
        const agent::core::ReservationAgentInput&)>;  // DriveObserved, DriveExamined,
                                                      // DriveUnreachable

    // Begins to watch at once. `interface` may be null: events only. `handler` is called on `loop`,
    // never from within a member function here, and never after the watch is destroyed.
    DriveWatch(asio::io_context& loop, DriveWatchOptions options,
               std::unique_ptr<Transport> interface, Handler handler);
    ~DriveWatch();

    // As DrivePoller::begin_to_stop().
    void begin_to_stop();

    DriveWatch(const DriveWatch&) = delete;
    DriveWatch& operator=(const DriveWatch&) = delete;

    // From the store, before the loop runs.
    void remember(const agent::core::Reservation& recorded, agent::core::HolderEvidence evidence);

    // From the drive event channel, for this drive. `settled` is called once, on the loop:
    // `handler` has dealt with the observation that the event led to, or settle_within is over.
    void event(const events::DriveEvent& event, std::function<void()> settled);
    void event_channel(bool connected);

    // Somebody asked for a look. The next DriveObserved or DriveUnreachable comes from it.
    void look_now();
    void set_poll(agent::core::Duration poll);
    // As DrivePoller::run(). When `done` is called, `handler` has been told of every look that was
    // taken before the job. Without an interface: an error.
    void run(DriveJob job);

    struct Counters {
        DrivePollerCounters poller;
        ObservationCounters observations;
    };
    [[nodiscard]] Counters counters() const;
    [[nodiscard]] bool is_polled() const;
    // Nothing for a drive without an interface, or that has not answered yet.
    [[nodiscard]] std::optional<DriveIdentity> identity() const;
    // The same, and nothing before the drive was asked.
    [[nodiscard]] std::optional<DriveCapabilities> capabilities() const;

  private:
    class State;
    std::shared_ptr<State> state_;  // shared with handlers of the loop that may still be queued
};

}  // namespace drive_iface
