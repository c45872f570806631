#pragma once

// The library controller's side of drive sharing, put together. Everything here runs on the event
// loop's thread.
//
//   drive event channel --\                                            /--> store (synced), then
//                          DriveWatch --> rules (core) --> effects ---+---> SNMP notices to the
//                          agents
//   looks at the drive ---/                 ^                          +---> offline actuators
//                                           |                          +---> alarms to SNMP
//                                           consumers
//   SNMP confirmations, started, stopping --+                          \---> event log, lractl, MIB

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include <asio/steady_timer.hpp>

#include "agent/agentless/agentless_hosts.hpp"
#include "agent/core/agent_roster.hpp"
#include "agent/core/reservation_agent.hpp"
#include "agent/lrad/discovery_service.hpp"
#include "agent/lrad/drive_orders.hpp"
#include "agent/lrad/drive_paths.hpp"
#include "agent/lrad/holder_questions.hpp"
#include "agent/mounts/mount_methods.hpp"
#include "agent/mounts/mount_service.hpp"
#include "agent/pair_node/node_runner.hpp"
#include "agent/pair_node/right_board.hpp"
#include "agent/runtime/control_server.hpp"
#include "agent/runtime/effect_runner.hpp"
#include "agent/runtime/lrad_configuration.hpp"
#include "agent/runtime/reservation_agent_store.hpp"
#include "agent/runtime/state_json.hpp"
#include "drive_iface/device/drive_watch.hpp"
#include "drive_iface/device/look_desk.hpp"
#include "drive_iface/device/offline_actuator.hpp"
#include "drive_iface/events/drive_event_server.hpp"
#include "snmp_mib/helper_line.hpp"
#include "snmp_mib/mib_snapshot.hpp"
#include "snmp_mib/snmp_notice_channel.hpp"

namespace drive_iface {
struct ReservationSurvey;
}
namespace agent::postgres {
struct AgentRetirement;
}
namespace agent::metrics {
class MetricsServer;
}

namespace agent::lrad {

struct ReleaseStep;
struct SharedRecordsDoors;
struct OfflineWish;
class OperatorSnmp;

class Controller {
  public:
    // Opens everything that can fail: state, sockets, keys. Errors say what and what helps.
    [[nodiscard]] static core::Result<std::unique_ptr<Controller>> open(
        asio::io_context& loop, runtime::LradConfiguration configuration);
    ~Controller();

    // Begins to act. `on_failure` is called once, when the state can not be recorded any more: the
    // process has to end with status 1 and be started again.
    void start(std::function<void(const std::string& why)> on_failure);

    // Gives back what outlives a process: ssh connections that are kept. `then` is called once,
    // from the loop, soon.
    void stop(std::function<void()> then);

    // Takes over what can change while running; everything else stays, and the answer says what
    // needs a restart.
    [[nodiscard]] core::Outcome reconfigure(runtime::LradConfiguration configuration);

    // One line for the service manager.
    [[nodiscard]] std::string status_line() const;

  private:
    struct Drive {
        runtime::LradDrive configuration;
        std::unique_ptr<drive_iface::DriveWatch> watch;
        std::unique_ptr<drive_iface::OfflineActuator> actuator;
    };
    // Somebody at a control socket waits for a drive to get somewhere.
    struct Waiter {
        core::DriveSerial drive;
        std::optional<core::OperationalState> until;  // nothing: until the next look at the drive
        runtime::ControlServer::Answerer answer;
        std::unique_ptr<asio::steady_timer> deadline;
    };
    struct Counters {
        std::uint64_t reservation_changes = 0;
        std::uint64_t notices_sent = 0;
        std::uint64_t confirmations_received = 0;
        std::uint64_t handshakes_incomplete = 0;
        std::uint64_t drives_forced_offline = 0;
        std::uint64_t drive_changes_by_snmp = 0;
    };

    Controller(asio::io_context& loop, runtime::LradConfiguration configuration,
               runtime::ReservationAgentStore store, core::ReservationAgentState recorded);

