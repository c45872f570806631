#pragma once

// The composition behind reservation_agent.hpp. Its bodies stand in files of their own: what drives
// do (reservation_agent_drives.cpp), what agents say (reservation_agent_agents.cpp), notices,
// confirmations and timeouts (reservation_agent_notices.cpp), who holds a drive that does not say
// (reservation_agent_holders.cpp), what else is wrong with a drive
// (reservation_agent_concerns.cpp), and the controller's own fence (reservation_agent_fence.cpp).

#include <initializer_list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/alarm_book.hpp"
#include "agent/core/broadcaster.hpp"
#include "agent/core/drive_concerns.hpp"
#include "agent/core/handshake.hpp"
#include "agent/core/holder_inquiry.hpp"
#include "agent/core/message_catalogue.hpp"
#include "agent/core/protection_table.hpp"
#include "agent/core/reservation_agent.hpp"
#include "agent/core/reservation_tracker.hpp"
#include "agent/core/step_effects.hpp"

namespace agent::core {

class ReservationAgent::Rules {
  public:
    Rules(SharingConfiguration configuration, ReservationAgentState state, std::uint64_t epoch);

    ReservationAgentEffects start(Now now);
    ReservationAgentEffects take_over(const std::vector<DriveSerial>& to_be_seen, Now now);
    void begin();
    ReservationAgentEffects step(const ReservationAgentInput& input, Now now);
    ReservationAgentEffects hear(const ReservationAgentInput& input, Now now);
    ReservationAgentEffects reconfigure(SharingConfiguration configuration, Now now);
    [[nodiscard]] std::optional<Instant> next_wakeup() const;

    [[nodiscard]] std::vector<DriveView> drives() const;
    [[nodiscard]] std::vector<AgentView> agents() const;
    [[nodiscard]] std::vector<HandshakeView> handshakes(Instant now) const;
    [[nodiscard]] std::vector<Alarm> active_alarms() const { return alarms_.active(); }

  private:
    struct Drive {
        DriveRecord record;
        bool shared = true;
        bool unreachable = false;
        std::string unreachable_why;
        ReservationTracker tracker;
        ProtectionState protection = ProtectionState::online;
        std::optional<Instant> actuator_retry_at;
        std::optional<Notice> newest;  // as given out by this process
        DriveConcerns concerns;
        std::optional<Instant> concerns_at;  // when they change by time alone
        bool fenced = false;  // by a reservation of the controller, when forced offline
        bool fence_stands = false;
        std::uint32_t fence_losses = 0;  // in a row
        std::optional<Instant> fence_lost_at;
        HolderSearch search;  // of the newest look
        // Since this controller has taken over: that it is free may be old news, and nobody is told
        // so before it was looked at.
        bool to_be_seen = false;
    };
    struct Agent {
        AgentRecord record;
        DomainName domain;
        std::optional<WallTime> last_seen;
        std::optional<HostContact::State> contact;  // since this process started
    };

    // Drives that the configuration does not list.
    void set_aside(DriveRecord record);
    void leave_behind(const Drive& drive);
    void take_back_what_was_set_aside();
    [[nodiscard]] bool is_set_aside(const DriveSerial& serial) const;

    // What drives do.
    void handle(const DriveObserved& input);
    void handle(const DriveUnreachable& input);
    void path_changed(Drive& drive, const DriveUnreachable::OtherDrive& other);
    void handle(const OfflineForced& input);
    void handle(const OfflineLifted& input);
    void handle(const AdministratorForcedOffline& input);
    void handle(const AdministratorCleared& input);
    void reservation_changed(Drive& drive, const ReservationChange& change);
    void tell_or_hold_back(Drive& drive);
    void protect(Drive& drive, ProtectionEvent event, const std::string& words);
    void perform(Drive& drive, ProtectionAction action, const std::string& words);
    void force(Drive& drive, const std::string& reason);

    void apply_unknown_holder_policy(Drive& drive);

    // Who holds a drive that does not say.
    void handle(const HolderStated& input);
    [[nodiscard]] HolderStatement believed(HolderStatement statement, const Agent& agent);
    [[nodiscard]] bool needs_a_statement(const Drive& drive) const;
    bool ask_about_holder(Drive& drive, bool policy_waits);
    void stop_asking(const DriveSerial& drive, const std::vector<AgentName>& agents);
    void conclude(Drive& drive);
    void take_conclusion(Drive& drive, const HolderConclusion& conclusion, bool policy_waited);
    void withdraw_if_denied(Drive& drive);
    void withdraw(Drive& drive, const std::string& why);
    void ask_what_restart_left_open();
    void ask_again_soon();
    void run_inquiries(Instant now);
    void reconfigure_inquiries();

