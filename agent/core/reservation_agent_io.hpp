#pragma once

// Everything that goes into the library reservation agent's rules, and everything that comes out.
// Both sets are closed: what is not here can not happen to the rules, and they can not do it.

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "agent/core/alarm.hpp"
#include "agent/core/holder_question.hpp"
#include "agent/core/holder_search.hpp"
#include "agent/core/notice.hpp"
#include "agent/core/reservation.hpp"
#include "agent/core/time.hpp"

namespace agent::core {

// ---- in
// -------------------------------------------------------------------------------------------------------------

// What one look at a drive returned, or what the drive itself said.
struct DriveObserved {
    enum class Source : std::uint8_t {
        poll,            // the drive was asked
        drive_event,     // the drive said so and was not asked (it has no polled interface)
        event_and_poll,  // the drive said so, was asked, and the answers agree
    };
    DriveSerial drive;
    Reservation reservation;
    HolderEvidence evidence = HolderEvidence::none;
    Source source = Source::poll;
    HolderSearch search{};            // where nobody names the holder: what else was found
    bool held_by_controller = false;  // the reservation is this controller's own fence
    // The reservation that was known before has ended, or may have: who held that one says nothing
    // about this one. Said once; with a state that is unknown it is all that is said.
    bool known_holder_ended = false;
};

// Somebody who is registered with a drive, holder or not (READ FULL STATUS, READ KEYS).
struct Registration {
    std::uint64_t key = 0;
    std::optional<InitiatorPort> port;  // absent: the drive does not name it
    std::uint16_t relative_target_port = 0;
    bool holder = false;
    bool operator==(const Registration&) const = default;
};

// What else a look told, besides who holds the drive. What it did not ask for, or the drive can not
// tell, is absent.
struct DriveExamined {
    DriveSerial drive;
    Reservation seen;  // by this look, whether it counts already or not
    std::optional<std::vector<Registration>> registrations;
    std::optional<bool> removal_prevented;  // some host prevents medium removal
    std::optional<bool> moves_tape;
};

// The drive did not answer within its time, `why` in words; or another drive is at the end of its
// path.
struct DriveUnreachable {
    // The path, and whose serial number was found there.
    struct OtherDrive {
        std::string path;
        DriveSerial found;
    };
    DriveSerial drive;
    std::string why;
    std::optional<OtherDrive> other{};
};

// Authenticated: the notification channel has checked that the sender is that agent.
struct NoticeConfirmed {
    Confirmation confirmation;
};

// The agent's SNMP engine has a notice; nothing is processed yet. Only shown, never counted.
struct NoticeReceived {
    AgentName agent;
    DriveSerial drive;
    NoticeId id;
};

struct AgentStarted {
    AgentPresence presence;
};

struct AgentStopping {
    AgentPresence presence;
};

// The offline actuator is done with a drive; `failure` in words when it did not work.
struct OfflineForced {
    DriveSerial drive;
    std::optional<std::string> failure;
};

struct OfflineLifted {
    DriveSerial drive;
    std::optional<std::string> failure;
};

struct AdministratorForcedOffline {
    DriveSerial drive;
    std::string actor;
    std::string reason;
};

// Ends forced offline. Also answers in place of every confirmation still missing for that drive.
struct AdministratorCleared {
    DriveSerial drive;
    std::string actor;
    std::string reason;
};

// The host is gone for good or for long: from now on its agent owes nothing, until it says
// "started" again.
struct AdministratorRetiredAgent {
    AgentName agent;
    std::string actor;
    std::string reason;
};

// The agent is told the state of every drive afresh, as if it had said "started" in a new life: it
// looks at its application and settles what differs. Nothing for an agent that has stopped or was
// never seen.
struct AdministratorReconciledAgent {
    AgentName agent;
};

// This controller serves from now on in place of another, whose word the agent may have had and not
// confirmed: nobody knows. So it is told the state of every drive afresh, and where a drive is
// reserved its confirmation is waited for as after any change: without it the drive is forced
// offline. One that has stopped, or was never seen by either controller, is not asked.
struct ControllerTookOver {
    AgentName agent;
    // What it has said meanwhile to the controller that served: its newest "started".
    std::optional<AgentPresence> heard;
};

// Authenticated: an agent answers AskHolder.
struct HolderStated {
    HolderStatement statement;
};

// Somebody ends the reservation of a drive (`lractl drive release`): written down, never counted.
// What the drive makes of it comes as an observation.
struct ReleaseReported {
    enum class Stage : std::uint8_t { asked, step_taken, succeeded, failed };
    DriveSerial drive;
    Stage stage = Stage::asked;
    std::string actor;
    std::string words;  // asked: why; step_taken: which step and what came of it
};

// What became of the controller's own errands to the host of an agent that it plays itself
// (agent/agentless), whenever that changes: written down, and an alarm as long as it is trouble.
// What it means for drives follows from confirmations alone.
struct HostContact {
    enum class State : std::uint8_t {
        reached,
        unreachable,
        key_changed,  // somebody with another host key answers
        login_refused,
        command_hung,
        not_understood,
    };
    AgentName agent;
    State state = State::reached;
    std::string words;  // one line: what was found, or what went wrong
};

// SNMP messages that were not believed come faster than is allowed, or do so no more: an alarm, and
// nothing else follows from it.
struct MessagesRefused {
    bool too_many = false;
    std::string words;  // one line: how many of which
};

// How the pair is that this controller is a node of: an alarm, and nothing else follows from it.
// May be said again and again; only what is new is written down.
struct PairReported {
    AlarmKind kind = AlarmKind::pair_alone;  // one of the pair's
    AgentName agent;                         // of pair_voter_missing and pair_promise_short: whose
    bool active = false;
    std::string words;  // one line: what is the matter, or how it ended
};

// Nothing happened but time; see next_wakeup().
struct TimePassed {};

using ReservationAgentInput =
    std::variant<DriveObserved, DriveUnreachable, NoticeConfirmed, NoticeReceived, AgentStarted,
                 AgentStopping, OfflineForced, OfflineLifted, AdministratorForcedOffline,
                 AdministratorCleared, AdministratorRetiredAgent, AdministratorReconciledAgent,
                 ControllerTookOver, ReleaseReported, HolderStated, HostContact, DriveExamined,
                 MessagesRefused, PairReported, TimePassed>;

// ---- durable state: what the records below add up to
// ----------------------------------------------------------------

enum class AgentState : std::uint8_t {
    never_seen,  // configured, has not said "started" yet: owes nothing
    starting,    // said "started", is being told the state of every drive; owes nothing yet
    started,
    stopped,    // said "stopping", or was retired: owes nothing
    lost,       // did not confirm within its budget; still owes, and is asked again at each change
    returning,  // as starting, but was started or lost before: goes on owing every change
};

// Does an agent in this state have to confirm a new notice?
[[nodiscard]] constexpr bool owes_confirmations(AgentState state) {
    return state == AgentState::returning || state == AgentState::started ||
           state == AgentState::lost;
}
// It counts as started only when it has confirmed the state of every drive.
[[nodiscard]] constexpr bool is_being_told(AgentState state) {
    return state == AgentState::starting || state == AgentState::returning;
}
[[nodiscard]] std::string_view to_text(AgentState value);
[[nodiscard]] std::optional<AgentState> agent_state_from_text(std::string_view text);

struct DriveRecord {
    DriveSerial drive;
    Reservation reservation;
    HolderEvidence evidence = HolderEvidence::none;
    WallTime since;  // when this reservation was first seen
    OperationalState operational_state = OperationalState::online;  // unreachable is never recorded
    std::string offline_reason;  // why it is forced offline or unprotected, for `drive why`
    std::optional<NoticeId> newest_notice;
    bool operator==(const DriveRecord&) const = default;
};

struct AgentRecord {
    AgentName agent;
    AgentState state = AgentState::never_seen;
    std::uint64_t incarnation = 0;
    std::uint64_t missed = 0;  // confirmations that did not come within the budget, ever
    bool operator==(const AgentRecord&) const = default;
};

// What an agent still owes for a drive, as it survives a restart. An empty list of notices means:
// settled.
struct DebtRecord {
    DriveSerial drive;
    AgentName agent;
    std::vector<NoticeId> unconfirmed;  // oldest first
    bool excused = false;               // no drive is forced offline for it
    bool operator==(const DebtRecord&) const = default;
};

struct ReservationAgentState {
    std::vector<DriveRecord> drives;
    std::vector<AgentRecord> agents;
    std::vector<DebtRecord> debts;
    std::vector<Alarm> active_alarms;
};

// ---- out
// ------------------------------------------------------------------------------------------------------------

struct RecordDrive {
    DriveRecord record;
};
struct RecordAgent {
    AgentRecord record;
};
struct RecordDebt {
    DebtRecord record;
};
struct RecordEvent {
    EventRecord record;
};
struct RecordAlarm {
    Alarm alarm;
    bool active = true;
};

// Tell one agent the state of one drive. `attempt` counts from 1 for this notice and agent.
// Replaces any older notice of the same drive that is still on its way to that agent.
struct SendNotice {
    AgentName agent;
    Notice notice;
    std::uint32_t attempt = 1;
};

// The agent needs no more of this drive's notices (confirmed, stopped, retired or cleared): stop
// sending them again.
struct StopSending {
    AgentName agent;
    DriveSerial drive;
};

// Ask one agent whether its host holds the drive; answered by HolderStated, or not at all. Replaces
// an older question about the same drive that is still on its way to that agent.
struct AskHolder {
    AgentName agent;
    HolderInquiry inquiry;
};
// The question is settled: stop sending it.
struct StopAsking {
    AgentName agent;
    DriveSerial drive;
};

// Make the drive report a permanent error to everyone; answered by OfflineForced.
struct ForceDriveOffline {
    DriveSerial drive;
    std::string reason;
};

// Answered by OfflineLifted.
struct LiftDriveOffline {
    DriveSerial drive;
};

// Tell the SNMP consumers. The alarm was recorded in the same step.
struct AnnounceAlarm {
    Alarm alarm;
    bool active = true;  // false: the clear of an alarm announced before
};

// Order is law: the runner commits all Record* effects of a step in one synced transaction before
// it carries out any other effect of that step. A step lists its Record* effects first.
using ReservationAgentEffect =
    std::variant<RecordDrive, RecordAgent, RecordDebt, RecordEvent, RecordAlarm, SendNotice,
                 StopSending, AskHolder, StopAsking, ForceDriveOffline, LiftDriveOffline,
                 AnnounceAlarm>;

using ReservationAgentEffects = std::vector<ReservationAgentEffect>;

}  // namespace agent::core
