#pragma once

// Everything that goes into a drive sharing agent's rules, and everything that comes out.

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "agent/core/alarm.hpp"
#include "agent/core/notice.hpp"
#include "agent/core/reservation.hpp"
#include "agent/core/time.hpp"

namespace agent::core {

// What the backup application on this host says about a drive, read back from it.
enum class ApplicationDriveState : std::uint8_t {
    online,
    offline,
    draining,  // will be offline when the running job is done
    unknown,   // the application did not say, or said something nobody understands
};
[[nodiscard]] std::string_view to_text(ApplicationDriveState value);
[[nodiscard]] std::optional<ApplicationDriveState> application_drive_state_from_text(
    std::string_view text);

enum class ApplicationAction : std::uint8_t { query, set_offline, set_online };
[[nodiscard]] std::string_view to_text(ApplicationAction value);

// ---- in
// -------------------------------------------------------------------------------------------------------------

// Authenticated: sent by that controller.
struct NoticeArrived {
    Notice notice;
};

// A command of the application has ended. `state` is meaningful after a query; after set_offline
// and set_online the rules ask back by a query of their own.
struct ApplicationAnswered {
    DriveSerial drive;
    ApplicationAction action = ApplicationAction::query;
    bool succeeded = false;  // it ran, in time, and its exit status is one the profile accepts
    ApplicationDriveState state = ApplicationDriveState::unknown;
    std::string detail;  // one line: the reason of a failure
    // Of a query that says offline: somebody else's mark is on it. Of set_offline: it was so before
    // the command came.
    bool by_somebody_else = false;
    // Of a query that says draining: it will not go on by itself, set_offline has to be said again.
    bool say_again = false;
    // Of set_offline and set_online: nobody saw the command end, and it may take effect until so
    // long after this answer. Zero: it has ended.
    Duration may_run_for{0};
};

// The controller's SNMP engine has acknowledged "started" or "stopping".
struct PresenceAcknowledged {
    ControllerName controller;
    bool stopping = false;
};

// Asked by the service manager or an operator: leave in an orderly way.
struct StopRequested {};

// An operator's explicit wish through the control socket; overrides the notices until the next one.
struct OperatorSetDrive {
    DriveSerial drive;
    bool offline = false;
    std::string actor;
};

// Asks every controller for the whole state now: "started" is said again as a new life, whose
// `incarnation` has been raised on disk. The notices that follow are settled with the application
// as at every start. Nothing while stopping, or when the incarnation is not higher.
struct ReconcileRequested {
    std::uint64_t incarnation = 0;
};

struct AgentTimePassed {};

using DriveSharingAgentInput =
    std::variant<NoticeArrived, ApplicationAnswered, PresenceAcknowledged, StopRequested,
                 OperatorSetDrive, ReconcileRequested, AgentTimePassed>;

// ---- durable state
// --------------------------------------------------------------------------------------------------

// This agent took the drive offline in the application (or was about to when it stopped: `done` is
// false). Only such a drive is ever brought online again.
struct LedgerEntry {
    DriveSerial drive;
    NoticeId because;
    ControllerName controller;
    WallTime at;
    bool done = false;
    std::string reason;  // "reserved by fc:2100000e1e09a1b0"
    bool operator==(const LedgerEntry&) const = default;
};

// The newest notice of a drive that was acted on, per controller.
struct NoticeMark {
    ControllerName controller;
    DriveSerial drive;
    NoticeId id;
    ConfirmationResult result = ConfirmationResult::failed;
    bool operator==(const NoticeMark&) const = default;
};

// A command of the application that somebody else, or an earlier life, has begun, and whose end
// nobody saw.
struct UnseenCommand {
    DriveSerial drive;
    ApplicationAction action = ApplicationAction::set_offline;
    // It may take effect until so long after the start of these rules. A store does not know: 0.
    Duration may_run_for{0};
    bool operator==(const UnseenCommand&) const = default;
};

struct DriveSharingAgentState {
    std::vector<LedgerEntry> ledger;
    std::vector<NoticeMark> marks;
    std::vector<UnseenCommand> unseen;
};

// ---- out
// ------------------------------------------------------------------------------------------------------------

struct RecordLedgerEntry {
    LedgerEntry entry;
    bool present = true;  // false: the entry is struck out
};
struct RecordNoticeMark {
    NoticeMark mark;
};
// That a set_online is about to be run. It may take effect after this process, and in spite of a
// newer notice; of set_offline the ledger tells.
struct RecordOnlineCommand {
    DriveSerial drive;
    bool may_come = true;  // false: none that was begun can take effect any more
};
struct RecordAgentEvent {
    EventRecord record;
};

// Run one command of the application; answered by ApplicationAnswered. One at a time per drive.
struct RunApplication {
    DriveSerial drive;
    ApplicationAction action = ApplicationAction::query;
};
struct SendConfirmation {
    Confirmation confirmation;
};
struct SendStarted {
    AgentPresence presence;
};
struct SendStopping {
    AgentPresence presence;
};
// Everything is said that could be said: the process may end.
struct StopNow {};

// Order is law, as in reservation_agent_io.hpp: records are synced before anything else of the step
// is done.
using DriveSharingAgentEffect =
    std::variant<RecordLedgerEntry, RecordNoticeMark, RecordOnlineCommand, RecordAgentEvent,
                 RunApplication, SendConfirmation, SendStarted, SendStopping, StopNow>;
using DriveSharingAgentEffects = std::vector<DriveSharingAgentEffect>;

}  // namespace agent::core
