#include "test/sim/trace.hpp"

#include <cstdio>
#include <type_traits>

namespace sim {

using namespace agent::core;

void Trace::begin(std::int64_t now_ms, std::string_view who) {
    add(static_cast<std::uint64_t>(now_ms));
    add(who);
}

void Trace::add(std::string_view text) {
    for (const char c : text) {
        hash_ = (hash_ ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    }
    hash_ = (hash_ ^ 0x20U) * 0x100000001b3U;
    if (printing_) line_.append(text).append(" ");
}

void Trace::add(std::uint64_t number) {
    char digits[20];
    std::size_t at = sizeof digits;
    do {
        digits[--at] = static_cast<char>('0' + number % 10);
        number /= 10;
    } while (number != 0);
    add(std::string_view(digits + at, sizeof digits - at));
}

void Trace::end() {
    hash_ = (hash_ ^ 0x0aU) * 0x100000001b3U;
    if (!printing_) return;
    std::puts(line_.c_str());
    line_.clear();
}

void Trace::add(const NoticeId& id) {
    add(id.epoch);
    add(id.sequence);
}

void Trace::add(const Reservation& reservation) {
    add(to_text(reservation.state));
    add(to_text(reservation.kind));
    if (reservation.persistent) {
        add(std::uint64_t{reservation.persistent->type});
        add(reservation.persistent->key);
    }
    for (const auto& holder : reservation.holders) {
        add(holder.name);
        add(holder.isid);
    }
}

void Trace::add(const Notice& notice) {
    add(notice.id);
    add(notice.drive.text);
    add(notice.reservation);
    add(to_text(notice.evidence));
    add(notice.holder_domain);
    add(to_text(notice.operational_state));
}

void Trace::add(const Confirmation& confirmation) {
    add(confirmation.id);
    add(confirmation.agent);
    add(confirmation.drive.text);
    add(to_text(confirmation.result));
    add(confirmation.detail);
}

void Trace::add(const EventRecord& record) {
    add(record.message);
    add(record.text);
}

namespace {

template <typename... Cases>
struct Overloaded : Cases... {
    using Cases::operator()...;
};
template <typename... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

std::uint64_t unsigned_of(std::int64_t value) {
    return static_cast<std::uint64_t>(value);
}

}  // namespace

void Trace::add(const ReservationAgentInput& input) {
    std::visit(Overloaded{
                   [this](const DriveObserved& in) {
                       add("observed");
                       add(in.drive.text);
                       add(in.reservation);
                       add(to_text(in.evidence));
                       add(unsigned_of(static_cast<int>(in.source)));
                   },
                   [this](const DriveUnreachable& in) {
                       add("unreachable");
                       add(in.drive.text);
                       add(in.why);
                   },
                   [this](const NoticeConfirmed& in) {
                       add("confirmed");
                       add(in.confirmation);
                   },
                   [this](const NoticeReceived& in) {
                       add("received");
                       add(in.agent);
                       add(in.drive.text);
                       add(in.id);
                   },
                   [this](const AgentStarted& in) {
                       add("agent_started");
                       add(in.presence.agent);
                       add(in.presence.incarnation);
                   },
                   [this](const AgentStopping& in) {
                       add("agent_stopping");
                       add(in.presence.agent);
                       add(in.presence.incarnation);
                   },
                   [this](const OfflineForced& in) {
                       add("offline_forced");
                       add(in.drive.text);
                       add(in.failure.value_or("ok"));
                   },
                   [this](const OfflineLifted& in) {
                       add("offline_lifted");
                       add(in.drive.text);
                       add(in.failure.value_or("ok"));
                   },
                   [this](const ReleaseReported& in) {
                       add("release_reported");
                       add(in.drive.text);
                       add(unsigned_of(static_cast<int>(in.stage)));
                       add(in.words);
                   },
                   [this](const AdministratorForcedOffline& in) {
                       add("administrator_forced");
                       add(in.drive.text);
                   },
                   [this](const AdministratorCleared& in) {
                       add("administrator_cleared");
                       add(in.drive.text);
                   },
                   [this](const AdministratorRetiredAgent& in) {
                       add("administrator_retired");
                       add(in.agent);
                   },
                   [this](const AdministratorReconciledAgent& in) {
                       add("administrator_reconciled");
                       add(in.agent);
                   },
                   [this](const ControllerTookOver& in) {
                       add("took_over");
                       add(in.agent);
                   },
                   [this](const HostContact& in) {
                       add("host_contact");
                       add(in.agent);
                       add(static_cast<std::uint64_t>(in.state));
                   },
                   [this](const MessagesRefused& in) {
                       add("messages_refused");
                       add(static_cast<std::uint64_t>(in.too_many));
                   },
                   [this](const PairReported& in) {
                       add("pair_reported");
                       add(to_text(in.kind));
                       add(in.agent);
                       add(static_cast<std::uint64_t>(in.active));
                   },
                   [this](const HolderStated& in) {
                       add("holder_stated");
                       add(in.statement.id);
                       add(in.statement.agent);
                       add(in.statement.drive.text);
                       add(to_text(in.statement.answer));
                   },
                   [this](const DriveExamined& in) {
                       add("drive_examined");
                       add(in.drive.text);
                       add(in.seen);
                       add(std::uint64_t{in.registrations ? in.registrations->size() : 0});
                   },
                   [this](const TimePassed&) { add("time"); },
               },
               input);
}

void Trace::add(const ReservationAgentEffect& effect) {
    std::visit(Overloaded{
                   [this](const RecordDrive& out) {
                       add("record_drive");
                       add(out.record.drive.text);
                       add(out.record.reservation);
                       add(to_text(out.record.evidence));
                       add(unsigned_of(out.record.since.ms));
                       add(to_text(out.record.operational_state));
                       add(out.record.offline_reason);
                       if (out.record.newest_notice) add(*out.record.newest_notice);
                   },
                   [this](const RecordAgent& out) {
                       add("record_agent");
                       add(out.record.agent);
                       add(to_text(out.record.state));
                       add(out.record.incarnation);
                       add(out.record.missed);
                   },
                   [this](const RecordDebt& out) {
                       add("record_debt");
                       add(out.record.drive.text);
                       add(out.record.agent);
                       for (const auto& id : out.record.unconfirmed) {
                           add(id);
                       }
                   },
                   [this](const RecordEvent& out) {
                       add("record_event");
                       add(out.record);
                   },
                   [this](const RecordAlarm& out) {
                       add(out.active ? "record_alarm" : "strike_alarm");
                       add(out.alarm.text);
                   },
                   [this](const SendNotice& out) {
                       add("send_notice");
                       add(out.agent);
                       add(out.notice);
                       add(std::uint64_t{out.attempt});
                   },
                   [this](const StopSending& out) {
                       add("stop_sending");
                       add(out.agent);
                       add(out.drive.text);
                   },
                   [this](const AskHolder& out) {
                       add("ask_holder");
                       add(out.agent);
                       add(out.inquiry.drive.text);
                       add(out.inquiry.id);
                   },
                   [this](const StopAsking& out) {
                       add("stop_asking");
                       add(out.agent);
                       add(out.drive.text);
                   },
                   [this](const ForceDriveOffline& out) {
                       add("force_offline");
                       add(out.drive.text);
                       add(out.reason);
                   },
                   [this](const LiftDriveOffline& out) {
                       add("lift_offline");
                       add(out.drive.text);
                   },
                   [this](const AnnounceAlarm& out) {
                       add(out.active ? "announce" : "announce_clear");
                       add(out.alarm.text);
                   },
               },
               effect);
}

void Trace::add(const DriveSharingAgentInput& input) {
    std::visit(Overloaded{
                   [this](const NoticeArrived& in) {
                       add("notice");
                       add(in.notice);
                   },
                   [this](const ApplicationAnswered& in) {
                       add("answered");
                       add(in.drive.text);
                       add(to_text(in.action));
                       add(in.succeeded ? "ok" : "failed");
                       add(to_text(in.state));
                       if (in.may_run_for.ms != 0)
                           add("cut off, runs for " + std::to_string(in.may_run_for.ms));
                   },
                   [this](const PresenceAcknowledged& in) {
                       add(in.stopping ? "stopping_acknowledged" : "started_acknowledged");
                   },
                   [this](const StopRequested&) { add("stop"); },
                   [this](const OperatorSetDrive& in) {
                       add("operator");
                       add(in.drive.text);
                       add(in.offline ? "offline" : "online");
                   },
                   [this](const ReconcileRequested& in) {
                       add("reconcile");
                       add(in.incarnation);
                   },
                   [this](const AgentTimePassed&) { add("time"); },
               },
               input);
}

void Trace::add(const DriveSharingAgentEffect& effect) {
    std::visit(Overloaded{
                   [this](const RecordLedgerEntry& out) {
                       add(out.present ? "record_ledger" : "strike_ledger");
                       add(out.entry.drive.text);
                       add(out.entry.because);
                       add(out.entry.done ? "done" : "intent");
                   },
                   [this](const RecordNoticeMark& out) {
                       add("record_mark");
                       add(out.mark.drive.text);
                       add(out.mark.id);
                       add(to_text(out.mark.result));
                   },
                   [this](const RecordOnlineCommand& out) {
                       add(out.may_come ? "record_online" : "strike_online");
                       add(out.drive.text);
                   },
                   [this](const RecordAgentEvent& out) {
                       add("record_event");
                       add(out.record);
                   },
                   [this](const RunApplication& out) {
                       add("run");
                       add(out.drive.text);
                       add(to_text(out.action));
                   },
                   [this](const SendConfirmation& out) {
                       add("send_confirmation");
                       add(out.confirmation);
                   },
                   [this](const SendStarted& out) {
                       add("send_started");
                       add(out.presence.incarnation);
                   },
                   [this](const SendStopping& out) {
                       add("send_stopping");
                       add(out.presence.incarnation);
                   },
                   [this](const StopNow&) { add("stop_now"); },
               },
               effect);
}

}  // namespace sim