    // controller.cpp: the way of an observation, top to bottom.
    core::Outcome open_doors();
    core::Outcome open_drive(const runtime::LradDrive& configuration);
    core::Result<std::shared_ptr<drive_iface::LookDesk>> desk_for(const runtime::LradDrive& drive);
    [[nodiscard]] core::Outcome can_change_actuators(
        const runtime::LradConfiguration& wanted) const;
    std::vector<core::DriveSerial> replace_drives(bool same_settle);
    void take_up_again(const core::DriveSerial& serial, const std::optional<DriveOrder>& order);
    void watch_event(const core::DriveSerial& drive, std::uint64_t seq);
    drive_iface::events::EventVerdict drive_said(const drive_iface::events::DriveEvent& event,
                                                 std::string_view line);
    void event_settled(const core::DriveSerial& drive, std::uint64_t seq);
    void drive_connected(const core::DriveSerial& serial, const std::optional<std::string>& forced);
    [[nodiscard]] static std::string channel_note(const core::DriveSerial& serial);
    [[nodiscard]] std::string channel_tenure() const;
    [[nodiscard]] bool is_channel_known(const core::DriveSerial& serial) const;
    void remember_channel(const core::DriveSerial& serial);
    [[nodiscard]] core::Outcome listen_to_libraries();
    void library_hinted(const std::string& library, const std::string& trap,
                        const std::vector<snmp_mib::Varbind>& varbinds);
    void take(const core::ReservationAgentInput& input);
    void carry_out(const core::ReservationAgentEffects& effects);
    void wake_up_in_time();
    runtime::ReservationAgentDoors doors();
    void send_notice(const core::SendNotice& effect);
    void force_offline(const core::ForceDriveOffline& effect);
    void lift_offline(const core::LiftDriveOffline& effect);
    [[nodiscard]] bool waits_for_drive(const core::DriveSerial& drive, const DriveOrder& order);
    void carry_out_order(const DriveOrder& order);
    void announce(const core::AnnounceAlarm& effect);
    void show_event(const core::EventRecord& record);
    void snmp_event(const snmp_mib::SnmpEvent& event);
    void settle_waiters(const core::ReservationAgentInput& input);

    // controller_hearing.cpp: what agents say.
    void agent_said(const std::string& peer, const snmp_mib::AgentMessage& message);
    void hear(const core::ReservationAgentInput& input);
    [[nodiscard]] bool end_hearing();
    void hear_before_a_timeout();

    // control_methods.cpp: what lractl can ask.
    void serve();
    runtime::ControlAnswer list_drives() const;
    runtime::ControlAnswer show_drive(const core::DriveSerial& serial) const;
    runtime::ControlAnswer why_drive(const core::DriveSerial& serial) const;
    void serve_agents();
    runtime::ControlAnswer retire_agent(const nlohmann::json& params,
                                        const runtime::Caller& caller);
    runtime::ControlAnswer list_agents() const;
    runtime::ControlAnswer show_agent(const std::string& name) const;
    runtime::ControlAnswer show_status() const;
    void wait_for(const core::DriveSerial& serial, std::optional<core::OperationalState> until,
                  runtime::ControlServer::Answerer answer);
    void administrate(core::OperationalState until, const nlohmann::json& params,
                      const runtime::Caller& caller,
                      const runtime::ControlServer::Answerer& answer);
    // To forced offline or to online, once who and why is recorded.
    [[nodiscard]] core::Outcome change_drive(const core::DriveSerial& drive,
                                             core::OperationalState wanted,
                                             const std::string& actor, const std::string& reason);
    void serve_discovery();  // discovery_methods.cpp
    [[nodiscard]] std::optional<core::DriveView> view_of(const core::DriveSerial& serial) const;
    [[nodiscard]] nlohmann::json json_of(const core::DriveView& view) const;
    [[nodiscard]] runtime::DriveDescription description_of(const core::DriveSerial& serial) const;
    [[nodiscard]] std::string address_of(const core::AgentName& agent) const;

    // agentless_methods.cpp: agents that are played here.
    void open_hosts();
    [[nodiscard]] std::optional<agentless::LedgerDoors> ledger_doors();
    void serve_hosts();
    void end_alarms_of_no_host();
    [[nodiscard]] nlohmann::json with_transport(nlohmann::json agent) const;
    void note_host(core::Message message, const core::AgentName& agent,
                   const core::DriveSerial& drive, const std::vector<std::string>& words);

    // reconcile_methods.cpp: lractl agent reconcile.
    struct ReconcileRun;
    void serve_reconcile();
    void begin_reconcile(const core::AgentName& name, const std::string& actor,
                         const runtime::ControlServer::Answerer& answer);
    void watch_reconcile(const core::ReservationAgentInput& input);
    void end_reconcile(const core::AgentName& name);

    // release_methods.cpp: lractl drive release.
    struct ReleaseRun;
    void serve_release();
    // A release that was passed on and is begun here, or elsewhere, a second time.
    [[nodiscard]] std::optional<runtime::ControlError> release_begun_before(
        const nlohmann::json& params);
    void begin_release(const std::shared_ptr<ReleaseRun>& run);
    void survey_for_release(const std::shared_ptr<ReleaseRun>& run);
    void surveyed_for_release(const std::shared_ptr<ReleaseRun>& run,
                              const drive_iface::ReservationSurvey& survey);
    void take_release_step(const std::shared_ptr<ReleaseRun>& run, const ReleaseStep& step,
                           const drive_iface::ReservationSurvey& survey);
    void run_for_release(const std::shared_ptr<ReleaseRun>& run,
                         std::function<core::Outcome(drive_iface::Transport&, core::Duration)> work,
                         std::function<void(const core::Outcome&)> done);
    void end_release(const std::shared_ptr<ReleaseRun>& run, bool free, const std::string& words);

