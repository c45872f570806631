#include "agent/core/reservation_agent_rules.hpp"
#include "agent/core/sharing_resolver.hpp"

namespace agent::core {

Notice ReservationAgent::Rules::current_notice(const Drive& drive) const {
    Notice notice;
    notice.controller = configuration_.controller;
    notice.drive = drive.record.drive;
    notice.reservation = drive.record.reservation;
    notice.evidence = drive.record.evidence;
    notice.holder_domain = holder_domain_of(drive.record.reservation, configuration_.domains);
    // "unprotected" is the controller's trouble; to a host it means the same: keep off.
    notice.operational_state =
        usable(drive) ? OperationalState::online : OperationalState::forced_offline;
    return notice;
}

void ReservationAgent::Rules::renumber(Drive& drive) {
    drive.newest = current_notice(drive);
    drive.newest->id = numbers_.next();
    drive.record.newest_notice = drive.newest->id;
    changed(drive);
}

// A drive that nobody has looked at yet has no state to tell, and the policy `alarm` keeps a
// reservation by nobody knows whom from the agents: it could be the holder's own application that
// takes the drive offline.
bool ReservationAgent::Rules::may_be_told(const Drive& drive) const {
    if (!usable(drive)) return true;
    if (drive.record.reservation.state == ReservationState::unknown) return false;
    const HolderInquiries::Question* question = inquiries_.find(drive.record.drive);
    if (question != nullptr && question->policy_waits) return false;
    return !holder_is_unknown(drive.record.reservation) ||
           configuration_.unknown_holder != SharingConfiguration::UnknownHolder::alarm;
}

void ReservationAgent::Rules::tell(Drive& drive, Agent& agent, Reception reception,
                                   DebtEvent event) {
    const DebtKey key{drive.record.drive, agent.record.agent};
    if (reception != Reception::told) {
        handshake_.told(key, event, drive.newest->id, reception == Reception::asked, now_);
        changed(key);
    }
    effects_.act(SendNotice{agent.record.agent, *drive.newest, 1});
}

void ReservationAgent::Rules::tell_all(Drive& drive, Occasion occasion) {
    renumber(drive);
    std::size_t sent = 0;
    std::size_t owed = 0;
    for (auto& [name, agent] : agents_) {
        const Reception reception = reception_of(agent.record.state, occasion);
        if (reception == Reception::nothing) continue;
        tell(drive, agent, reception, DebtEvent::notice);
        ++sent;
        if (reception != Reception::told) ++owed;
    }
    if (sent == 0) return;
    log(Message::notice_sent, {drive.record.drive, {}, drive.newest->id},
        {drive.record.drive.text, to_text(drive.newest->id), std::to_string(sent),
         std::to_string(owed)});
}

void ReservationAgent::Rules::handle(const NoticeReceived& input) {
    Agent* agent = find_agent(input.agent);
    if (agent == nullptr) return;
    agent->last_seen = now_.wall;
    handshake_.received({input.drive, input.agent}, input.id);
}

// Confirmation rules. Tests: reservation_agent_handshake_test.cpp; scenarios confirmations.txt,
// flapping.txt, controller_restarts.txt; oracle invariants "confirmed means processed", "no reason
// to force".
void ReservationAgent::Rules::handle(const NoticeConfirmed& input) {
    const Confirmation& confirmation = input.confirmation;
    Drive* drive = find_drive(confirmation.drive);
    Agent* agent = find_agent(confirmation.agent);
    if (drive == nullptr || agent == nullptr ||
        confirmation.controller != configuration_.controller) {
        log(Message::peer_unknown, {confirmation.drive, confirmation.agent, {}},
            {confirmation.agent, confirmation.drive.text});
        return;
    }
    if (!drive->record.newest_notice || confirmation.id > *drive->record.newest_notice) {
        log(Message::confirmation_from_nowhere,
            {confirmation.drive, confirmation.agent, confirmation.id},
            {confirmation.drive.text, confirmation.agent, to_text(confirmation.id)});
        return;
    }
    agent->last_seen = now_.wall;
    const AgentState state = agent->record.state;
    if (state == AgentState::stopped || state == AgentState::never_seen) return;

    const DebtKey key{confirmation.drive, confirmation.agent};
    std::string words(to_text(confirmation.result));
    if (!confirmation.detail.empty()) words += ": " + confirmation.detail;
    const DebtAction action =
        handshake_.answered(key, confirmation.id, confirmation.result, words, now_);
    note_confirmation(confirmation, key, action);

    if (state == AgentState::lost) {
        // Alive after all. It must be told everything that it may have missed meanwhile.
        const bool current =
            settles(confirmation.result) && confirmation.id == *drive->record.newest_notice;
        note_start(*agent, resynchronize(
                               *agent, current ? std::optional(confirmation.drive) : std::nullopt));
    }
}

void ReservationAgent::Rules::note_confirmation(const Confirmation& confirmation,
                                                const DebtKey& key, DebtAction action) {
    const About about{key.drive, key.agent, confirmation.id};
    const std::string id = to_text(confirmation.id);
    std::string words(to_text(confirmation.result));
    if (!confirmation.detail.empty()) words += ": " + confirmation.detail;
    switch (action) {
        case DebtAction::settle:
            log(Message::notice_confirmed, about, {key.drive.text, key.agent, id, words});
            debt_ended(key);
            if (handshake_.of_drive(key.drive).empty()) {
                log(Message::drive_settled, {key.drive, {}, confirmation.id}, {key.drive.text, id});
            }
            break;
        case DebtAction::trim:
            changed(key);
            log(Message::notice_confirmed, about, {key.drive.text, key.agent, id, words});
            break;
        case DebtAction::restart_clock:
            log(Message::agent_draining, about, {key.drive.text, key.agent, words});
            break;
        case DebtAction::note_answer:
            log(confirmation.result == ConfirmationResult::draining ? Message::agent_draining
                                                                    : Message::agent_refused,
                about, {key.drive.text, key.agent, words});
            break;
        case DebtAction::nothing:
        case DebtAction::open:
        case DebtAction::append:
        case DebtAction::ask_again:
        case DebtAction::give_up:
        case DebtAction::drop:
        case DebtAction::impossible:
            break;
    }
}

void ReservationAgent::Rules::debt_ended(const DebtKey& key) {
    changed(key);
    effects_.act(StopSending{key.agent, key.drive});
    alarms_.clear({AlarmKind::handshake_incomplete, key.drive, key.agent}, effects_);
    perhaps_in_step_.insert(key.agent);
}

void ReservationAgent::Rules::waive(const DebtKey& key, DebtEvent event, std::string_view why) {
    if (handshake_.waive(key, event) != DebtAction::drop) return;
    log(Message::debt_waived, {key.drive, key.agent, {}}, {key.drive.text, key.agent, why});
    debt_ended(key);
}

// Timeout rules. Tests: reservation_agent_timeout_test.cpp; scenarios vanished_agent.txt,
// flapping.txt; oracle invariants "foreign use" (never later than the budget) and "no reason to
// force" (never earlier).
void ReservationAgent::Rules::timed_out(const DebtKey& key, DebtEvent event) {
    Drive* drive = find_drive(key.drive);
    Agent* agent = find_agent(key.agent);
    // Giving up one debt may have ended another one that was due in the same step.
    if (drive == nullptr || agent == nullptr || handshake_.find(key) == nullptr) return;
    const DebtAction action = handshake_.timed_out(key, event, now_.monotonic);
    const HandshakeTimes times{configuration_.handshake_timeout, configuration_.handshake_retries};
    const About about{key.drive, key.agent, drive->newest->id};
    const bool spent = action == DebtAction::give_up;
    const std::string waited = std::to_string((spent ? times.budget() : times.timeout).ms);
    const Message message = spent ? Message::budget_spent : Message::agent_asked_again;
    log(message, about, {key.drive.text, key.agent, waited});
    raise({AlarmKind::handshake_incomplete, key.drive, key.agent}, message,
          {key.drive.text, key.agent, waited});
    if (!spent) {
        effects_.act(SendNotice{key.agent, *drive->newest, handshake_.find(key)->attempts});
        return;
    }
    const bool force_it =
        !handshake_.find(key)->excused &&
        configuration_.on_missing == SharingConfiguration::OnMissing::force_offline;
    become_lost(*agent, "it did not confirm the state of drive " + key.drive.text);
    if (force_it) {
        protect(*drive, ProtectionEvent::agent_overdue,
                "agent " + key.agent + " did not confirm within " + waited + " ms");
    }
}

void ReservationAgent::Rules::run_timers() {
    const Instant now = now_.monotonic;
    for (auto& [serial, drive] : drives_) {
        if (const auto change = drive.tracker.time_passed(tracker_times(), now)) {
            reservation_changed(drive, *change);
        }
        if (drive.actuator_retry_at && *drive.actuator_retry_at <= now) {
            protect(drive, ProtectionEvent::actuator_retry_due, "");
        }
    }
    run_inquiries(now);
    for (const auto& [key, event] : handshake_.timeouts(now)) {
        timed_out(key, event);
    }
}

// Restart rules. Tests: reservation_agent_restart_test.cpp; scenario controller_restarts.txt;
// oracle invariants "stays offline" and "a notice is used once".
void ReservationAgent::Rules::ask_again_after_restart(const std::vector<DebtRecord>& debts) {
    std::map<DriveSerial, std::vector<const DebtRecord*>> owing;
    for (const auto& record : debts) {
        if (record.unconfirmed.empty()) continue;
        const Drive* drive = find_drive(record.drive);
        const Agent* agent = find_agent(record.agent);
        const bool waited_for =
            drive != nullptr && drive->shared && agent != nullptr &&
            reception_of(agent->record.state, Occasion::change) != Reception::nothing;
        if (waited_for) {
            owing[record.drive].push_back(&record);
        } else {
            changed(DebtKey{record.drive, record.agent});
        }
    }
    for (const auto& [serial, records] : owing) {
        Drive& drive = *find_drive(serial);
        renumber(drive);
        for (const DebtRecord* record : records) {
            Agent& agent = *find_agent(record->agent);
            const bool counts =
                usable(drive) && owes_confirmations(agent.record.state) && !record->excused;
            tell(drive, agent, counts ? Reception::answerable : Reception::asked,
                 DebtEvent::notice);
        }
        log(Message::asked_after_restart, {serial, {}, drive.newest->id},
            {serial.text, std::to_string(records.size())});
    }
}

}  // namespace agent::core
