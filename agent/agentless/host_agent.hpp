#pragma once

// The drive sharing agent of one host that has none: the rules of every such agent, run by the
// controller, whose commands go over ssh and whose words go in memory.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <asio/steady_timer.hpp>

#include "agent/agentless/host_contact.hpp"
#include "agent/agentless/host_looks.hpp"
#include "agent/agentless/ledger_doors.hpp"
#include "agent/agentless/ssh_slots.hpp"
#include "agent/core/drive_sharing_agent.hpp"
#include "agent/core/holder_question.hpp"
#include "agent/core/message_catalogue.hpp"
#include "agent/dsad/composition.hpp"
#include "agent/host/call_trail.hpp"
#include "agent/host/command_application_runner.hpp"
#include "agent/runtime/agentless_configuration.hpp"
#include "agent/runtime/drive_sharing_agent_store.hpp"
#include "agent/runtime/effect_runner.hpp"
#include "snmp_mib/notice_channel.hpp"

namespace agent::agentless {

class HostAgent {
  public:
    // None is called before a function of this class that leads to it has returned.
    struct Announcements {
        std::function<void(const snmp_mib::AgentMessage&)> say;  // to the controller
        std::function<void(const core::HostContact&)> contact;
        std::function<void(const runtime::AdministratorAction&)> audit;  // what was done there
        std::function<void(const dsad::UnusedDrive&)> unused;  // found, and can not be used
        // Of a drive there, for operators: `words` of the message.
        std::function<void(core::Message, const core::DriveSerial&,
                           const std::vector<std::string>& words)>
            note;
        std::function<void(const std::string& why)> broken;  // nothing more can be recorded
    };
    struct Places {
        std::string folder;        // of its ledger and memory, mode 0700
        std::string control_path;  // of its ssh connection; empty: none is kept
    };

    // Opens the ledger and reads the application's files; a profile that does not compile for the
    // drives that are listed is an error that begins with the key. `slots` outlives this object, as
    // does `shared`: null, or where the ledger is instead of in this folder.
    [[nodiscard]] static core::Result<std::unique_ptr<HostAgent>> open(
        asio::io_context& loop,
        std::shared_ptr<const runtime::AgentlessConfiguration> configuration, Places places,
        SshSlots& slots, Announcements announcements, const LedgerDoors* shared = nullptr);
    ~HostAgent();

    // For so long, from its beginning, a command of this one may take effect; or of one that it
    // took the place of, under other limits.
    [[nodiscard]] core::Duration may_run_for() const;
    // Before start(): it takes the place of another one of the same host, whose may_run_for() that
    // is.
    void replaces(core::Duration may_run_for) { replaced_may_run_for_ = may_run_for; }
    // Nothing is run on the host, nor said in its name, before a ledger that is elsewhere was read.
    void start();
    // The configuration was read again and is the same: what is found counts anew from the next
    // look on, which is now.
    void look_afresh();
    // A notice or a question from the controller.
    void deliver(const snmp_mib::AgentMessage& message);

    [[nodiscard]] const runtime::AgentlessConfiguration& configuration() const {
        return *configuration_;
    }
    [[nodiscard]] const std::shared_ptr<const runtime::AgentlessConfiguration>& configuration_kept()
        const {
        return configuration_;
    }
    [[nodiscard]] const Places& places() const { return places_; }
    [[nodiscard]] const ContactBook& contact() const { return book_; }
    // As completed by what was found.
    [[nodiscard]] const runtime::DsadConfiguration& completed() const { return completed_; }
    [[nodiscard]] const host::HostDevices& devices() const { return devices_; }
    [[nodiscard]] const dsad::ApplicationFiles& files() const { return files_; }
    [[nodiscard]] const std::vector<dsad::UnusedDrive>& unused() const { return unused_; }
    [[nodiscard]] std::vector<core::HostDriveView> drives() const;
    // Drives in the ledger, of a life before this one too.
    [[nodiscard]] std::vector<core::DriveSerial> offline_by_us() const;
    [[nodiscard]] bool begun() const { return rules_.has_value(); }
    [[nodiscard]] HostLooks& looks() { return looks_; }
    [[nodiscard]] host::CommandApplicationRunner& application() { return application_; }

