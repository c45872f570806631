#pragma once

// Judges the simulated world by books of its own, kept from what crosses the wires, the disks and
// the drives. It knows the promises of docs/HANDSHAKE.md and nothing of how the rules keep them.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/core/drive_sharing_agent_io.hpp"
#include "agent/core/reservation_agent_io.hpp"
#include "test/sim/disk.hpp"
#include "test/sim/plan.hpp"

namespace sim {

class Oracle {
  public:
    explicit Oracle(const Plan& plan);

    // ---- seen at the controller
    // `replaces`: another one, which has looked at no drive since.
    void controller_started(std::int64_t now, const ControllerTables& on_disk, bool replaces);
    void controller_crashed() { controller_up_ = false; }
    void input_delivered(std::int64_t now, const agent::core::ReservationAgentInput& input);
    // Records when they are on disk for certain, other effects when they are carried out.
    void effect_done(std::int64_t now, const agent::core::ReservationAgentEffect& effect,
                     const ControllerTables& on_disk);

    // ---- seen at a host
    void host_effect_done(std::int64_t now, std::size_t host,
                          const agent::core::DriveSharingAgentEffect& effect,
                          const HostTables& on_disk,
                          agent::core::ApplicationDriveState application);
    void host_process_began(std::size_t host);
    void host_process_ended(std::size_t host);
    // The next command for this drive is one that an operator has asked the agent for.
    void operator_command_follows(std::size_t host, const agent::core::DriveSerial& drive);

    // ---- looking around
    struct Sight {
        agent::core::DriveSerial drive;
        agent::core::Reservation truth;
        std::uint64_t changes = 0;
        bool refuses = false;
        bool silent = false;
        bool evidence_lost = false;
        std::vector<bool> application_online;  // by host
        std::vector<bool> undisturbed;         // by host: its agent runs and its application works
        std::vector<std::uint64_t> incarnation;  // by host
    };
    void audit(std::int64_t now, const std::vector<Sight>& sights);

    void fail(std::int64_t now, const std::string& invariant, const std::string& what);
    [[nodiscard]] const std::optional<std::string>& failure() const { return failure_; }

  private:
    [[nodiscard]] bool told_anew(const agent::core::AgentName& name);
    // What an agent was told and has not confirmed.
    struct Owed {
        std::vector<std::pair<agent::core::NoticeId, std::int64_t>> notices;  // oldest first
        std::int64_t clock = 0;
        std::uint32_t extensions = 0;
        bool excused = false;  // told to bring the agent into step, or the administrator answered
        bool counts = false;   // the agent was in step once when the oldest of them was sent
    };
    struct Drive {
        bool force_ordered = false;    // and not cleared by an administrator since
        bool known_to_refuse = false;  // the actuator has said so, and nothing was lifted since
        bool administrator_wants_offline = false;
        bool administrator_cleared = false;  // since it was forced
        std::optional<agent::core::NoticeId> told_at_clear;
        agent::core::NoticeId newest;
        agent::core::Reservation told;
        agent::core::NoticeId newest_question;
        std::set<std::string> said_mine;  // ports, in answer to the newest question
        std::set<std::string> named;      // ports on record by a host's word
    };
    struct Agent {
        agent::core::AgentState claimed = agent::core::AgentState::never_seen;
        std::uint64_t incarnation = 0;
        bool said_stopping = false;
        std::map<agent::core::DriveSerial, agent::core::NoticeId> told_since_start;
        std::set<agent::core::DriveSerial> confirmed_since_start;
        std::map<agent::core::DriveSerial, agent::core::NoticeId> newest_confirmed;
    };
    struct HostDrive {
        bool claimed_by_agent = false;  // it ordered "offline" when it knew the drive online
        bool operator_command = false;
        agent::core::NoticeId confirmed;  // newest of this life
    };
    struct Exposure {
        std::int64_t since = -1;
        std::uint64_t changes = 0;
    };
    using Pair = std::pair<agent::core::DriveSerial, agent::core::AgentName>;

    void delivered(std::int64_t now, const agent::core::Confirmation& confirmation);
    void holder_recorded(std::int64_t now, const agent::core::DriveRecord& record);
    void notice_sent(std::int64_t now, const agent::core::SendNotice& sent,
                     const ControllerTables& on_disk);
    void agent_recorded(std::int64_t now, const agent::core::AgentRecord& record,
                        const ControllerTables& on_disk);
    void force_ordered(std::int64_t now, const agent::core::DriveSerial& drive,
                       const ControllerTables& on_disk);
    void decided_to_force(std::int64_t now, const agent::core::DriveRecord& record);
    void confirmation_sent(std::int64_t now, std::size_t host,
                           const agent::core::Confirmation& confirmation, const HostTables& on_disk,
                           agent::core::ApplicationDriveState application);
    void command_ordered(std::int64_t now, std::size_t host, const agent::core::RunApplication& run,
                         const HostTables& on_disk);
    void audit_debts(std::int64_t now);
    void audit_use(std::int64_t now, const Sight& sight);
    [[nodiscard]] bool foreign(std::size_t host, const agent::core::Reservation& reservation) const;
    [[nodiscard]] std::int64_t budget_ms() const;

    const Plan& plan_;
    std::optional<std::string> failure_;
    bool controller_up_ = false;
    std::optional<agent::core::DriveSerial> clearing_;   // by the input that is being worked on
    std::optional<agent::core::AgentName> taking_over_;  // asked by a new controller in this step
    std::set<agent::core::DriveSerial> to_be_seen_;      // by a new controller
    std::set<agent::core::DriveSerial> recorded_free_;   // when the controller started
    std::optional<agent::core::DriveSerial> free_as_before_;  // seen so for the first time
    std::map<agent::core::DriveSerial, Drive> drives_;
    std::map<agent::core::AgentName, Agent> agents_;
    std::map<Pair, Owed> owed_;
    std::set<agent::core::AgentName> being_told_;  // brought into step by this input
    std::set<Pair> excused_before_;                // as the controller found it at its start
    std::map<agent::core::NoticeId, agent::core::Notice> said_;
    std::set<std::uint64_t> epochs_;
    std::map<std::pair<std::size_t, agent::core::DriveSerial>, HostDrive> host_drives_;
    std::map<std::pair<std::size_t, agent::core::DriveSerial>, Exposure> exposures_;
};

}  // namespace sim
