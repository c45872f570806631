#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/core/reservation.hpp"

namespace agent::core {

using AgentName =
    std::string;  // a drive sharing agent, as configured; also its SNMPv3 security name's owner
using ControllerName = std::string;  // controller.id of the library reservation agent
using DomainName = std::string;      // an application domain; empty: none

// Orders the notices of one controller. The epoch is written to disk, raised, before the first
// notice of a process; so no pair is ever used twice, and a confirmation from before a restart can
// not count for a notice after it.
struct NoticeId {
    std::uint64_t epoch = 0;
    std::uint64_t sequence = 0;
    auto operator<=>(const NoticeId&) const = default;
};

// The state of one drive, as told to the drive sharing agents. State, not news: repeats, loss,
// reordering and late joiners are harmless; only the newest NoticeId of a drive matters.
struct Notice {
    NoticeId id;
    ControllerName controller;
    DriveSerial drive;
    Reservation reservation;
    HolderEvidence evidence = HolderEvidence::none;
    DomainName
        holder_domain;  // application domain that all holders belong to, as the controller knows it
    OperationalState operational_state = OperationalState::online;
    bool operator==(const Notice&) const = default;
};

// What a drive sharing agent did about a notice. Wire values of tlrConfirmationResult: never
// renumber.
enum class ConfirmationResult : std::uint8_t {
    set_offline = 1,       // the application now shows the drive offline; read back
    set_online = 2,        // the agent had taken it offline and has brought it back; read back
    already_offline = 3,   // it was offline there before, by someone else
    already_online = 4,    // nothing to do: free, and the agent had not taken it offline
    holder_is_mine = 5,    // this host's own application domain holds the drive: nothing to do
    left_to_operator = 6,  // free, but an operator took it offline there: not ours to bring back
    not_connected = 7,     // this host does not have the drive
    observed_only = 8,     // the agent is configured to watch and not to act
    failed = 9,     // the application did not do it: this is NOT a confirmation, the debt stays
    draining = 10,  // the application finishes what it is doing first: the debt stays for now
};

// May the drive be treated as settled for this agent?
[[nodiscard]] constexpr bool settles(ConfirmationResult result) {
    return result != ConfirmationResult::failed && result != ConfirmationResult::draining;
}
[[nodiscard]] std::string_view to_text(ConfirmationResult result);
[[nodiscard]] std::optional<ConfirmationResult> confirmation_result_from_text(
    std::string_view text);

// "Received and processed", from a drive sharing agent. Counts for its own id and everything older
// of that drive, never for anything newer.
struct Confirmation {
    NoticeId id;
    ControllerName controller;
    AgentName agent;
    DriveSerial drive;
    ConfirmationResult result = ConfirmationResult::failed;
    std::string detail;  // one line for the operator, at most 200 bytes
    bool operator==(const Confirmation&) const = default;
};

// A drive sharing agent's word about itself. The incarnation is raised on disk at each start of the
// agent, so a replayed "stopping" of an earlier life changes nothing.
struct AgentPresence {
    ControllerName controller;
    AgentName agent;
    std::uint64_t incarnation = 0;
    bool operator==(const AgentPresence&) const = default;
};

}  // namespace agent::core
