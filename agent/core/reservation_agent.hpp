#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/reservation_agent_io.hpp"

namespace agent::core {

// What the administrator decided. Names are unique; every port belongs to one domain at most.
struct SharingConfiguration {
    struct Drive {
        DriveSerial serial;
        bool shared = true;   // a drive that is not shared is watched and shown, and nobody is told
        bool fenced = false;  // forced offline by a fence, which every look shows or does not
    };
    struct Agent {
        AgentName name;
        DomainName domain;
    };
    struct Domain {
        DomainName name;
        std::vector<InitiatorPort> ports;
    };
    enum class OnMissing : std::uint8_t { force_offline, alarm };
    enum class UnknownHolder : std::uint8_t {
        alarm,  // tell people, not the agents: taking the drive offline could hit the holder itself
        notify,         // tell the agents: nobody's port matches, so everyone takes it offline
        force_offline,  // take no chance
    };

    ControllerName controller;
    std::vector<Drive> drives;
    std::vector<Agent> agents;
    std::vector<Domain> domains;
    Duration handshake_timeout{
        10'000};  // from a notice to its first retry, and from each retry to the next
    std::uint32_t handshake_retries = 1;
    OnMissing on_missing = OnMissing::force_offline;
    Duration debounce{0};  // a reservation seen only by polling must last this long to count
    Duration release_hold_down{0};  // a release must last this long to count
    UnknownHolder unknown_holder = UnknownHolder::alarm;
    // How long the agents' answers to "is it yours?" are waited for before unknown_holder is
    // carried out; 0: they are not asked.
    Duration holder_inquiry{0};
    // From the end of one such question to the next, while nobody or only a host's word names the
    // holder.
    Duration holder_inquiry_repeat{30'000};
    Duration stale_after{
        0};  // how long a concern must last (drive_concerns.hpp); 0: none is judged
    Duration mixed_within{0};        // RESERVE and persistent reservations within so long are mixed
    Duration actuator_retry{5'000};  // from a failed attempt to force a drive offline to the next
};

// One drive as shown by `lractl drive list` and the MIB.
struct DriveView {
    DriveRecord record;
    bool shared = true;
    bool unreachable = false;
    std::string unreachable_why;
    DomainName holder_domain;
    HolderSearch search{};  // while no drive or key names the holder: what was tried and found
    [[nodiscard]] OperationalState operational_state() const {
        const bool answers = !unreachable || record.operational_state != OperationalState::online;
        return answers ? record.operational_state : OperationalState::unreachable;
    }
    bool fence_stands = false;  // the newest look showed this controller's own reservation
};

struct AgentView {
    AgentRecord record;
    DomainName domain;
    std::optional<WallTime> last_seen;  // since this process started
};

// One confirmation that is being waited for.
struct HandshakeView {
    DriveSerial drive;
    AgentName agent;
    NoticeId newest;
    NoticeId oldest_unconfirmed;
    Duration waiting;  // since the oldest unconfirmed notice
    std::uint32_t attempts = 0;
    bool received = false;    // its SNMP engine has acknowledged the newest notice
    std::string last_answer;  // of a "failed" or "draining" answer, in words; empty: none yet
};

// The library reservation agent's rules. Deterministic: the same inputs at the same times give the
// same effects. No clock, no thread, no I/O; not thread-safe. Effects returned by a step must be
// carried out in order before the next step (reservation_agent_io.hpp says what "in order" means).
class ReservationAgent {
  public:
    // `epoch` has been raised on disk before this call. Drives and agents that `state` knows and
    // the configuration no longer lists are forgotten; new ones begin free-unknown and never_seen.
    ReservationAgent(SharingConfiguration configuration, ReservationAgentState state,
                     std::uint64_t epoch);
    ~ReservationAgent();
    ReservationAgent(ReservationAgent&&) noexcept;
    ReservationAgent& operator=(ReservationAgent&&) noexcept;

    // To be run once before the first step: asks again for what was unconfirmed and puts every
    // drive that has to be offline back offline.
    [[nodiscard]] ReservationAgentEffects start(Now now);
    // The same when another controller served until now, and what agents owe is not known here:
    // ControllerTookOver follows for each agent. That a drive of `to_be_seen` is free may be old
    // news: nobody is told so before it was observed.
    [[nodiscard]] ReservationAgentEffects take_over(const std::vector<DriveSerial>& to_be_seen,
                                                    Now now);

    [[nodiscard]] ReservationAgentEffects step(const ReservationAgentInput& input, Now now);

    // As step(), but what only time has brought about waits for the next step(): for what had
    // arrived, and was not read, before a timeout that is over now.
    [[nodiscard]] ReservationAgentEffects hear(const ReservationAgentInput& input, Now now);

    // When to call step(TimePassed) at the latest; nothing when only an input can change anything.
    [[nodiscard]] std::optional<Instant> next_wakeup() const;

    // A changed configuration, with everything that is known kept. Effects as from step().
    [[nodiscard]] ReservationAgentEffects reconfigure(SharingConfiguration configuration, Now now);

    [[nodiscard]] std::vector<DriveView> drives() const;
    [[nodiscard]] std::vector<AgentView> agents() const;
    [[nodiscard]] std::vector<HandshakeView> handshakes(Instant now) const;
    [[nodiscard]] std::vector<Alarm> active_alarms() const;

  private:
    class Rules;
    std::unique_ptr<Rules> rules_;
};

}  // namespace agent::core
