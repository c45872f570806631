#pragma once

// Lines of the drive event channel as values: what a drive says to the library reservation agent
// (hello, events, command results) and what it is told (acknowledgements, errors, commands). One
// JSON object a line. docs/DRIVE_INTERFACE.md describes the protocol.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "agent/core/reservation.hpp"
#include "agent/core/result.hpp"

namespace drive_iface::events {

// Without the line end. A longer line closes the connection.
inline constexpr std::size_t line_size_max = std::size_t{64} * 1024;

// What happened to the reservation of a drive, said by the drive itself.
struct DriveEvent {
    enum class Change : std::uint8_t {
        reserved,
        released,
        preempted,  // another port took it over
        reset,      // logical unit or target reset, power cycle; kind and holders say what is left
        registrations,  // persistent registrations changed, the reservation may not have
        state,          // nothing happened: this is how it is now (said after connecting)
        lost,           // events of this drive were lost on their way: look
    };
    std::uint64_t seq = 0;  // rises with every event of a drive; see DriveEventClient
    agent::core::DriveSerial drive;
    Change change = Change::reserved;
    // Kind of the reservation after the change; none: free. `released` may name what ended. Never
    // `legacy`: a drive knows which command it was given.
    agent::core::ReservationKind kind = agent::core::ReservationKind::none;
    std::optional<agent::core::PersistentReservation> persistent;  // exactly with kind persistent
    std::optional<agent::core::InitiatorPort> port;  // who caused it; absent when nobody did
    // Who holds it now, at most 128 of them. Absent: for reserved and preempted it is `port`,
    // otherwise not said.
    std::optional<std::vector<agent::core::InitiatorPort>> holders;
    std::string at;  // RFC 3339, as the drive wrote it; for people, never compared. May be empty.
    bool operator==(const DriveEvent&) const = default;
};

// An event for a reservation as it is after the change. `seq` is for the sender to give.
[[nodiscard]] DriveEvent make_drive_event(agent::core::DriveSerial drive, DriveEvent::Change change,
                                          const agent::core::Reservation& after,
                                          std::optional<agent::core::InitiatorPort> port,
                                          std::string at);

// The reservation as this event alone tells it. Unknown after `lost`.
[[nodiscard]] agent::core::Reservation reservation_after(const DriveEvent& event);

// First line of a drive's side after connecting: whom this connection speaks for. At most 256
// drives a line; further lines add to it.
struct DriveHello {
    std::vector<agent::core::DriveSerial> drives;
    // Those of them that are forced offline now, and the reason as they were told it; may be empty
    // or cut. At most 64 a line. A controller that has lost its state learns it this way.
    std::map<agent::core::DriveSerial, std::string> forced_offline;
    bool operator==(const DriveHello&) const = default;
};

struct DriveCommand {
    enum class Action : std::uint8_t { force_offline, lift_offline };
    std::uint64_t id = 0;  // chosen by the agent, repeated in the result
    agent::core::DriveSerial drive;
    Action action = Action::force_offline;
    std::string reason;  // for the drive's own display and log; at most 1024 bytes
    bool operator==(const DriveCommand&) const = default;
};

struct DriveCommandResult {
    std::uint64_t id = 0;
    agent::core::DriveSerial drive;
    std::optional<std::string> failure;  // in words; none: done
    bool operator==(const DriveCommandResult&) const = default;
};

struct EventAcknowledged {
    std::uint64_t seq = 0;
    bool operator==(const EventAcknowledged&) const = default;
};

struct LineRefused {
    std::string error;
    std::optional<std::uint64_t>
        seq;  // of the event in that line, when it could be read: do not send it again
    bool operator==(const LineRefused&) const = default;
};

using LineFromDrive = std::variant<DriveHello, DriveEvent, DriveCommandResult>;
using LineFromAgent = std::variant<EventAcknowledged, LineRefused, DriveCommand>;

// A line that could not be used: why, and the sequence number when that much could be read.
struct BadLine {
    std::string error;
    std::optional<std::uint64_t> seq;
};

// Without line end. Members that are not known are skipped: firmware may be newer than the agent. A
// version other than 1, a missing member, a value of the wrong type or out of its range, and an
// unknown change or kind make the line bad. Port names are normalised as agent::core::InitiatorPort
// says.
[[nodiscard]] std::variant<LineFromDrive, BadLine> decode_line_from_drive(std::string_view line);
[[nodiscard]] std::variant<LineFromAgent, BadLine> decode_line_from_agent(std::string_view line);

// Without line end, never longer than line_size_max. Text that is not UTF-8 gets U+FFFD in place of
// what is wrong.
[[nodiscard]] std::string encode_line(const LineFromDrive& line);
[[nodiscard]] std::string encode_line(const LineFromAgent& line);

[[nodiscard]] std::string_view to_text(DriveEvent::Change change);
[[nodiscard]] std::string_view to_text(DriveCommand::Action action);

}  // namespace drive_iface::events