    // Fences.
    [[nodiscard]] static DriveObserved as_hosts_count(const DriveObserved& seen);
    void look_at_fence(Drive& drive, const DriveObserved& seen);
    void fence_left_behind(Drive& drive);
    void fence_lost(Drive& drive, const DriveObserved& seen);
    void handle(const ReleaseReported& input);
    void handle(const HostContact& input);
    void handle(const MessagesRefused& input);
    void handle(const PairReported& input);

    // What is wrong with a drive besides.
    void handle(const DriveExamined& input);
    void judge_concerns();
    void stop_judging_concerns();
    void tell_concern(const DriveSerial& serial, const ConcernVerdict& verdict);
    [[nodiscard]] ConcernTimes concern_times() const {
        return {configuration_.stale_after, configuration_.mixed_within};
    }

    // What agents say about themselves.
    void handle(const AgentStarted& input);
    void handle(const AgentStopping& input);
    void handle(const AdministratorRetiredAgent& input);
    void handle(const AdministratorReconciledAgent& input);
    void handle(const ControllerTookOver& input);
    // How many drives it is told of.
    std::size_t resynchronize(Agent& agent, const std::optional<DriveSerial>& already_confirmed,
                              Reception where_reserved = Reception::asked);
    void tell_that_it_is_free_after_all(Drive& drive);
    void note_start(const Agent& agent, std::size_t told);
    void note_told_anew(const Agent& agent, std::size_t told, const std::string& why);
    void become_lost(Agent& agent, const std::string& why);
    void owe_nothing(Agent& agent, const std::string& why);
    void promote_agents_in_step();

    // Notices, confirmations, timeouts.
    void handle(const NoticeConfirmed& input);
    void handle(const NoticeReceived& input);
    void handle(const TimePassed&) {}
    void tell_all(Drive& drive, Occasion occasion);
    void tell(Drive& drive, Agent& agent, Reception reception, DebtEvent event);
    void note_confirmation(const Confirmation& confirmation, const DebtKey& key, DebtAction action);
    void debt_ended(const DebtKey& key);
    void waive(const DebtKey& key, DebtEvent event, std::string_view why);
    void timed_out(const DebtKey& key, DebtEvent event);
    void run_timers();
    void ask_again_after_restart(const std::vector<DebtRecord>& debts);

    [[nodiscard]] Notice current_notice(const Drive& drive) const;
    void renumber(Drive& drive);
    [[nodiscard]] bool may_be_told(const Drive& drive) const;
    [[nodiscard]] bool usable(const Drive& drive) const {
        return drive.protection == ProtectionState::online;
    }
    [[nodiscard]] TrackerTimes tracker_times() const;
    [[nodiscard]] Drive* find_drive(const DriveSerial& serial);
    [[nodiscard]] Agent* find_agent(const AgentName& name);

    void adopt_drives(const SharingConfiguration& configuration,
                      const std::vector<DriveRecord>& known);
    void adopt_agents(const SharingConfiguration& configuration,
                      const std::vector<AgentRecord>& known);
    void forget_what_is_not_configured(const SharingConfiguration& configuration);
    void clear_alarms_about_nothing();

    struct About {
        DriveSerial drive;
        AgentName agent;
        std::optional<NoticeId> notice;
    };
    void log(Message message, const About& about,
             std::initializer_list<std::string_view> arguments);
    void raise(AlarmKey key, Message message, std::initializer_list<std::string_view> arguments);
    void changed(const Drive& drive) { changed_drives_.insert(drive.record.drive); }
    void changed(const Agent& agent) { changed_agents_.insert(agent.record.agent); }
    void changed(const DebtKey& key) { changed_debts_.insert(key); }
    ReservationAgentEffects finish();

    SharingConfiguration configuration_;
    std::map<DriveSerial, Drive> drives_;
    std::vector<DriveRecord> set_aside_;  // not configured any more, and not online
    std::map<AgentName, Agent> agents_;
    std::vector<DebtRecord> debts_of_earlier_life_;  // until start()
    Handshake handshake_;
    HolderInquiries inquiries_;
    NoticeNumbers numbers_;
    AlarmBook alarms_;

    // Of the step that is running. What changed is recorded once, as it is at the end of the step.
    Now now_;
    StepEffects<ReservationAgentEffect> effects_;
    std::set<DriveSerial> changed_drives_;
    std::set<DriveSerial> concerns_to_judge_;
    bool concerns_are_judged_ = true;  // by an earlier life, perhaps
    std::set<AgentName> changed_agents_;
    std::set<DebtKey> changed_debts_;
    std::set<AgentName>
        perhaps_in_step_;  // starting agents that may have confirmed their last drive
};

}  // namespace agent::core
