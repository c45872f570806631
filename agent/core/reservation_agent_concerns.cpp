#include <utility>

#include "agent/core/drive_concerns.hpp"
#include "agent/core/reservation_agent_rules.hpp"

namespace agent::core {
namespace {

Message message_of(AlarmKind kind) {
    switch (kind) {
        case AlarmKind::holder_not_configured:
            return Message::holder_not_configured;
        case AlarmKind::holder_agent_lost:
            return Message::holder_agent_lost;
        case AlarmKind::registrations_orphaned:
            return Message::registrations_orphaned;
        case AlarmKind::registrations_doubled:
            return Message::registrations_doubled;
        case AlarmKind::reservations_mixed:
            return Message::reservations_mixed;
        case AlarmKind::removal_prevented:
        case AlarmKind::handshake_incomplete:
        case AlarmKind::drive_forced_offline:
        case AlarmKind::drive_unprotected:
        case AlarmKind::drive_unreachable:
        case AlarmKind::holder_unknown:
        case AlarmKind::agent_lost:
        case AlarmKind::drive_path_changed:
        case AlarmKind::host_unreachable:
        case AlarmKind::messages_refused:
        case AlarmKind::pair_alone:
        case AlarmKind::pair_out_of_service:
        case AlarmKind::pair_peer_silent:
        case AlarmKind::pair_copy_behind:
        case AlarmKind::pair_voter_missing:
        case AlarmKind::pair_promise_short:
            break;
    }
    return Message::removal_prevented;
}

}  // namespace

void ReservationAgent::Rules::handle(const DriveExamined& input) {
    Drive* drive = find_drive(input.drive);
    if (drive == nullptr) return;
    drive->concerns.examined(input, now_.monotonic);
    concerns_to_judge_.insert(input.drive);
}

// After everything else of a step: who holds what, and which agents are lost, is known by then.
// Tests: drive_concerns_test.cpp, reservation_agent_concerns_test.cpp.
void ReservationAgent::Rules::judge_concerns() {
    const ConcernTimes times = concern_times();
    const auto candidates = std::exchange(concerns_to_judge_, {});
    if (times.stale_after.ms <= 0) return stop_judging_concerns();
    concerns_are_judged_ = true;
    std::map<AgentName, AgentState> agents;
    for (const auto& [name, agent] : agents_)
        agents.emplace(name, agent.record.state);
    for (auto& [serial, drive] : drives_) {
        const bool due = drive.concerns_at && *drive.concerns_at <= now_.monotonic;
        if (!due && !candidates.contains(serial) && !changed_drives_.contains(serial) &&
            changed_agents_.empty())
            continue;
        if (!usable(drive)) drive.concerns.forget();
        if (drive.unreachable) drive.concerns.lose_sight();
        const ConcernContext context{drive.record.reservation, configuration_, agents};
        for (const auto& verdict : drive.concerns.judge(context, times, now_.monotonic))
            tell_concern(serial, verdict);
        drive.concerns_at = drive.concerns.next_wakeup(times, now_.monotonic);
    }
}

// The configuration has ended it.
void ReservationAgent::Rules::stop_judging_concerns() {
    if (!std::exchange(concerns_are_judged_, false)) return;
    for (auto& [serial, drive] : drives_) {
        drive.concerns.forget();
        drive.concerns_at.reset();
        for (const AlarmKind kind : concern_kinds)
            alarms_.clear({kind, serial, {}}, effects_);
    }
}

void ReservationAgent::Rules::tell_concern(const DriveSerial& serial,
                                           const ConcernVerdict& verdict) {
    const AlarmKey key{verdict.kind, serial, {}};
    switch (verdict.answer) {
        case ConcernVerdict::Answer::unknown:
        case ConcernVerdict::Answer::young:
            return;
        case ConcernVerdict::Answer::no:
            if (alarms_.clear(key, effects_))
                log(Message::concern_over, {serial, {}, {}}, {serial.text, to_text(verdict.kind)});
            return;
        case ConcernVerdict::Answer::yes:
            break;
    }
    if (alarms_.is_active(key)) return;
    const Message message = message_of(verdict.kind);
    if (verdict.kind == AlarmKind::removal_prevented) {
        log(message, {serial, {}, {}}, {serial.text, serial.text});
        return raise(key, message, {serial.text, serial.text});
    }
    log(message, {serial, {}, {}}, {serial.text, verdict.words, serial.text});
    raise(key, message, {serial.text, verdict.words, serial.text});
}

}  // namespace agent::core
