#pragma once

// A library reservation agent in a test: real rules, a store that adds up the records, and two laws
// that are checked at every single step: records come first, and the next wake-up lies in the
// future.

#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include "agent/core/drive_sharing_agent_io.hpp"
#include "agent/core/reservation_agent.hpp"
#include "test/support/catch.hpp"

namespace core_test {

using namespace agent::core;

inline InitiatorPort fc(const std::string& name) {
    return {Transport::fc, name, {}, {}};
}
inline const InitiatorPort port_a = fc("2100000e1e09a1b0");
inline const InitiatorPort port_b = fc("2100000e1e09a1b1");
inline const InitiatorPort port_c = fc("2100000e1e09a1b2");
inline const DriveSerial drive_1{"VT00000001"};
inline const DriveSerial drive_2{"VT00000002"};

inline Reservation free_drive() {
    return {ReservationState::free, ReservationKind::none, {}, {}};
}
inline Reservation reserved_by(const InitiatorPort& port,
                               ReservationKind kind = ReservationKind::reserve6) {
    return {ReservationState::reserved, kind, {}, {port}};
}
inline Reservation reserved_by_nobody_knows_whom() {
    return {ReservationState::reserved, ReservationKind::legacy, {}, {}};
}
inline Reservation persistent(const InitiatorPort& port, std::uint8_t type, std::uint64_t key) {
    return {ReservationState::reserved,
            ReservationKind::persistent,
            PersistentReservation{type, key},
            {port}};
}

// Two shared drives; agents alpha (domain payroll, port a), beta and gamma.
inline SharingConfiguration two_drives_three_agents() {
    SharingConfiguration configuration;
    configuration.controller = "library-1";
    configuration.drives = {{drive_1, true}, {drive_2, true}};
    configuration.agents = {{"alpha", "payroll"}, {"beta", "archive"}, {"gamma", ""}};
    configuration.domains = {{"payroll", {port_a}}, {"archive", {port_b}}};
    return configuration;
}

template <typename Wanted, typename Effect>
std::vector<Wanted> all(const std::vector<Effect>& effects) {
    std::vector<Wanted> found;
    for (const auto& effect : effects) {
        if (const auto* wanted = std::get_if<Wanted>(&effect)) found.push_back(*wanted);
    }
    return found;
}

template <typename T>
inline constexpr bool is_record_type =
    std::is_same_v<T, RecordDrive> || std::is_same_v<T, RecordAgent> ||
    std::is_same_v<T, RecordDebt> || std::is_same_v<T, RecordEvent> ||
    std::is_same_v<T, RecordAlarm> || std::is_same_v<T, RecordLedgerEntry> ||
    std::is_same_v<T, RecordNoticeMark> || std::is_same_v<T, RecordOnlineCommand> ||
    std::is_same_v<T, RecordAgentEvent>;

// Of either kind of agent.
template <typename Effect>
bool is_record(const Effect& effect) {
    return std::visit(
        [](const auto& alternative) {
            return is_record_type<std::remove_cvref_t<decltype(alternative)>>;
        },
        effect);
}

template <typename Effects>
void require_records_first(const Effects& effects) {
    bool acting = false;
    for (const auto& effect : effects) {
        if (is_record(effect)) {
            REQUIRE_FALSE(acting);
        } else {
            acting = true;
        }
    }
}

class Controller {
  public:
    explicit Controller(SharingConfiguration configuration = two_drives_three_agents())
        : configuration_(std::move(configuration)) {
        restart();
    }

    ReservationAgentEffects operator()(const ReservationAgentInput& input) {
        return checked(agent_->step(input, now()));
    }
    // Lets time pass, waking the rules exactly when they asked for it.
    ReservationAgentEffects pass(std::int64_t ms) {
        const std::int64_t end = ms_ + ms;
        ReservationAgentEffects all_effects;
        while (agent_->next_wakeup() && agent_->next_wakeup()->ms <= end) {
            ms_ = agent_->next_wakeup()->ms;
            for (auto& effect : checked(agent_->step(TimePassed{}, now()))) {
                all_effects.push_back(effect);
            }
        }
        ms_ = end;
        return all_effects;
    }
    // kill -9 and a new process: only what was recorded is left.
    ReservationAgentEffects restart() {
        agent_.emplace(configuration_, stored(), ++epoch_);
        return checked(agent_->start(now()));
    }
    // Another controller serves from now on: it has watched, so it knows the drives, and who was
    // there when it last served, but not who owes what.
    ReservationAgentEffects replaced(const std::vector<DriveSerial>& to_be_seen = {}) {
        debts_.clear();
        agent_.emplace(configuration_, stored(), ++epoch_);
        return checked(agent_->take_over(to_be_seen, now()));
    }
    ReservationAgentEffects reconfigure(const SharingConfiguration& configuration) {
        configuration_ = configuration;
        return checked(agent_->reconfigure(configuration, now()));
    }

