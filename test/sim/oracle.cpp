#include "test/sim/oracle.hpp"

#include <algorithm>

namespace sim {

using namespace agent::core;

namespace {

// Audits come ten times a second, and a wake-up may wait for the millisecond to end.
constexpr std::int64_t slack_ms = 250;
constexpr std::int64_t extensions_max = 3;

std::string words(const DriveSerial& drive, const AgentName& agent) {
    return "drive " + drive.text + ", agent " + agent;
}

bool settling(ConfirmationResult result) {
    return result != ConfirmationResult::failed && result != ConfirmationResult::draining;
}

}  // namespace

Oracle::Oracle(const Plan& plan) : plan_(plan) {
    for (const auto& drive : plan.sharing.drives) {
        drives_[drive.serial];
    }
}

void Oracle::fail(std::int64_t now, const std::string& invariant, const std::string& what) {
    if (failure_) return;
    failure_ = "at " + std::to_string(now) + " ms: " + invariant + ": " + what;
}

std::int64_t Oracle::budget_ms() const {
    return plan_.sharing.handshake_timeout.ms *
           (static_cast<std::int64_t>(plan_.sharing.handshake_retries) + 1);
}

bool Oracle::foreign(std::size_t host, const Reservation& reservation) const {
    if (reservation.state != ReservationState::reserved) return false;
    const auto& here = plan_.hosts[host];
    for (const auto& holder : reservation.holders) {
        for (const auto& other : plan_.hosts) {
            if (other.ports.front().name != holder.name) continue;
            if (other.agent == here.agent) return false;
            if (!here.domain.empty() && other.domain == here.domain) return false;
        }
    }
    return true;
}

// ---- the controller
// -------------------------------------------------------------------------------------------------

void Oracle::controller_started(std::int64_t now, const ControllerTables& on_disk, bool replaces) {
    to_be_seen_.clear();
    for (const auto& [serial, drive] : drives_) {
        if (replaces) to_be_seen_.insert(serial);
    }
    recorded_free_.clear();
    for (const auto& [serial, drive] : on_disk.drives) {
        if (drive.reservation.state == ReservationState::free) recorded_free_.insert(serial);
    }
    if (!epochs_.insert(on_disk.epoch).second) {
        fail(now, "a notice is used once",
             "epoch " + std::to_string(on_disk.epoch) + " begins twice");
    }
    for (auto& [serial, drive] : drives_) {
        drive.administrator_cleared = false;  // a word that led to nothing before the crash
    }
    controller_up_ = true;
    clearing_.reset();
    owed_.clear();  // clocks begin anew
    being_told_.clear();
    excused_before_.clear();
    for (const auto& [pair, debt] : on_disk.debts) {
        if (debt.excused) excused_before_.insert(pair);
    }
    exposures_.clear();
}

bool Oracle::told_anew(const AgentName& name) {
    Agent& agent = agents_[name];
    if (!is_being_told(agent.claimed) && !owes_confirmations(agent.claimed)) return false;
    agent.told_since_start.clear();
    agent.confirmed_since_start.clear();
    return true;
}

void Oracle::input_delivered(std::int64_t now, const ReservationAgentInput& input) {
    clearing_.reset();
    taking_over_.reset();
    free_as_before_.reset();
    being_told_.clear();
    excused_before_.clear();
    if (const auto* seen = std::get_if<DriveObserved>(&input);
        seen != nullptr && to_be_seen_.erase(seen->drive) != 0 &&
        seen->reservation.state == ReservationState::free && recorded_free_.contains(seen->drive)) {
        free_as_before_ = seen->drive;
    }
    if (const auto* confirmed = std::get_if<NoticeConfirmed>(&input)) {
        delivered(now, confirmed->confirmation);
    } else if (const auto* stopping = std::get_if<AgentStopping>(&input)) {
        Agent& agent = agents_[stopping->presence.agent];
        if (stopping->presence.incarnation < agent.incarnation) return;
        agent.incarnation = stopping->presence.incarnation;
        agent.said_stopping = true;
        std::erase_if(owed_, [&](const auto& entry) {
            return entry.first.second == stopping->presence.agent;
        });
    } else if (const auto* started = std::get_if<AgentStarted>(&input)) {
        Agent& agent = agents_[started->presence.agent];
        if (started->presence.incarnation <= agent.incarnation) return;
        agent.incarnation = started->presence.incarnation;
        agent.said_stopping = false;
        agent.told_since_start.clear();
        agent.confirmed_since_start.clear();
    } else if (const auto* reconciled = std::get_if<AdministratorReconciledAgent>(&input)) {
        static_cast<void>(told_anew(reconciled->agent));
    } else if (const auto* replaced = std::get_if<ControllerTookOver>(&input)) {
        if (told_anew(replaced->agent)) taking_over_ = replaced->agent;
    } else if (const auto* stated = std::get_if<HolderStated>(&input)) {
        Drive& drive = drives_[stated->statement.drive];
        const bool counts = stated->statement.id == drive.newest_question &&
                            stated->statement.answer == HolderAnswer::mine;
        for (const auto& port : stated->statement.ports) {
            if (counts) drive.said_mine.insert(port.name);
        }
    } else if (const auto* forced = std::get_if<OfflineForced>(&input)) {
        Drive& drive = drives_[forced->drive];
        if (!forced->failure && drive.force_ordered && !drive.administrator_cleared) {
            drive.known_to_refuse = true;
        }
    } else if (const auto* wish = std::get_if<AdministratorForcedOffline>(&input)) {
        drives_[wish->drive].administrator_wants_offline = true;
    } else if (const auto* cleared = std::get_if<AdministratorCleared>(&input)) {
        Drive& drive = drives_[cleared->drive];
        drive.administrator_cleared = true;
        clearing_ = cleared->drive;
        std::erase_if(exposures_,
                      [&](const auto& entry) { return entry.first.second == cleared->drive; });
        drive.administrator_wants_offline = false;
        std::erase_if(owed_,
                      [&](const auto& entry) { return entry.first.first == cleared->drive; });
    }
}

// A holder that is known by a host's word has said so, in answer to the newest question.
void Oracle::holder_recorded(std::int64_t now, const DriveRecord& record) {
    Drive& drive = drives_[record.drive];
    if (record.evidence != HolderEvidence::host_asserted) {
        drive.named.clear();
        return;
    }
    for (const auto& port : record.reservation.holders) {
        if (drive.said_mine.contains(port.name) || drive.named.contains(port.name)) continue;
        fail(now, "named by a statement", "drive " + record.drive.text + " by " + port.name);
    }
    drive.named.clear();
    for (const auto& port : record.reservation.holders)
        drive.named.insert(port.name);
}

void Oracle::delivered(std::int64_t now, const Confirmation& confirmation) {
    Agent& agent = agents_[confirmation.agent];
    if (settling(confirmation.result)) {
        NoticeId& newest = agent.newest_confirmed[confirmation.drive];
        newest = std::max(newest, confirmation.id);
    }
    const auto told = agent.told_since_start.find(confirmation.drive);
    if (settling(confirmation.result) && told != agent.told_since_start.end() &&
        confirmation.id >= told->second) {
        agent.confirmed_since_start.insert(confirmation.drive);
    }
    const auto entry = owed_.find({confirmation.drive, confirmation.agent});
    if (entry == owed_.end()) return;
    Owed& owed = entry->second;
    if (confirmation.id < owed.notices.front().first) return;
    if (confirmation.result == ConfirmationResult::draining) {
        if (owed.extensions == extensions_max) return;
        ++owed.extensions;
        owed.clock = now;
    }
    if (!settling(confirmation.result)) return;
    std::erase_if(owed.notices,
                  [&](const auto& notice) { return notice.first <= confirmation.id; });
    if (owed.notices.empty()) {
        owed_.erase(entry);
        return;
    }
    owed.clock = std::max(owed.clock, owed.notices.front().second);
    owed.extensions = 0;
}

void Oracle::effect_done(std::int64_t now, const ReservationAgentEffect& effect,
                         const ControllerTables& on_disk) {
    if (const auto* sent = std::get_if<SendNotice>(&effect)) {
        notice_sent(now, *sent, on_disk);
    } else if (const auto* agent = std::get_if<RecordAgent>(&effect)) {
        agent_recorded(now, agent->record, on_disk);
    } else if (const auto* ask = std::get_if<AskHolder>(&effect)) {
        Drive& drive = drives_[ask->inquiry.drive];
        if (ask->inquiry.id != drive.newest_question) drive.said_mine.clear();
        drive.newest_question = ask->inquiry.id;
    } else if (const auto* force = std::get_if<ForceDriveOffline>(&effect)) {
        force_ordered(now, force->drive, on_disk);
    } else if (const auto* lift = std::get_if<LiftDriveOffline>(&effect)) {
        Drive& drive = drives_[lift->drive];
        if (!drive.administrator_cleared) {
            fail(now, "stays offline",
                 "drive " + lift->drive.text + " is lifted without an administrator");
        }
        drive.known_to_refuse = false;
    } else if (const auto* record = std::get_if<RecordDrive>(&effect)) {
        holder_recorded(now, record->record);
        Drive& drive = drives_[record->record.drive];
        const bool online = record->record.operational_state == OperationalState::online;
        if (online && drive.force_ordered && !drive.administrator_cleared) {
            fail(now, "stays offline",
                 "drive " + record->record.drive.text +
                     " is recorded online without an administrator");
        }
        if (!online && !drive.force_ordered) decided_to_force(now, record->record);
        if (online && drive.force_ordered) drive.told_at_clear = record->record.newest_notice;
        if (online) {
            drive.force_ordered = false;
            drive.administrator_cleared = false;
        }
    }
}

void Oracle::notice_sent(std::int64_t now, const SendNotice& sent,
                         const ControllerTables& on_disk) {
    const Notice& notice = sent.notice;
    const auto [known, fresh] = said_.emplace(notice.id, notice);
    if (!fresh && !(known->second == notice)) {
        fail(now, "a notice is used once", words(notice.drive, sent.agent) + ": two contents");
    }
    const auto recorded = on_disk.drives.find(notice.drive);
    if (recorded == on_disk.drives.end() || !recorded->second.newest_notice ||
        *recorded->second.newest_notice < notice.id) {
        fail(now, "records before sends", words(notice.drive, sent.agent));
    }
    Drive& drive = drives_[notice.drive];
    if (drive.newest < notice.id) {
        drive.newest = notice.id;
        drive.told = notice.reservation;
    }
    Agent& agent = agents_[sent.agent];
    agent.told_since_start.emplace(notice.drive, notice.id);

    // A retry repeats what is owed. What is told about a drive that refuses everyone endangers
    // nobody.
    if (sent.attempt > 1 || notice.operational_state != OperationalState::online) return;
    // The administrator has answered for those who are lost: told, and not waited for.
    if (agent.claimed == AgentState::lost && drive.told_at_clear == notice.id) return;
    const auto [entry, first] = owed_.try_emplace({notice.drive, sent.agent});
    Owed& owed = entry->second;
    // What is told in the step of a clear is told to whom the administrator has answered for.
    // Not so what a controller that takes over tells of drives that are reserved.
    const bool counts_at_once =
        taking_over_ == sent.agent && notice.reservation.state == ReservationState::reserved;
    const bool excused = agent.claimed == AgentState::starting || clearing_ == notice.drive ||
                         free_as_before_ == notice.drive ||
                         (being_told_.contains(sent.agent) && !counts_at_once) ||
                         excused_before_.contains({notice.drive, sent.agent});
    if (first || (owed.excused && !excused)) {
        owed = Owed{};
        owed.clock = now;
        owed.excused = excused;
        owed.counts =
            owes_confirmations(agent.claimed) && agent.claimed != AgentState::lost && !excused;
    }
    owed.notices.emplace_back(notice.id, now);
}

void Oracle::agent_recorded(std::int64_t now, const AgentRecord& record,
                            const ControllerTables& on_disk) {
    Agent& agent = agents_[record.agent];
    const AgentState before = agent.claimed;
    agent.claimed = record.state;
    if (record.state == AgentState::stopped && !agent.said_stopping) {
        fail(now, "stopped owes nothing", record.agent + " never said stopping");
    }
    if (record.state == AgentState::started && before == AgentState::lost) {
        // Back in one step: only when there was nothing to tell that it had not confirmed.
        for (const auto& [serial, drive] : on_disk.drives) {
            const bool nothing_to_tell = drive.reservation.state == ReservationState::unknown ||
                                         (drive.reservation.state == ReservationState::reserved &&
                                          drive.reservation.holders.empty());
            if (!nothing_to_tell && agent.newest_confirmed[serial] < drives_[serial].newest) {
                fail(now, "told before started", words(serial, record.agent) + " returns untold");
            }
        }
    } else if (record.state == AgentState::started && before != AgentState::started) {
        for (const auto& [drive, id] : agent.told_since_start) {
            if (!agent.confirmed_since_start.contains(drive)) {
                fail(now, "told before started", words(drive, record.agent) + " has not confirmed");
            }
        }
    }
    if (is_being_told(record.state)) being_told_.insert(record.agent);
    if (record.state == AgentState::starting && before != AgentState::never_seen &&
        before != AgentState::stopped && before != AgentState::starting) {
        fail(now, "once in step, always owing", record.agent + " is excused by starting again");
    }
    if (is_being_told(record.state) && before == AgentState::lost) {
        // What was overdue has had its consequence and begins anew; what was not runs on.
        std::erase_if(owed_, [&](const auto& entry) {
            return entry.first.second == record.agent && now - entry.second.clock >= budget_ms();
        });
        agent.told_since_start.clear();
        agent.confirmed_since_start.clear();
    }
    if (record.state == AgentState::lost) {
        // It is told of changes from here on, and owes them; what was excused until now is void.
        std::erase_if(owed_, [&](const auto& entry) {
            return entry.first.second == record.agent && entry.second.excused;
        });
        for (auto& [key, owed] : owed_) {
            if (key.second == record.agent) owed.counts = false;
        }
    }
}

void Oracle::force_ordered(std::int64_t now, const DriveSerial& serial,
                           const ControllerTables& on_disk) {
    Drive& drive = drives_[serial];
    const auto recorded = on_disk.drives.find(serial);
    if (recorded == on_disk.drives.end() ||
        recorded->second.operational_state == OperationalState::online) {
        fail(now, "records before sends", "drive " + serial.text + " is forced and not recorded");
    }
    if (!drive.force_ordered) fail(now, "records before sends", "drive " + serial.text);
}

// The decision counts from its record on: a crash may come before the order.
void Oracle::decided_to_force(std::int64_t now, const DriveRecord& record) {
    const DriveSerial& serial = record.drive;
    Drive& drive = drives_[serial];
    drive.force_ordered = true;
    drive.administrator_cleared = false;
    bool reason = drive.administrator_wants_offline;
    for (const auto& [key, owed] : owed_) {
        const bool spent = key.first == serial && now - owed.clock >= budget_ms();
        if (spent && plan_.sharing.on_missing == SharingConfiguration::OnMissing::force_offline) {
            reason = true;
        }
    }
    const bool unknown_holder =
        plan_.sharing.unknown_holder == SharingConfiguration::UnknownHolder::force_offline &&
        record.reservation.state == ReservationState::reserved &&
        record.reservation.holders.empty();
    if (!reason && !unknown_holder) {
        fail(now, "no reason to force", "drive " + serial.text);
    }
}

// ---- the hosts
// ------------------------------------------------------------------------------------------------------

void Oracle::host_process_began(std::size_t host) {
    for (auto& [key, drive] : host_drives_) {
        if (key.first == host) drive.confirmed = {};
    }
}

void Oracle::host_process_ended(std::size_t host) {
    for (auto& [key, drive] : host_drives_) {
        if (key.first == host) drive.operator_command = false;
    }
}

void Oracle::operator_command_follows(std::size_t host, const DriveSerial& drive) {
    host_drives_[{host, drive}].operator_command = true;
}

void Oracle::host_effect_done(std::int64_t now, std::size_t host,
                              const DriveSharingAgentEffect& effect, const HostTables& on_disk,
                              ApplicationDriveState application) {
    if (const auto* sent = std::get_if<SendConfirmation>(&effect)) {
        confirmation_sent(now, host, sent->confirmation, on_disk, application);
    } else if (const auto* run = std::get_if<RunApplication>(&effect)) {
        command_ordered(now, host, *run, on_disk);
    } else if (const auto* entry = std::get_if<RecordLedgerEntry>(&effect)) {
        // An intent on disk counts as taken: whether the command ran before a crash nobody can
        // tell.
        host_drives_[{host, entry->entry.drive}].claimed_by_agent = entry->present;
    }
}

void Oracle::confirmation_sent(std::int64_t now, std::size_t host, const Confirmation& confirmation,
                               const HostTables& on_disk, ApplicationDriveState application) {
    if (confirmation.result == ConfirmationResult::not_connected) return;
    const std::string where = words(confirmation.drive, confirmation.agent);
    const auto mark = on_disk.marks.find({confirmation.controller, confirmation.drive});
    if (mark == on_disk.marks.end() || mark->second.id < confirmation.id) {
        fail(now, "records before sends", where + ": a confirmation");
    }
    HostDrive& here = host_drives_[{host, confirmation.drive}];
    const bool repeat = confirmation.id <= here.confirmed;
    if (repeat || !settling(confirmation.result)) return;
    here.confirmed = confirmation.id;
    const bool says_offline = confirmation.result == ConfirmationResult::set_offline ||
                              confirmation.result == ConfirmationResult::already_offline;
    const bool says_online = confirmation.result == ConfirmationResult::set_online ||
                             confirmation.result == ConfirmationResult::already_online;
    if ((says_offline && application != ApplicationDriveState::offline) ||
        (says_online && application != ApplicationDriveState::online)) {
        fail(now, "confirmed means processed",
             where + " says " + std::string(to_text(confirmation.result)) + " and is " +
                 std::string(to_text(application)));
    }
    // What a notice of a foreign holder is answered by.
    const auto notice = said_.find(confirmation.id);
    if (notice == said_.end()) return;
    if (confirmation.result == ConfirmationResult::observed_only) return;
    const bool keep_off = notice->second.operational_state != OperationalState::online ||
                          foreign(host, notice->second.reservation);
    if (keep_off && application != ApplicationDriveState::offline) {
        fail(now, "foreign use", where + " confirms a foreign reservation and is not offline");
    }
}

void Oracle::command_ordered(std::int64_t now, std::size_t host, const RunApplication& run,
                             const HostTables& on_disk) {
    if (run.action == ApplicationAction::query) return;
    HostDrive& here = host_drives_[{host, run.drive}];
    if (here.operator_command) {
        here.operator_command = false;
        return;
    }
    const std::string where = words(run.drive, plan_.hosts[host].agent);
    if (run.action == ApplicationAction::set_offline) {
        if (!on_disk.ledger.contains(run.drive)) {
            fail(now, "records before sends", where + ": taken offline without a ledger entry");
        }
        here.claimed_by_agent = true;
    } else if (!here.claimed_by_agent) {
        fail(now, "online only what was ours", where);
    }
}

// ---- looking around
// -------------------------------------------------------------------------------------------------

void Oracle::audit(std::int64_t now, const std::vector<Sight>& sights) {
    audit_debts(now);
    for (const auto& sight : sights) {
        const Drive& drive = drives_[sight.drive];
        if (drive.known_to_refuse && !sight.refuses) {
            fail(now, "stays offline", "drive " + sight.drive.text + " can be used");
        }
        audit_use(now, sight);
    }
}

// No drive stays online beyond the budget of an agent that owes.
void Oracle::audit_debts(std::int64_t now) {
    if (!controller_up_) return;
    if (plan_.sharing.on_missing != SharingConfiguration::OnMissing::force_offline) return;
    for (const auto& [key, owed] : owed_) {
        if (!owed.counts || drives_[key.first].force_ordered) continue;
        if (now - owed.clock > budget_ms() + slack_ms) {
            fail(now, "overdue",
                 words(key.first, key.second) + " owes and the drive is not forced");
        }
    }
}

// From end to end: a host whose agent is in order may not go on showing a drive that somebody else
// holds.
void Oracle::audit_use(std::int64_t now, const Sight& sight) {
    const Drive& drive = drives_[sight.drive];
    const bool held_back =
        plan_.sharing.unknown_holder == SharingConfiguration::UnknownHolder::alarm &&
        sight.truth.kind != ReservationKind::persistent && sight.evidence_lost;
    const std::int64_t bound =
        4 * plan_.poll_ms + plan_.sharing.debounce.ms + plan_.sharing.release_hold_down.ms + 2'000 +
        (extensions_max + 1) * budget_ms() + slack_ms + plan_.sharing.holder_inquiry.ms;
    for (std::size_t host = 0; host < plan_.hosts.size(); ++host) {
        Exposure& exposure = exposures_[{host, sight.drive}];
        const auto agent = agents_.find(plan_.hosts[host].agent);
        const bool in_order = agent != agents_.end() &&
                              agent->second.claimed == AgentState::started &&
                              agent->second.incarnation == sight.incarnation[host];
        const bool exposed = controller_up_ && sight.application_online[host] && in_order &&
                             sight.undisturbed[host] && foreign(host, sight.truth) &&
                             !sight.silent && !sight.evidence_lost && !held_back &&
                             !drive.force_ordered && !sight.refuses;
        const bool alarm_only =
            plan_.sharing.on_missing != SharingConfiguration::OnMissing::force_offline;
        if (!exposed || alarm_only || exposure.changes != sight.changes) {
            exposure = {exposed ? now : -1, sight.changes};
            continue;
        }
        if (exposure.since < 0) exposure.since = now;
        if (now - exposure.since > bound) {
            fail(now, "foreign use",
                 words(sight.drive, plan_.hosts[host].agent) +
                     " shows a drive online that somebody else holds");
        }
    }
}

}  // namespace sim
