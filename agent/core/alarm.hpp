#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/core/notice.hpp"
#include "agent/core/reservation.hpp"
#include "agent/core/time.hpp"

namespace agent::core {

enum class Severity : std::uint8_t { info = 1, warning = 2, major = 3, critical = 4 };

// Wire values of tlrAlarmKind: never renumber.
enum class AlarmKind : std::uint8_t {
    handshake_incomplete = 1,  // an agent did not confirm in time; it is asked again
    drive_forced_offline = 2,  // cleared only by an administrator
    drive_unprotected = 3,     // should be forced offline, but the drive could not be made to
    drive_unreachable = 4,     // the controller can not talk to the drive
    holder_unknown = 5,        // reserved, and no evidence of who holds it
    agent_lost = 6,            // did not confirm within its budget
    // Concerns about a drive (drive_concerns.hpp).
    holder_not_configured = 20,   // the holder's port is no configured host's
    holder_agent_lost = 21,       // the holder's agents are all lost
    registrations_orphaned = 22,  // left behind
    registrations_doubled = 23,   // one port twice, or one key of several hosts
    reservations_mixed = 24,      // RESERVE and persistent reservations, or two applications
    removal_prevented = 25,       // of medium, and nobody uses the drive
    // Of drive_unreachable: another drive is where this one should be.
    drive_path_changed = 26,
    // Of agents that the controller plays itself: their host can not be used over ssh.
    host_unreachable = 30,
    // Of the controller itself: somebody sends it SNMP messages that it does not believe.
    messages_refused = 40,
    // Of the pair of controllers that it is a node of.
    pair_alone = 50,           // serves without the other node: one more failure is an outage
    pair_out_of_service = 51,  // may not serve, or has left service
    pair_peer_silent = 52,     // the other node is not heard
    pair_copy_behind = 53,     // one copy of the drive table does not follow the other
    pair_voter_missing = 54,   // an agent that votes is not heard, or has no register
    pair_promise_short = 55,   // an agent, or the other node, promises less than heartbeats need
};

// The same key raises and clears; there is at most one active alarm per key.
struct AlarmKey {
    AlarmKind kind = AlarmKind::handshake_incomplete;
    DriveSerial drive;  // empty where the alarm is about an agent, the controller or the pair
    AgentName agent;    // empty where the alarm is about the drive alone
    auto operator<=>(const AlarmKey&) const = default;
};

struct Alarm {
    AlarmKey key;
    Severity severity = Severity::warning;
    WallTime raised_at;
    std::string text;  // names the drive, what happened, why, and the command that helps
    bool operator==(const Alarm&) const = default;
};

// One line of the event log. `message` is the identifier in docs/MESSAGES.md, for example
// "LRA2003".
struct EventRecord {
    WallTime at;
    Severity severity = Severity::info;
    std::string message;
    DriveSerial drive;  // empty: not about one drive
    AgentName agent;    // empty: not about one agent
    std::optional<NoticeId> notice;
    std::string text;
    bool operator==(const EventRecord&) const = default;
};

[[nodiscard]] std::string_view to_text(Severity value);
[[nodiscard]] std::string_view to_text(AlarmKind value);
[[nodiscard]] std::optional<Severity> severity_from_text(std::string_view text);
[[nodiscard]] std::optional<AlarmKind> alarm_kind_from_text(std::string_view text);

}  // namespace agent::core
