#pragma once

// Joins what a drive says by itself (events) with what it answers when asked (looks) into
// observations for the rules of the library reservation agent. Decides only: no clock, thread or
// socket.
//
// The drive's answer is the truth. An event is a hint to look, and the only evidence of who holds a
// drive by RESERVE, since no standard command tells (SPC-2 5.5.1).

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/reservation_agent_io.hpp"
#include "drive_iface/device/reservation_reader.hpp"
#include "drive_iface/events/drive_event.hpp"

namespace drive_iface {

struct ObservationCounters {
    std::uint64_t events = 0;
    std::uint64_t confirmed = 0;     // the drive's answer agreed with its event
    std::uint64_t contradicted = 0;  // it did not: an old event, or a newer change
    std::uint64_t held_back = 0;     // a change seen by a look waited for its event
};

class ObservationRules {
  public:
    struct Step {
        std::optional<agent::core::DriveObserved> observed;
        bool look_now = false;                            // pass the ticket to looking()
        std::optional<agent::core::Duration> look_after;  // look again then
    };

    // `polled`: the drive has an interface to look through. `event_grace`: how long a change that a
    // look has found waits for its event, on a drive that is connected to the event channel.
    ObservationRules(agent::core::DriveSerial drive, bool polled,
                     agent::core::Duration event_grace);

    // What was recorded before a restart: who holds a drive by RESERVE is known from then, as long
    // as the drive says that it is reserved and its event channel says nothing else.
    void remember(const agent::core::Reservation& recorded, agent::core::HolderEvidence evidence);

    [[nodiscard]] Step event(const events::DriveEvent& event);
    // The look that was asked for by the last event has this ticket.
    void looking(std::uint64_t ticket);
    [[nodiscard]] Step look(const ReservationReading& reading, std::uint64_t ticket);
    void connected(bool by_events);
    // A persistent reservation with this key is the controller's own fence.
    void own_key(std::uint64_t key) { own_key_ = key; }
    // A persistent reservation with a key of this family (mount_key.hpp) is a controller's, for the
    // moment of a mount: no host has the drive. 0: none.
    void mount_keys(std::uint64_t family) { mount_keys_ = family; }

    // Some event has not met the look that answers it.
    [[nodiscard]] bool events_pending() const { return !pending_.empty(); }

    [[nodiscard]] const ObservationCounters& counters() const { return counters_; }

  private:
    struct PendingEvent {
        events::DriveEvent event;
        std::uint64_t ticket = 0;
    };
    static constexpr std::size_t pending_max = 64;
    static constexpr std::size_t known_ports_max = 64;

    agent::core::DriveObserved observation(const ReservationReading& reading, bool by_event) const;
    std::optional<events::DriveEvent> take_event_before(std::uint64_t ticket);
    void forget_holder();
    void learn_address(const agent::core::InitiatorPort& port);
    void add_known_addresses(agent::core::Reservation& reservation) const;
    bool worth_waiting_for_event(const agent::core::DriveObserved& observed);
    [[nodiscard]] bool is_own_fence(const agent::core::Reservation& reservation) const;

    agent::core::DriveSerial drive_;
    bool polled_;
    agent::core::Duration event_grace_;
    bool connected_ = false;
    [[nodiscard]] bool is_for_mount(const agent::core::Reservation& reservation) const;

    std::uint64_t own_key_ = 0;     // 0: none
    std::uint64_t mount_keys_ = 0;  // 0: none
    bool held_back_ = false;
    std::vector<PendingEvent> pending_;  // oldest first
    std::optional<agent::core::Reservation>
        legacy_holder_;                                    // by RESERVE, as the drive's event told
    bool known_holder_ended_ = false;                      // not told yet
    std::vector<agent::core::InitiatorPort> known_ports_;  // with address, newest last
    std::optional<agent::core::Reservation> last_;         // as last observed
    ObservationCounters counters_;
};

}  // namespace drive_iface