    ReservationAgentEffects see(const DriveSerial& drive, const Reservation& reservation,
                                HolderEvidence evidence = HolderEvidence::drive_event,
                                DriveObserved::Source source = DriveObserved::Source::drive_event) {
        return (*this)(DriveObserved{drive, reservation, evidence, source});
    }
    ReservationAgentEffects confirm(const SendNotice& sent,
                                    ConfirmationResult result = ConfirmationResult::set_offline) {
        return (*this)(NoticeConfirmed{
            {sent.notice.id, sent.notice.controller, sent.agent, sent.notice.drive, result, {}}});
    }
    void confirm_all(const ReservationAgentEffects& effects) {
        for (const auto& sent : all<SendNotice>(effects)) {
            confirm(sent);
        }
    }
    // The agent starts and confirms everything it is told.
    void bring_up(const AgentName& name, std::uint64_t incarnation = 1) {
        confirm_all((*this)(AgentStarted{{configuration_.controller, name, incarnation}}));
        REQUIRE(agent(name).record.state == AgentState::started);
    }
    void bring_up_all() {
        for (const auto& described : configuration_.agents) {
            bring_up(described.name);
        }
    }

    [[nodiscard]] Now now() const { return {{ms_}, {1'700'000'000'000 + ms_}}; }
    [[nodiscard]] ReservationAgent& rules() { return *agent_; }
    [[nodiscard]] AgentView agent(const AgentName& name) const {
        for (const auto& view : agent_->agents()) {
            if (view.record.agent == name) return view;
        }
        return {};
    }
    [[nodiscard]] DriveView drive(const DriveSerial& serial) const {
        for (const auto& view : agent_->drives()) {
            if (view.record.drive == serial) return view;
        }
        return {};
    }
    [[nodiscard]] bool alarm(AlarmKind kind) const {
        for (const auto& active : agent_->active_alarms()) {
            if (active.key.kind == kind) return true;
        }
        return false;
    }
    [[nodiscard]] bool has_event(const std::string& message) const {
        for (const auto& record : events) {
            if (record.message == message) return true;
        }
        return false;
    }
    [[nodiscard]] ReservationAgentState stored() const {
        ReservationAgentState state;
        for (const auto& [key, record] : drives_) {
            state.drives.push_back(record);
        }
        for (const auto& [key, record] : agents_) {
            state.agents.push_back(record);
        }
        for (const auto& [key, record] : debts_) {
            state.debts.push_back(record);
        }
        for (const auto& [key, record] : alarms_) {
            state.active_alarms.push_back(record);
        }
        return state;
    }

    std::vector<EventRecord> events;

  private:
    ReservationAgentEffects checked(ReservationAgentEffects effects) {
        require_records_first(effects);
        const auto wakeup = agent_->next_wakeup();
        REQUIRE((!wakeup || wakeup->ms > ms_));
        for (const auto& effect : effects) {
            if (const auto* drive = std::get_if<RecordDrive>(&effect)) {
                drives_[drive->record.drive] = drive->record;
            } else if (const auto* agent = std::get_if<RecordAgent>(&effect)) {
                agents_[agent->record.agent] = agent->record;
            } else if (const auto* debt = std::get_if<RecordDebt>(&effect)) {
                debts_[{debt->record.drive, debt->record.agent}] = debt->record;
            } else if (const auto* event = std::get_if<RecordEvent>(&effect)) {
                events.push_back(event->record);
            } else if (const auto* alarm = std::get_if<RecordAlarm>(&effect)) {
                alarms_.erase(alarm->alarm.key);
                if (alarm->active) alarms_.emplace(alarm->alarm.key, alarm->alarm);
            }
        }
        return effects;
    }

    SharingConfiguration configuration_;
    std::map<DriveSerial, DriveRecord> drives_;
    std::map<AgentName, AgentRecord> agents_;
    std::map<std::pair<DriveSerial, AgentName>, DebtRecord> debts_;
    std::map<AlarmKey, Alarm> alarms_;
    std::uint64_t epoch_ = 0;
    std::int64_t ms_ = 1'000;
    std::optional<ReservationAgent> agent_;
};

}  // namespace core_test
