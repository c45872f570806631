#pragma once

// A drive sharing agent in a test: real rules, a store that adds up the records, and an application
// that the test plays.

#include <optional>
#include <set>

#include "agent/core/drive_sharing_agent.hpp"
#include "test/unit/core/controller.hpp"

namespace core_test {

inline HostConfiguration host_beta() {
    HostConfiguration host;
    host.agent = "beta";
    host.domain = "archive";
    host.drives = {drive_1, drive_2};
    host.ports = {port_b};
    host.controllers = {"library-1"};
    host.observe_only = false;
    return host;
}

class Host {
  public:
    explicit Host(HostConfiguration configuration = host_beta())
        : configuration_(std::move(configuration)) {
        restart();
    }

    DriveSharingAgentEffects operator()(const DriveSharingAgentInput& input) {
        return checked(agent_->step(input, now()));
    }
    DriveSharingAgentEffects pass(std::int64_t ms) {
        const std::int64_t end = ms_ + ms;
        DriveSharingAgentEffects all_effects;
        while (agent_->next_wakeup() && agent_->next_wakeup()->ms <= end) {
            ms_ = agent_->next_wakeup()->ms;
            for (auto& effect : checked(agent_->step(AgentTimePassed{}, now()))) {
                all_effects.push_back(effect);
            }
        }
        ms_ = end;
        return all_effects;
    }
    DriveSharingAgentEffects restart() {
        DriveSharingAgentState state;
        for (const auto& [drive, entry] : ledger) {
            state.ledger.push_back(entry);
        }
        for (const auto& [key, mark] : marks) {
            state.marks.push_back(mark);
        }
        for (const auto& drive : online_may_come)
            state.unseen.push_back({drive, ApplicationAction::set_online, {20'000}});
        agent_.emplace(configuration_, state, ++incarnation_);
        return checked(agent_->start(now()));
    }
    DriveSharingAgentEffects reconfigure(const HostConfiguration& configuration) {
        configuration_ = configuration;
        return checked(agent_->reconfigure(configuration, now()));
    }

    // Notices of one controller, numbered as they are given.
    NoticeArrived notice(const DriveSerial& drive, const Reservation& reservation,
                         const DomainName& domain = {}) {
        Notice told;
        told.id = {epoch, ++sequence_};
        told.controller = "library-1";
        told.drive = drive;
        told.reservation = reservation;
        told.holder_domain = domain;
        return {told};
    }

    // Plays the application until no command runs any more. `application` is what it shows for
    // drive 1; commands change it unless `stubborn`.
    DriveSharingAgentEffects play(DriveSharingAgentEffects effects) {
        DriveSharingAgentEffects all_effects = effects;
        for (auto commands = all<RunApplication>(effects); !commands.empty();
             commands = all<RunApplication>(effects)) {
            REQUIRE(commands.size() == 1);
            const auto command = commands.front();
            ran.push_back(command.action);
            if (!stubborn && command.action == ApplicationAction::set_offline) {
                application = after_set_offline;
            }
            if (!stubborn && command.action == ApplicationAction::set_online) {
                application = ApplicationDriveState::online;
            }
            const bool query = command.action == ApplicationAction::query;
            effects = (*this)(ApplicationAnswered{
                command.drive, command.action, query ? query_works : !stubborn,
                query ? application : ApplicationDriveState::unknown,
                query ? (query_works ? "" : "no answer") : (stubborn ? "drive is in use" : "")});
            all_effects.insert(all_effects.end(), effects.begin(), effects.end());
        }
        return all_effects;
    }
    // The result that the agent confirms for this notice.
    std::optional<ConfirmationResult> result_of(const NoticeArrived& notice) {
        ran.clear();
        const auto sent = all<SendConfirmation>(play((*this)(notice)));
        if (sent.empty()) return std::nullopt;
        CHECK(sent.back().confirmation.id == notice.notice.id);
        return sent.back().confirmation.result;
    }

    [[nodiscard]] Now now() const { return {{ms_}, {1'700'000'000'000 + ms_}}; }
    [[nodiscard]] DriveSharingAgent& rules() { return *agent_; }

    ApplicationDriveState application = ApplicationDriveState::online;
    ApplicationDriveState after_set_offline = ApplicationDriveState::offline;
    bool stubborn = false;
    bool query_works = true;
    std::uint64_t epoch = 1;
    std::vector<ApplicationAction> ran;
    std::map<DriveSerial, LedgerEntry> ledger;
    std::map<std::pair<ControllerName, DriveSerial>, NoticeMark> marks;
    std::set<DriveSerial> online_may_come;

  private:
    DriveSharingAgentEffects checked(DriveSharingAgentEffects effects) {
        require_records_first(effects);
        const auto wakeup = agent_->next_wakeup();
        REQUIRE((!wakeup || wakeup->ms > ms_));
        for (const auto& effect : effects) {
            if (const auto* entry = std::get_if<RecordLedgerEntry>(&effect)) {
                ledger.erase(entry->entry.drive);
                if (entry->present) ledger.emplace(entry->entry.drive, entry->entry);
            } else if (const auto* mark = std::get_if<RecordNoticeMark>(&effect)) {
                marks[{mark->mark.controller, mark->mark.drive}] = mark->mark;
            } else if (const auto* online = std::get_if<RecordOnlineCommand>(&effect)) {
                online_may_come.erase(online->drive);
                if (online->may_come) online_may_come.insert(online->drive);
            }
        }
        return effects;
    }

    HostConfiguration configuration_;
    std::optional<DriveSharingAgent> agent_;
    std::uint64_t incarnation_ = 0;
    std::uint64_t sequence_ = 0;
    std::int64_t ms_ = 1'000;
};

}  // namespace core_test