  private:
    HostAgent(asio::io_context& loop,
              std::shared_ptr<const runtime::AgentlessConfiguration> configuration, Places places,
              SshSlots& slots, dsad::Application application, runtime::DriveSharingAgentStore store,
              core::DriveSharingAgentState state, Announcements announcements,
              const LedgerDoors* shared);

    void looked(const Looked& looked);
    void complete(const host::HostDevices& found);
    void tell_unused(std::vector<dsad::UnusedDrive> unused);
    void begin_when_known();
    [[nodiscard]] runtime::DriveSharingAgentDoors doors();
    void take(const core::DriveSharingAgentInput& input);
    void application_answered(const core::ApplicationAnswered& answer);
    void carry_out(const core::DriveSharingAgentEffects& effects);
    void set_timer();
    void say(snmp_mib::AgentMessage message);
    void say_started(const core::AgentPresence& presence);
    void note(const host::ProgramCall& call);
    void asked(const core::HolderInquiry& inquiry);
    using Released = std::function<void(core::ReleaseResult, const std::string& words)>;
    void release(const core::HolderInquiry& inquiry, const host::DriveNames& names, Released then);
    void ask_application(core::HolderStatement statement);
    void post(std::function<void()> work);

    // host_agent_sharing.cpp: with a ledger that is elsewhere.
    void read_ledger();
    void begin_from(const std::vector<core::HostLedgerRow>& rows);
    [[nodiscard]] bool bring_in(const std::vector<core::HostLedgerRow>& rows);
    void give_up_entries(const std::vector<core::HostLedgerRow>& rows);
    void give_up_online_commands(const std::vector<core::HostLedgerRow>& rows);
    [[nodiscard]] core::HostLedgerRow own_row(const core::DriveSerial& drive,
                                              const core::HostLedgerRow* row) const;
    void put_own_online_command(const core::DriveSerial& drive, const core::HostLedgerRow* row);
    void put_own_entry(const core::LedgerEntry& entry, const core::HostLedgerRow* row);
    void tell_disagreement(const core::LedgerEntry& entry, const core::HostLedgerRow& row);
    void put_rows();
    void put_row(core::HostLedgerRow row);
    void carry_out_waited(const core::DriveSharingAgentEffects& released);
    void carry_out_recorded(const core::DriveSharingAgentEffects& effects);
    void stay_out(const std::string& why);
    void try_again(void (HostAgent::*what)());
    [[nodiscard]] std::string name_of(const core::DriveSerial& drive) const;
    [[nodiscard]] core::Duration longest_run() const;

    asio::io_context& loop_;
    std::shared_ptr<const runtime::AgentlessConfiguration> configuration_;  // kept by reloads
    Places places_;
    Announcements announcements_;
    dsad::ApplicationFiles files_;
    runtime::DsadConfiguration completed_;
    host::HostDevices devices_;
    std::vector<dsad::UnusedDrive> unused_;  // of what was found
    bool afresh_ = false;                    // what was found before does not count any more
    runtime::DriveSharingAgentStore store_;
    core::DriveSharingAgentState recorded_;  // until the rules have begun
    core::Duration replaced_may_run_for_{0};
    std::optional<core::DriveSharingAgent> rules_;
    std::optional<core::AgentPresence> presence_;  // what the rules say of themselves
    const LedgerDoors* shared_;
    std::optional<core::HostLedgerLine> line_;  // with `shared_`
    asio::steady_timer ledger_retry_;
    bool seen_ = false;  // a look has reached the host since this was made
    bool ledger_known_;
    ContactBook book_;
    host::CallTrail trail_;
    host::CommandApplicationRunner application_;
    SshCommands releases_;  // apart from the application's own commands
    HostLooks looks_;
    asio::steady_timer wakeup_;
    // The newest of each kind: their numbers lie in ranges of their own, as in dsad's answers.
    std::map<std::pair<core::DriveSerial, core::HolderRequest>, core::NoticeId> inquiries_;
    bool broken_ = false;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);  // posted handlers hold it weakly
};

// What the application there calls a drive, listed or as it would be found. Inside this room.
[[nodiscard]] std::string name_by(const runtime::DsadConfiguration& configuration,
                                  const core::DriveSerial& drive);

}  // namespace agent::agentless
