#include "agent/core/reservation_agent.hpp"

#include <algorithm>
#include <utility>

#include "agent/core/reservation_agent_rules.hpp"
#include "agent/core/sharing_resolver.hpp"

namespace agent::core {
namespace {

// A clock with a period of nothing would never let the process sleep.
SharingConfiguration with_sane_times(SharingConfiguration configuration) {
    configuration.handshake_timeout = std::max(configuration.handshake_timeout, Duration{1});
    configuration.actuator_retry = std::max(configuration.actuator_retry, Duration{1});
    configuration.holder_inquiry_repeat =
        std::max(configuration.holder_inquiry_repeat, Duration{1});
    return configuration;
}

HandshakeTimes times_of(const SharingConfiguration& configuration) {
    return {configuration.handshake_timeout, configuration.handshake_retries};
}

}  // namespace

ReservationAgent::Rules::Rules(SharingConfiguration configuration, ReservationAgentState state,
                               std::uint64_t epoch)
    : configuration_(with_sane_times(std::move(configuration))),
      debts_of_earlier_life_(std::move(state.debts)),
      handshake_(times_of(configuration_)),
      numbers_(epoch),
      alarms_(state.active_alarms) {
    inquiries_.set_times({configuration_.holder_inquiry, configuration_.holder_inquiry_repeat});
    adopt_drives(configuration_, state.drives);
    adopt_agents(configuration_, state.agents);
    for (DriveRecord& record : state.drives) {
        if (find_drive(record.drive) == nullptr) set_aside(std::move(record));
    }
}

// A drive that is forced offline stays so while the configuration does not list it: it still
// answers every host with its permanent error, and only a clear may end that.
void ReservationAgent::Rules::set_aside(DriveRecord record) {
    if (record.operational_state == OperationalState::online) return;
    std::erase_if(set_aside_,
                  [&record](const DriveRecord& other) { return other.drive == record.drive; });
    set_aside_.push_back(std::move(record));
}

void ReservationAgent::Rules::take_back_what_was_set_aside() {
    for (const DriveRecord& record : std::exchange(set_aside_, {})) {
        Drive* drive = find_drive(record.drive);
        if (drive == nullptr) {
            set_aside_.push_back(record);
            continue;
        }
        log(Message::forced_offline_remembered, {record.drive, {}, {}}, {record.drive.text});
        protect(*drive, ProtectionEvent::controller_restarted, "");
        changed_drives_.insert(record.drive);
    }
}

void ReservationAgent::Rules::adopt_drives(const SharingConfiguration& configuration,
                                           const std::vector<DriveRecord>& known) {
    for (const auto& described : configuration.drives) {
        const auto present = drives_.find(described.serial);
        if (present != drives_.end()) {
            present->second.shared = described.shared;
            present->second.fenced = described.fenced;
            continue;
        }
        Drive drive;
        drive.record.drive = described.serial;
        drive.shared = described.shared;
        drive.fenced = described.fenced;
        for (const auto& record : known) {
            if (record.drive == described.serial) drive.record = record;
        }
        drive.tracker = ReservationTracker(drive.record.reservation, drive.record.evidence);
        if (drive.record.operational_state == OperationalState::forced_offline) {
            drive.protection = ProtectionState::forced_offline;
        } else if (drive.record.operational_state == OperationalState::unprotected) {
            drive.protection = ProtectionState::unprotected;
        }
        drives_.emplace(described.serial, std::move(drive));
    }
}

void ReservationAgent::Rules::adopt_agents(const SharingConfiguration& configuration,
                                           const std::vector<AgentRecord>& known) {
    for (const auto& described : configuration.agents) {
        Agent& agent = agents_[described.name];
        agent.domain = described.domain;
        if (!agent.record.agent.empty()) continue;
        agent.record.agent = described.name;
        for (const auto& record : known) {
            if (record.agent == described.name) agent.record = record;
        }
    }
}

ReservationAgentEffects ReservationAgent::Rules::start(Now now) {
    now_ = now;
    begin();
    for (const auto& [name, agent] : agents_)
        perhaps_in_step_.insert(name);
    return finish();
}

ReservationAgentEffects ReservationAgent::Rules::take_over(
    const std::vector<DriveSerial>& to_be_seen, Now now) {
    now_ = now;
    for (const auto& serial : to_be_seen) {
        if (Drive* drive = find_drive(serial)) drive->to_be_seen = true;
    }
    begin();
    return finish();
}

void ReservationAgent::Rules::begin() {
    for (auto& [serial, drive] : drives_) {
        if (!usable(drive)) {
            log(Message::forced_again_after_restart, {serial, {}, {}}, {serial.text});
        }
        protect(drive, ProtectionEvent::controller_restarted, "");
    }
    ask_again_after_restart(std::exchange(debts_of_earlier_life_, {}));
    for (const DriveRecord& record : set_aside_) {
        log(Message::forced_offline_left_behind, {record.drive, {}, {}},
            {record.drive.text, record.drive.text});
    }
    clear_alarms_about_nothing();
    ask_what_restart_left_open();
}

bool ReservationAgent::Rules::is_set_aside(const DriveSerial& serial) const {
    return std::any_of(set_aside_.begin(), set_aside_.end(),
                       [&serial](const DriveRecord& record) { return record.drive == serial; });
}

// Alarms of what is no longer configured, and of debts that the configuration has ended. A drive
// that was left behind forced offline keeps its alarm: its hosts still get the error.
void ReservationAgent::Rules::clear_alarms_about_nothing() {
    for (const Alarm& alarm : alarms_.active()) {
        const AlarmKey& key = alarm.key;
        const bool is_about_protection =
            key.kind == AlarmKind::drive_forced_offline || key.kind == AlarmKind::drive_unprotected;
        const bool drive_is_gone = !key.drive.text.empty() && find_drive(key.drive) == nullptr &&
                                   !(is_about_protection && is_set_aside(key.drive));
        // A node that only watches has no agents, and is told of those that vote.
        const bool agent_is_gone = !key.agent.empty() && find_agent(key.agent) == nullptr &&
                                   key.kind != AlarmKind::pair_voter_missing &&
                                   key.kind != AlarmKind::pair_promise_short;
        const bool debt_is_gone = key.kind == AlarmKind::handshake_incomplete &&
                                  handshake_.find({key.drive, key.agent}) == nullptr;
        if (drive_is_gone || agent_is_gone || debt_is_gone) alarms_.clear(key, effects_);
    }
}

ReservationAgentEffects ReservationAgent::Rules::step(const ReservationAgentInput& input, Now now) {
    now_ = now;
    std::visit([this](const auto& alternative) { handle(alternative); }, input);
    run_timers();
    return finish();
}

ReservationAgentEffects ReservationAgent::Rules::hear(const ReservationAgentInput& input, Now now) {
    now_ = now;
    std::visit([this](const auto& alternative) { handle(alternative); }, input);
    return finish();
}

void ReservationAgent::Rules::leave_behind(const Drive& drive) {
    const DriveSerial& serial = drive.record.drive;
    if (!usable(drive)) {
        log(Message::forced_offline_left_behind, {serial, {}, {}}, {serial.text, serial.text});
    }
    set_aside(drive.record);
}

void ReservationAgent::Rules::forget_what_is_not_configured(
    const SharingConfiguration& configuration) {
    for (const DebtKey& key : [this] {
             std::vector<DebtKey> keys;
             for (const auto& [debt, ignored] : handshake_.debts()) {
                 keys.push_back(debt);
             }
             return keys;
         }()) {
        const bool agent_stays =
            std::any_of(configuration.agents.begin(), configuration.agents.end(),
                        [&key](const auto& agent) { return agent.name == key.agent; });
        const bool drive_stays = std::any_of(
            configuration.drives.begin(), configuration.drives.end(),
            [&key](const auto& drive) { return drive.shared && drive.serial == key.drive; });
        if (!agent_stays || !drive_stays) {
            waive(key, DebtEvent::agent_excused, "the configuration has changed");
        }
    }
    std::erase_if(agents_, [&configuration](const auto& entry) {
        return std::none_of(configuration.agents.begin(), configuration.agents.end(),
                            [&entry](const auto& agent) { return agent.name == entry.first; });
    });
    std::erase_if(drives_, [this, &configuration](const auto& entry) {
        const bool stays =
            std::any_of(configuration.drives.begin(), configuration.drives.end(),
                        [&entry](const auto& drive) { return drive.serial == entry.first; });
        if (!stays) leave_behind(entry.second);
        return !stays;
    });
}

ReservationAgentEffects ReservationAgent::Rules::reconfigure(SharingConfiguration configuration,
                                                             Now now) {
    now_ = now;
    configuration = with_sane_times(std::move(configuration));
    forget_what_is_not_configured(configuration);
    std::set<DriveSerial> shared_before;
    for (const auto& [serial, drive] : drives_) {
        if (drive.shared) shared_before.insert(serial);
    }
    adopt_drives(configuration, set_aside_);
    adopt_agents(configuration, {});
    const SharingConfiguration before = std::exchange(configuration_, std::move(configuration));
    handshake_.set_times(times_of(configuration_));
    take_back_what_was_set_aside();
    reconfigure_inquiries();

    for (auto& [serial, drive] : drives_) {
        if (!drive.shared) {
            alarms_.clear({AlarmKind::holder_unknown, serial, {}}, effects_);
            continue;
        }
        if (drive.record.reservation.state == ReservationState::unknown) continue;
        const Reservation& reservation = drive.record.reservation;
        const bool told_otherwise = !shared_before.contains(serial) ||
                                    holder_domain_of(reservation, before.domains) !=
                                        holder_domain_of(reservation, configuration_.domains) ||
                                    (holder_is_unknown(reservation) &&
                                     before.unknown_holder != configuration_.unknown_holder);
        if (told_otherwise) tell_or_hold_back(drive);
    }
    if (configuration_.on_missing == SharingConfiguration::OnMissing::force_offline) {
        for (const auto& [key, debt] : handshake_.debts()) {
            if (debt.state != DebtState::overdue || debt.excused) continue;
            protect(*find_drive(key.drive), ProtectionEvent::agent_overdue,
                    "agent " + key.agent + " has not confirmed");
        }
    }
    clear_alarms_about_nothing();
    run_timers();
    return finish();
}

std::optional<Instant> ReservationAgent::Rules::next_wakeup() const {
    std::optional<Instant> earliest = handshake_.next_wakeup();
    if (const auto at = inquiries_.next_wakeup(); at && (!earliest || *at < *earliest)) {
        earliest = at;
    }
    const auto consider = [&earliest](const std::optional<Instant>& at) {
        if (at && (!earliest || *at < *earliest)) earliest = at;
    };
    for (const auto& [serial, drive] : drives_) {
        consider(drive.tracker.next_wakeup(tracker_times()));
        consider(drive.actuator_retry_at);
        consider(drive.concerns_at);
    }
    return earliest;
}

ReservationAgentEffects ReservationAgent::Rules::finish() {
    promote_agents_in_step();
    judge_concerns();
    ReservationAgentEffects all;
    for (const auto& serial : changed_drives_) {
        if (const Drive* drive = find_drive(serial)) all.push_back(RecordDrive{drive->record});
    }
    for (const auto& name : changed_agents_) {
        if (const Agent* agent = find_agent(name)) all.push_back(RecordAgent{agent->record});
    }
    for (const auto& key : changed_debts_) {
        all.push_back(RecordDebt{handshake_.record_of(key)});
    }
    changed_drives_.clear();
    changed_agents_.clear();
    changed_debts_.clear();
    ReservationAgentEffects rest = effects_.take();
    all.insert(all.end(), std::make_move_iterator(rest.begin()),
               std::make_move_iterator(rest.end()));
    return all;
}

TrackerTimes ReservationAgent::Rules::tracker_times() const {
    return {configuration_.debounce, configuration_.release_hold_down};
}

ReservationAgent::Rules::Drive* ReservationAgent::Rules::find_drive(const DriveSerial& serial) {
    const auto known = drives_.find(serial);
    return known == drives_.end() ? nullptr : &known->second;
}

ReservationAgent::Rules::Agent* ReservationAgent::Rules::find_agent(const AgentName& name) {
    const auto known = agents_.find(name);
    return known == agents_.end() ? nullptr : &known->second;
}

void ReservationAgent::Rules::log(Message message, const About& about,
                                  std::initializer_list<std::string_view> arguments) {
    effects_.record(
        RecordEvent{{now_.wall, description_of(message).severity, identifier_of(message),
                     about.drive, about.agent, about.notice, text_of(message, arguments)}});
}

void ReservationAgent::Rules::raise(AlarmKey key, Message message,
                                    std::initializer_list<std::string_view> arguments) {
    if (alarms_.is_active(key)) return;
    alarms_.raise(
        {std::move(key), description_of(message).severity, now_.wall, text_of(message, arguments)},
        effects_);
}

std::vector<DriveView> ReservationAgent::Rules::drives() const {
    std::vector<DriveView> views;
    for (const auto& [serial, drive] : drives_) {
        DriveView view{drive.record,
                       drive.shared,
                       drive.unreachable,
                       drive.unreachable_why,
                       holder_domain_of(drive.record.reservation, configuration_.domains),
                       drive.search};
        inquiries_.describe(serial, view.search);
        view.fence_stands = drive.fence_stands;
        views.push_back(std::move(view));
    }
    return views;
}

std::vector<AgentView> ReservationAgent::Rules::agents() const {
    std::vector<AgentView> views;
    for (const auto& [name, agent] : agents_) {
        views.push_back({agent.record, agent.domain, agent.last_seen});
    }
    return views;
}

std::vector<HandshakeView> ReservationAgent::Rules::handshakes(Instant now) const {
    std::vector<HandshakeView> views;
    for (const auto& [key, debt] : handshake_.debts()) {
        views.push_back({key.drive, key.agent, debt.unconfirmed.back().id,
                         debt.unconfirmed.front().id, now - debt.unconfirmed.front().told_at,
                         debt.attempts, debt.received, debt.last_answer});
    }
    return views;
}

ReservationAgent::ReservationAgent(SharingConfiguration configuration, ReservationAgentState state,
                                   std::uint64_t epoch)
    : rules_(std::make_unique<Rules>(std::move(configuration), std::move(state), epoch)) {}
ReservationAgent::~ReservationAgent() = default;
ReservationAgent::ReservationAgent(ReservationAgent&&) noexcept = default;
ReservationAgent& ReservationAgent::operator=(ReservationAgent&&) noexcept = default;

ReservationAgentEffects ReservationAgent::start(Now now) {
    return rules_->start(now);
}
ReservationAgentEffects ReservationAgent::take_over(const std::vector<DriveSerial>& to_be_seen,
                                                    Now now) {
    return rules_->take_over(to_be_seen, now);
}
ReservationAgentEffects ReservationAgent::step(const ReservationAgentInput& input, Now now) {
    return rules_->step(input, now);
}
ReservationAgentEffects ReservationAgent::hear(const ReservationAgentInput& input, Now now) {
    return rules_->hear(input, now);
}
std::optional<Instant> ReservationAgent::next_wakeup() const {
    return rules_->next_wakeup();
}
ReservationAgentEffects ReservationAgent::reconfigure(SharingConfiguration configuration, Now now) {
    return rules_->reconfigure(std::move(configuration), now);
}
std::vector<DriveView> ReservationAgent::drives() const {
    return rules_->drives();
}
std::vector<AgentView> ReservationAgent::agents() const {
    return rules_->agents();
}
std::vector<HandshakeView> ReservationAgent::handshakes(Instant now) const {
    return rules_->handshakes(now);
}
std::vector<Alarm> ReservationAgent::active_alarms() const {
    return rules_->active_alarms();
}

}  // namespace agent::core