    // snmp_methods.cpp: consumers, the helpers that serve the MIB, SNMP SET.
    [[nodiscard]] core::Outcome open_operator_snmp();
    void serve_consumers();
    [[nodiscard]] core::Outcome change_by_snmp(const snmp_mib::DriveChange& change);
    [[nodiscard]] nlohmann::json consumers_json() const;
    [[nodiscard]] nlohmann::json helpers_json() const;

    // mib_snapshot.cpp
    [[nodiscard]] snmp_mib::MibSnapshot snapshot(std::size_t events_max) const;
    [[nodiscard]] std::uint64_t messages_refused() const;
    [[nodiscard]] core::Outcome serve_metrics();  // metrics_report.cpp

    // mounts_of_library.cpp
    [[nodiscard]] core::Outcome open_mounts();
    [[nodiscard]] core::Outcome open_own_mounts(const runtime::MountsConfiguration& section);
    void serve_mount_methods(mounts::MountMethodDoors doors);
    [[nodiscard]] std::optional<mounts::MountFault> why_not_mounting(bool serving) const;
    [[nodiscard]] mounts::MountDoors mount_doors();
    [[nodiscard]] std::vector<claims::KnownDrive> drives_for_mounts() const;
    void note_mount(core::Message message, const std::string& drive,
                    const std::vector<std::string>& words);
    [[nodiscard]] nlohmann::json mount_of(const core::DriveSerial& serial) const;

    // controller_pair.cpp: as one of two nodes that serve the library.
    struct PairPart;
    struct PairPartDeleter {
        void operator()(PairPart* part) const;
    };
    [[nodiscard]] core::Outcome open_pair();
    [[nodiscard]] pair_node::NodeDoors node_doors();
    void watch_pair();
    void end_alarms_of_no_pair();
    [[nodiscard]] snmp_mib::MibPair pair_of_mib() const;
    void note_pair(core::Message message, const std::vector<std::string>& words);
    void start_pair();
    void leave_pair(std::function<void()> then);
    void stop_pair();
    [[nodiscard]] bool is_active() const;
    [[nodiscard]] core::SharingConfiguration sharing_in_force() const;
    void pair_changed();
    void become_active(const pair::ActingRight& right);
    void become_watcher();
    void drop_mounts();
    void agent_presence_said(const core::AgentPresence& presence, bool stopping);
    void heard_elsewhere(const core::AgentRoster::News& news);
    void forget_lives_of(const core::AgentName& agent);
    void share_retirement(const core::AgentName& agent, const std::string& actor,
                          const std::string& reason);
    void retired_at_other_node(const postgres::AgentRetirement& retirement);
    void take_what_agents_said();
    // Why something that commands drives is not done by this controller now.
    [[nodiscard]] std::optional<runtime::ControlError> not_here() const;
    // Requests made here while the other node serves.
    [[nodiscard]] bool pass_on(const std::string& method, const nlohmann::json& params,
                               const runtime::Caller& caller,
                               const runtime::ControlServer::Answerer& answer);
    // A method that either node of a pair takes, and the one that serves answers.
    void on_either_node(const std::string& method, runtime::ControlServer::AsyncHandler handler);
    void open_requests();
    void take_requests_by(mounts::MountDispatch dispatch);
    [[nodiscard]] bool is_ready_to_mount();
    [[nodiscard]] bool settle_clear(
        const nlohmann::json& params,
        const std::function<void(const core::Result<nlohmann::json>&)>& then);
    [[nodiscard]] bool settle_retirement(
        const nlohmann::json& params,
        const std::function<void(const core::Result<nlohmann::json>&)>& then);
    [[nodiscard]] bool settle_release(
        const nlohmann::json& params,
        const std::function<void(const core::Result<nlohmann::json>&)>& then);
    // A retirement that was passed on, and is done again: is the agent back by now?
    [[nodiscard]] bool has_started_since(const nlohmann::json& params) const;
    // A clear that was passed on: is the drive offline for something else by now?
    [[nodiscard]] std::optional<runtime::ControlError> forced_anew_since(
        const nlohmann::json& params) const;
    [[nodiscard]] SharedRecordsDoors shared_records_doors();
    void obey(const OfflineWish& wish);
    // What becomes of drives is told to the other node.
    void share_offline(const core::DriveRecord& drive);
    void share_offline(const core::ReservationAgentEffects& effects);
    void cleared_by(const core::DriveSerial& drive, const std::string& actor,
                    const std::string& reason);
    void announce_what_may_be_unheard();
    [[nodiscard]] bool is_announced_elsewhere(const core::AnnounceAlarm& effect);
    void announce_what_was_mirrored();
    [[nodiscard]] bool keep_for_serving(const core::Alarm& alarm);
    [[nodiscard]] bool waits_for_record(const core::ForceDriveOffline& effect);
    void fence_old(const pair::Order& order, std::function<void(bool)> done);
    [[nodiscard]] bool is_fencing(const pair::Order& order) const;
    void open_table(const pair::Order& order, std::function<void(bool)> done);
    void preempt_old_keys(std::uint64_t epoch, std::function<void(bool)> done);
    // What this controller may do at the moment when it is called; from any thread, which may
    // outlive the controller.
    [[nodiscard]] std::function<pair::ActingRight()> acting_door() const {
        return [board = right_board_] { return board->get(); };
    }
    void end_elsewhere(std::shared_ptr<mounts::MountService> service);
    void tell_agents_anew();
    [[nodiscard]] std::string pair_metrics() const;  // empty: no pair

