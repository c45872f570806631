#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>

#include "agent/core/drive_sharing_agent.hpp"
#include "agent/core/message_catalogue.hpp"
#include "agent/dsad/composition.hpp"
#include "agent/dsad/holder_answers.hpp"
#include "agent/dsad/host_discovery.hpp"
#include "agent/dsad/host_knowledge.hpp"
#include "agent/dsad/reconciliation.hpp"
#include "agent/host/call_trail.hpp"
#include "agent/host/command_application_runner.hpp"
#include "agent/host/device_events.hpp"
#include "agent/runtime/drive_sharing_agent_store.hpp"
#include "agent/runtime/dsad_configuration.hpp"
#include "agent/runtime/effect_runner.hpp"
#include "agent/voting/newest_word.hpp"
#include "agent/voting/voter.hpp"
#include "snmp_mib/snmp_notice_channel.hpp"

namespace agent::dsad {

// The drive sharing agent's rules between the network, the backup application and the disk.
// Everything runs on the event loop's thread.
class Daemon {
  public:
    // What the daemon tells the program around it.
    struct Announcements {
        std::function<void()> stopped;  // everything is said: the process may end
        std::function<void(const std::string& why)>
            broken;  // nothing more can be recorded: it must end
        std::function<void(const core::EventRecord&)> event;
    };

    // Opens state, reads keys, binds the socket. `application` follows from the configuration of
    // `known`; its files are not read again before the next reload.
    [[nodiscard]] static core::Result<std::unique_ptr<Daemon>> open(asio::io_context& loop,
                                                                    HostKnowledge known,
                                                                    Application application,
                                                                    Announcements announcements);

    void start();
    // Tells the controllers; Announcements::stopped follows, within agent.stop_timeout_ms.
    void stop();
    // On error the old configuration stays.
    [[nodiscard]] core::Outcome follow(HostKnowledge known, Application application);

    // What a person has said about this host, in `line`; `known` is host() with it. Written down,
    // then in force. `action` and `subject` are for the audit trail.
    struct ChangeByHand {
        HostKnowledge known;
        std::string actor;
        std::string action;
        std::string subject;
        std::string line;
    };
    [[nodiscard]] core::Outcome change_host(ChangeByHand change);
    // Looks at this host again soon.
    void look_at_host_now();

    using Settled = std::function<void(const core::HostDriveView&, const std::string& trouble)>;
    // An operator's wish; `settled` is called when its commands have run, with the last one's
    // trouble, empty: none.
    void operator_sets(const core::OperatorSetDrive& wish, Settled settled);

    // Asks every controller for the whole state and settles it with the application, as at a start.
    // `done` is called once, when every drive is settled or patience is over. One at a time.
    using Reconciled = std::function<void(const std::vector<ReconciledDrive>&)>;
    [[nodiscard]] core::Outcome reconcile(const std::string& actor, Reconciled done);

    [[nodiscard]] core::Instant started_at() const { return started_at_; }
    [[nodiscard]] const runtime::DsadConfiguration& configuration() const {
        return known_.configuration();
    }
    [[nodiscard]] const HostKnowledge& host() const { return known_; }
    [[nodiscard]] std::vector<core::HostDriveView> drives() const { return rules_.drives(); }
    [[nodiscard]] bool acknowledged_by(const core::ControllerName& controller) const;
    [[nodiscard]] const snmp_mib::SnmpNoticeChannel& channel() const { return *channel_; }
    [[nodiscard]] std::uint64_t incarnation() const { return store_.incarnation(); }
    [[nodiscard]] runtime::DriveSharingAgentStore& store() { return store_; }
    // nullptr: it does not vote.
    [[nodiscard]] voting::Voter* voter() { return voter_.get(); }
    [[nodiscard]] host::CommandApplicationRunner& application() { return application_; }
    // As read at start or at the last reload.
    [[nodiscard]] const ApplicationFiles& application_files() const { return files_; }

  private:
    struct Waiting {
        core::DriveSerial drive;
        Settled settled;
    };

    Daemon(asio::io_context& loop, HostKnowledge known, Application application,
           runtime::DriveSharingAgentStore store, core::DriveSharingAgentState state,
           Announcements announcements);

    // daemon_reconcile.cpp
    struct Reconciling;
    struct ReconcilingDeleter {
        void operator()(Reconciling* reconciling) const;
    };
    void watch_reconciling(const core::DriveSharingAgentInput& input);
    void watch_reconciling(const core::RunApplication& command);
    void end_reconciling();

    [[nodiscard]] core::Outcome open_voter();
    void look_at_host_again();
    void listen_to_device_events();
    void host_seen(const host::HostDevices& devices);
    [[nodiscard]] core::Outcome names_are_kept(const HostKnowledge& next) const;
    void adopt(HostKnowledge known, host::ApplicationProfile profile);
    void tell_contradictions(const std::vector<ContradictedNode>& before);
    void tell_unused(const std::vector<UnusedDrive>& before);
    void record(core::Message message, const core::DriveSerial& drive,
                std::initializer_list<std::string_view> arguments);
    void record_text(core::Message message, const core::DriveSerial& drive, std::string text);

    [[nodiscard]] runtime::DriveSharingAgentDoors doors();
    void take(const core::DriveSharingAgentInput& input);
    void carry_out(const core::DriveSharingAgentEffects& effects);
    void set_timer();
    void message_arrived(const std::string& peer, const snmp_mib::AgentMessage& message);
    void say_holder(const core::HolderStatement& statement);
    void note_holder(const core::DriveSerial& drive, const std::string& action,
                     const std::string& line);
    void trouble_on_the_network(const snmp_mib::SnmpEvent& event) const;
    void run_application(const core::RunApplication& effect);
    void note(const host::ProgramCall& call);
    void settle_waiting(const core::ApplicationAnswered& answered);
    void say_presence(const core::AgentPresence& presence, bool stopping);

    asio::io_context& loop_;
    HostKnowledge known_;
    ApplicationFiles files_;
    std::optional<HostDiscovery> discovery_;
    std::unique_ptr<host::DeviceEvents> device_events_;  // null where nobody may listen
    Announcements announcements_;
    runtime::DriveSharingAgentStore store_;
    core::DriveSharingAgent rules_;
    host::CallTrail trail_;
    host::CommandApplicationRunner application_;
    HolderAnswers holder_answers_;
    std::unique_ptr<snmp_mib::SnmpNoticeChannel> channel_;
    std::unique_ptr<voting::Voter> voter_;
    voting::NewestWord newest_word_;
    asio::steady_timer wakeup_;
    core::Instant started_at_;
    std::map<core::ControllerName, bool> acknowledged_;  // "started" was, by its engine
    std::vector<Waiting> waiting_;
    std::unique_ptr<Reconciling, ReconcilingDeleter> reconciling_;  // while one is under way
    std::uint64_t reconciliations_ = 0;                             // begun so far
    bool broken_ = false;
};

}  // namespace agent::dsad
