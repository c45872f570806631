#include <utility>

#include "agent/core/assert.hpp"
#include "agent/core/reservation_agent_rules.hpp"
#include "agent/core/sharing_resolver.hpp"

namespace agent::core {

void ReservationAgent::Rules::handle(const DriveObserved& input) {
    Drive* drive = find_drive(input.drive);
    if (drive == nullptr) return;
    drive->unreachable = false;
    drive->unreachable_why.clear();
    if (alarms_.clear({AlarmKind::drive_unreachable, input.drive, {}}, effects_)) {
        log(Message::drive_answers, {input.drive, {}, {}}, {input.drive.text});
    }
    if (alarms_.clear({AlarmKind::drive_path_changed, input.drive, {}}, effects_)) {
        log(Message::drive_path_right, {input.drive, {}, {}}, {input.drive.text});
    }
    const bool points_elsewhere = !same_best_candidate(drive->search, input.search);
    drive->search = input.search;
    const auto told_before = drive->newest;
    const auto seen = as_hosts_count(input);
    const bool is_free = seen.reservation.state == ReservationState::free;
    if (const auto change = drive->tracker.observe(seen, tracker_times(), now_)) {
        reservation_changed(*drive, *change);
    }
    const bool told = told_before != drive->newest;
    if (std::exchange(drive->to_be_seen, false)) {
        for (const auto& [name, agent] : agents_)
            perhaps_in_step_.insert(name);
        if (is_free && !told) tell_that_it_is_free_after_all(*drive);
    }
    if (points_elsewhere && !input.search.candidates.empty()) {
        log(Message::holder_probable, {input.drive, {}, {}},
            {input.drive.text, best_candidate_in_words(input.search)});
    }
    look_at_fence(*drive, input);
}

// Test: reservation_agent_takeover_test.cpp.
void ReservationAgent::Rules::tell_that_it_is_free_after_all(Drive& drive) {
    const bool is_free = drive.record.reservation.state == ReservationState::free;
    if (!drive.shared || !is_free || !may_be_told(drive)) return;
    renumber(drive);
    for (auto& [name, agent] : agents_) {
        if (owes_confirmations(agent.record.state) || is_being_told(agent.record.state))
            tell(drive, agent, Reception::asked, DebtEvent::agent_resynchronized);
    }
}

void ReservationAgent::Rules::handle(const DriveUnreachable& input) {
    Drive* drive = find_drive(input.drive);
    if (drive == nullptr) return;
    drive->unreachable_why = input.why;
    if (input.other) return path_changed(*drive, *input.other);
    // Nobody answers in its place any more.
    const bool was_changed =
        alarms_.clear({AlarmKind::drive_path_changed, input.drive, {}}, effects_);
    if (drive->unreachable && !was_changed) return;
    drive->unreachable = true;
    if (alarms_.is_active({AlarmKind::drive_unreachable, input.drive, {}})) return;
    log(Message::drive_unreachable, {input.drive, {}, {}}, {input.drive.text, input.why});
    raise({AlarmKind::drive_unreachable, input.drive, {}}, Message::drive_unreachable,
          {input.drive.text, input.why});
}

// One of both alarms is enough: this one says more. Test: reservation_agent_paths_test.cpp.
void ReservationAgent::Rules::path_changed(Drive& drive,
                                           const DriveUnreachable::OtherDrive& other) {
    const DriveSerial& serial = drive.record.drive;
    drive.unreachable = true;
    static_cast<void>(alarms_.clear({AlarmKind::drive_unreachable, serial, {}}, effects_));
    if (alarms_.is_active({AlarmKind::drive_path_changed, serial, {}})) return;
    log(Message::drive_path_changed, {serial, {}, {}}, {serial.text, other.path, other.found.text});
    raise({AlarmKind::drive_path_changed, serial, {}}, Message::drive_path_changed,
          {serial.text, other.path, other.found.text});
}

void ReservationAgent::Rules::reservation_changed(Drive& drive, const ReservationChange& change) {
    const Reservation before = drive.record.reservation;
    // Whatever else names the holder, or a reservation that nobody has been asked about.
    if (change.evidence != HolderEvidence::host_asserted) {
        stop_asking(drive.record.drive, inquiries_.drop(drive.record.drive));
    }
    drive.record.evidence = change.evidence;
    changed(drive);
    if (before == change.reservation) return;  // better evidence for the same
    drive.record.reservation = change.reservation;
    drive.record.since = change.since;

    const std::string& serial = drive.record.drive.text;
    if (change.reservation.state == ReservationState::free) {
        log(Message::drive_released, {drive.record.drive, {}, {}}, {serial});
    } else {
        const auto message = before.state == ReservationState::reserved
                                 ? Message::reservation_changed
                                 : Message::drive_reserved;
        const DomainName domain = holder_domain_of(change.reservation, configuration_.domains);
        log(message, {drive.record.drive, {}, {}},
            {serial, holders_in_words(change.reservation, domain), to_text(change.evidence)});
    }
    if (drive.shared) tell_or_hold_back(drive);
}

// Sharing rule "unknown holder": test/unit/core/reservation_agent_holders_test.cpp,
// test/scenario/unknown_holder.txt, oracle invariant "foreign use" (which excuses the policy
// `alarm`).
void ReservationAgent::Rules::tell_or_hold_back(Drive& drive) {
    const DriveSerial& serial = drive.record.drive;
    if (holder_is_unknown(drive.record.reservation)) {
        const bool policy_waits = usable(drive);
        if (!ask_about_holder(drive, policy_waits) || !policy_waits) {
            apply_unknown_holder_policy(drive);
        }
        return;
    }
    if (alarms_.clear({AlarmKind::holder_unknown, serial, {}}, effects_)) {
        log(Message::holder_known, {serial, {}, {}}, {serial.text});
    }
    if (may_be_told(drive)) {
        tell_all(drive, usable(drive) ? Occasion::change : Occasion::forced_offline);
    }
}

void ReservationAgent::Rules::apply_unknown_holder_policy(Drive& drive) {
    using enum SharingConfiguration::UnknownHolder;
    const DriveSerial& serial = drive.record.drive;
    std::string consequence = configuration_.unknown_holder == alarm ? "the agents are not told"
                              : configuration_.unknown_holder == notify
                                  ? "every agent is told to keep off"
                                  : "the drive is forced offline";
    const HolderConclusion conclusion = inquiries_.conclusion_of(serial);
    if (conclusion.kind == HolderConclusion::Kind::contradiction) {
        consequence += "; " + std::to_string(conclusion.agents.size()) +
                       " agents of different domains say that it is theirs";
    }
    if (const std::string best = best_candidate_in_words(drive.search); !best.empty()) {
        consequence += "; pointed at: " + best;
    }
    log(Message::holder_unknown, {serial, {}, {}}, {serial.text, consequence});
    raise({AlarmKind::holder_unknown, serial, {}}, Message::holder_unknown,
          {serial.text, consequence});
    const bool out_of_service = usable(drive) || drive.protection == ProtectionState::lifting;
    if (configuration_.unknown_holder == force_offline && out_of_service) {
        protect(drive, ProtectionEvent::holder_unknown,
                "it is reserved and nobody can say by whom");
        return;
    }
    if (may_be_told(drive)) {
        tell_all(drive, usable(drive) ? Occasion::change : Occasion::forced_offline);
    }
}

void ReservationAgent::Rules::handle(const OfflineForced& input) {
    Drive* drive = find_drive(input.drive);
    if (drive == nullptr) return;
    protect(*drive,
            input.failure ? ProtectionEvent::actuator_failed : ProtectionEvent::actuator_succeeded,
            input.failure.value_or(""));
}

void ReservationAgent::Rules::handle(const OfflineLifted& input) {
    Drive* drive = find_drive(input.drive);
    if (drive == nullptr) return;
    protect(*drive, input.failure ? ProtectionEvent::lift_failed : ProtectionEvent::lift_succeeded,
            input.failure.value_or(""));
}

void ReservationAgent::Rules::handle(const AdministratorForcedOffline& input) {
    Drive* drive = find_drive(input.drive);
    if (drive == nullptr) return;
    log(Message::administrator_forced, {input.drive, {}, {}},
        {input.drive.text, input.actor, input.reason});
    protect(*drive, ProtectionEvent::administrator_forced,
            input.actor + " asked for it: " + input.reason);
}

void ReservationAgent::Rules::handle(const AdministratorCleared& input) {
    Drive* drive = find_drive(input.drive);
    if (drive == nullptr) return;
    log(Message::administrator_cleared, {input.drive, {}, {}},
        {input.drive.text, input.actor, input.reason});
    bool numbered = false;
    for (const DebtKey& key : handshake_.of_drive(input.drive)) {
        Agent& agent = *find_agent(key.agent);
        if (is_being_told(agent.record.state) && !may_be_told(*drive)) {
            // Nothing to tell it now, and it may not count as started untold: let it confirm what
            // it was told.
            handshake_.excuse(key);
            changed(key);
            continue;
        }
        waive(key, DebtEvent::administrator_cleared, "the administrator answers for it");
        // Nobody waits for it, and yet an agent that lives has to learn the state: told afresh,
        // excused. A lost one is told when it returns.
        if (agent.record.state == AgentState::lost || !may_be_told(*drive)) continue;
        if (!std::exchange(numbered, true)) renumber(*drive);
        tell(*drive, agent, Reception::asked, DebtEvent::agent_resynchronized);
    }
    protect(*drive, ProtectionEvent::administrator_cleared, input.reason);
}

// Rules of protection_table.hpp. Tests: protection_table_test.cpp; scenarios forced_offline.txt,
// actuator.txt; oracle invariants "stays offline", "no reason to force".
void ReservationAgent::Rules::protect(Drive& drive, ProtectionEvent event,
                                      const std::string& words) {
    const ProtectionRow& row = row_of(protection_table, drive.protection, event);
    drive.protection = row.to;
    perform(drive, row.action, words);
}

void ReservationAgent::Rules::perform(Drive& drive, ProtectionAction action,
                                      const std::string& words) {
    const DriveSerial& serial = drive.record.drive;
    const AlarmKey offline_alarm{AlarmKind::drive_forced_offline, serial, {}};
    const AlarmKey unprotected_alarm{AlarmKind::drive_unprotected, serial, {}};
    if (action != ProtectionAction::nothing) drive.actuator_retry_at.reset();
    switch (action) {
        case ProtectionAction::nothing:
            break;
        case ProtectionAction::force:
            force(drive, words);
            break;
        case ProtectionAction::force_again:
            effects_.act_at_once(ForceDriveOffline{serial, drive.record.offline_reason});
            break;
        case ProtectionAction::confirm:
            drive.record.operational_state = OperationalState::forced_offline;
            changed(drive);
            log(Message::drive_is_offline, {serial, {}, {}}, {serial.text});
            alarms_.clear(unprotected_alarm, effects_);
            break;
        case ProtectionAction::fail:
            drive.actuator_retry_at = now_.monotonic + configuration_.actuator_retry;
            // Said once, not at each of the endless attempts.
            if (drive.record.operational_state != OperationalState::unprotected) {
                drive.record.operational_state = OperationalState::unprotected;
                changed(drive);
                log(Message::drive_unprotected, {serial, {}, {}}, {serial.text, words});
            }
            raise(unprotected_alarm, Message::drive_unprotected, {serial.text, words});
            break;
        case ProtectionAction::lift:
            effects_.act(LiftDriveOffline{serial});
            break;
        case ProtectionAction::release:
            drive.record.operational_state = OperationalState::online;
            drive.record.offline_reason.clear();
            changed(drive);
            log(Message::drive_online, {serial, {}, {}}, {serial.text});
            alarms_.clear(offline_alarm, effects_);
            alarms_.clear(unprotected_alarm, effects_);
            if (drive.shared) tell_all(drive, Occasion::cleared);
            break;
        case ProtectionAction::report_lift:
            log(Message::lift_failed, {serial, {}, {}}, {serial.text, words});
            if (drive.record.operational_state == OperationalState::online) {
                // Put offline by a late command, and now it can not be undone: say so.
                force(drive, "it could not be brought back: " + words);
                break;
            }
            effects_.act_at_once(ForceDriveOffline{serial, drive.record.offline_reason});
            break;
        case ProtectionAction::impossible:
            AGENT_ASSERT(false && "an event that can not come in this state of protection");
    }
}

void ReservationAgent::Rules::force(Drive& drive, const std::string& reason) {
    const DriveSerial& serial = drive.record.drive;
    drive.record.operational_state = OperationalState::forced_offline;
    drive.record.offline_reason = reason;
    changed(drive);
    log(Message::drive_forced_offline, {serial, {}, {}}, {serial.text, reason, serial.text});
    effects_.act_at_once(ForceDriveOffline{serial, reason});
    raise({AlarmKind::drive_forced_offline, serial, {}}, Message::drive_forced_offline,
          {serial.text, reason, serial.text});
    if (drive.shared) tell_all(drive, Occasion::forced_offline);
}

}  // namespace agent::core
