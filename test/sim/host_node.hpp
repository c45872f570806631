#pragma once

// A simulated backup host: the process of a drive sharing agent with real rules and a disk, and the
// backup application whose commands it runs.

#include <optional>

#include "agent/core/drive_sharing_agent.hpp"
#include "test/sim/disk.hpp"
#include "test/sim/network.hpp"
#include "test/sim/oracle.hpp"
#include "test/sim/trace.hpp"

namespace sim {

// What the backup application shows for one drive.
struct ApplicationDrive {
    agent::core::ApplicationDriveState state = agent::core::ApplicationDriveState::online;
    std::int64_t drained_at_ms = 0;  // while draining
    bool by_operator = false;        // taken offline by hand
    bool by_hand = false;            // set by hand, either way, since the agent's last command
};

class HostNode {
  public:
    HostNode(const Plan& plan, std::size_t number, Bug bug, Timeline& timeline, Random& random,
             Trace& trace, Oracle& oracle, Network& network);

    void start();
    void input(const agent::core::DriveSharingAgentInput& input);
    void crash(std::int64_t down_ms);
    void reboot(
        std::int64_t down_ms);  // the application begins anew with what the operator left online
    void stop_cleanly(std::int64_t down_ms);
    void crashes_no_more() { may_crash_ = false; }
    // "Tell me everything": a new life without a new process.
    void reconcile();
    // The configuration is read again; kept over restarts, as in a file.
    void reload(bool observe_only);
    [[nodiscard]] bool observes_only() const { return host_.observe_only; }
    void application_fails(bool fails) { application_fails_ = fails; }
    void operator_asks_agent(const agent::core::DriveSerial& drive, bool offline);
    void operator_sets(const agent::core::DriveSerial& drive,
                       bool offline);  // in the application itself

    // Whether a port of this host holds a drive, as its open files would show.
    void sees(std::function<bool(const agent::core::DriveSerial&)> holds) {
        holds_ = std::move(holds);
    }

    [[nodiscard]] bool up() const { return rules_.has_value(); }
    [[nodiscard]] bool application_works() const { return !application_fails_; }
    [[nodiscard]] std::int64_t undisturbed_since_ms() const { return undisturbed_since_ms_; }
    [[nodiscard]] const ApplicationDrive& application(const agent::core::DriveSerial& drive) const {
        return application_.at(drive);
    }
    [[nodiscard]] agent::core::ApplicationDriveState state_of(
        const agent::core::DriveSerial& drive);
    [[nodiscard]] std::uint64_t incarnation() const { return disk_.tables().incarnation; }
    [[nodiscard]] bool ledger_is_empty() const { return disk_.tables().ledger.empty(); }

  private:
    void end_process(std::int64_t down_ms);
    bool receive(const PeerName& from, const Message& message);
    void answer(const agent::core::HolderInquiry& inquiry);
    void run(const agent::core::DriveSharingAgentEffects& effects);
    void carry_out(const agent::core::DriveSharingAgentEffect& effect);
    void run_command(const agent::core::RunApplication& command);
    void command_ended(const agent::core::RunApplication& command, std::uint64_t life);
    bool execute(const agent::core::RunApplication& command);
    bool change(const agent::core::RunApplication& command, bool by_operator);
    void cut_off(const agent::core::RunApplication& command);
    void takes_effect_late(const agent::core::RunApplication& command, std::int64_t after_ms);
    void cut_off_takes_effect(std::uint64_t number);
    void settle_cut_off();
    void send_presence(const agent::core::AgentPresence& presence, bool stopping);
    void note_operator(const agent::core::DriveSharingAgentEffect& record);
    bool asked_by_operator(const agent::core::DriveSerial& drive,
                           const agent::core::DriveSharingAgentEffects& effects);
    bool crash_strikes();
    void sleep_until_next_wakeup();
    [[nodiscard]] agent::core::Now now() const;

    const Plan& plan_;
    std::size_t number_;
    agent::core::HostConfiguration host_;
    [[nodiscard]] agent::core::HostConfiguration told_to_rules() const;
    void says_to_observe(const agent::core::Confirmation& confirmation);
    std::set<agent::core::NoticeId> only_observed_;
    Bug bug_;
    Timeline& timeline_;
    Random& random_;
    Trace& trace_;
    Oracle& oracle_;
    Network& network_;
    std::function<bool(const agent::core::DriveSerial&)> holds_;
    HostDisk disk_;
    std::map<agent::core::DriveSerial, ApplicationDrive> application_;
    std::map<agent::core::DriveSerial, agent::core::ApplicationDriveState> assumed_;  // planted bug
    std::vector<agent::core::RunApplication> running_;
    std::set<agent::core::DriveSerial> operator_wishes_;    // given to the agent, not yet begun
    std::set<agent::core::DriveSerial> operator_commands_;  // begun for an operator, running
    struct CutOff {
        agent::core::RunApplication command;
        bool by_operator = false;
    };
    std::map<std::uint64_t, CutOff> cut_off_;  // still on their way
    std::uint64_t cuts_ = 0;
    Random cut_chance_;  // apart, so that worlds without them are what they were before
    std::optional<agent::core::DriveSharingAgent> rules_;
    std::uint64_t life_ = 0;
    std::int64_t down_ms_ = 0;
    std::int64_t undisturbed_since_ms_ = 0;
    std::optional<agent::core::Instant> wakeup_;
    bool may_crash_ = true;
    bool application_fails_ = false;
};

}  // namespace sim