    // controller_pair_hosts.cpp: hosts without an agent, of which both nodes have the ledgers.
    void serve_host_ledgers();
    void list_host_ledgers(const runtime::ControlServer::Answerer& answer);
    void forget_host(const nlohmann::json& params, const runtime::Caller& caller,
                     const runtime::ControlServer::Answerer& answer);
    // Why a host that the pair is to forget may be played yet; empty: it is not.
    [[nodiscard]] std::string who_plays(const core::AgentName& agent) const;
    [[nodiscard]] bool is_played_here(const core::AgentName& agent) const;
    void look_for_left_over_hosts();
    void end_ledger_questions();
    void compare_host_names(const std::map<std::string, std::string>& rows);

    asio::io_context& loop_;
    runtime::LradConfiguration configuration_;
    runtime::ReservationAgentStore store_;
    core::ReservationAgent rules_;
    std::shared_ptr<pair_node::RightBoard> right_board_;
    core::Now started_at_;
    Counters counters_;
    std::function<void(const std::string&)> on_failure_;
    bool failed_ = false;
    // Of the turn of messages that runs, not recorded yet; and what has led to it.
    core::ReservationAgentEffects heard_effects_;
    std::vector<core::ReservationAgentInput> heard_;

    DrivePaths paths_;
    std::shared_ptr<drive_iface::LookDesk> desk_;  // once a drive has a use for it
    DiscoveryService discovery_;
    std::unique_ptr<snmp_mib::SnmpNoticeChannel> channel_;
    std::unique_ptr<agentless::AgentlessHosts> hosts_;  // the way to every agent
    std::unique_ptr<ReleaseRequests> release_requests_;
    std::map<core::DriveSerial, core::Instant> hinted_at_;  // drives a library's trap was about
    std::unique_ptr<drive_iface::events::DriveEventServer> event_server_;
    std::map<std::string, runtime::ControlServer::AsyncHandler> either_node_;
    std::map<core::DriveSerial, Drive> drives_;
    // From their arrival until what they led to is recorded; bounded by the watches.
    struct EventBeingTaken {
        drive_iface::events::DriveEvent event;
        std::string line;
    };
    std::map<std::pair<core::DriveSerial, std::uint64_t>, EventBeingTaken> events_being_taken_;
    std::unique_ptr<runtime::ControlServer> control_;
    std::unique_ptr<OperatorSnmp> operator_snmp_;
    std::unique_ptr<metrics::MetricsServer> metrics_;
    std::shared_ptr<mounts::OpenAnswers> open_mount_answers_;  // null: no methods of mounts
    std::shared_ptr<mounts::MountService> mounts_;     // null: without a changer, or not now
    std::unique_ptr<PairPart, PairPartDeleter> pair_;  // null: without the section "pair"
    asio::steady_timer wakeup_;
    std::optional<core::Instant> wakes_at_;
    std::list<Waiter> waiters_;
    std::map<core::DriveSerial, std::shared_ptr<ReleaseRun>> releases_;    // under way
    std::map<core::AgentName, std::shared_ptr<ReconcileRun>> reconciles_;  // under way
    // After a start, drives that are told over the event channel get a moment to connect before an
    // order to go offline, or back, counts as failed: it is kept back.
    DriveOrders orders_;
    asio::steady_timer connect_grace_;
    bool connect_grace_over_ = false;
};

}  // namespace agent::lrad
