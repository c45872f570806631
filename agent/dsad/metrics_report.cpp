#include "agent/dsad/metrics_report.hpp"

#include <array>

#include "agent/metrics/metric_text.hpp"
#include "agent/metrics/process_metrics.hpp"
#include "agent/runtime/clock.hpp"

namespace agent::dsad {

namespace {

using core::ApplicationDriveState;
using metrics::MetricText;

constexpr std::array application_states{
    ApplicationDriveState::online, ApplicationDriveState::offline, ApplicationDriveState::draining,
    ApplicationDriveState::unknown};

void add_host_drives(MetricText& text, const std::vector<core::HostDriveView>& drives) {
    text.gauge("dsa_drive_application_state",
               "1 for the state that the backup application has the drive in, as last read back.");
    for (const auto& drive : drives) {
        for (const ApplicationDriveState state : application_states) {
            text.sample(drive.application_state == state ? 1U : 0U,
                        {{"drive", drive.drive.text}, {"state", core::to_text(state)}});
        }
    }
    text.gauge("dsa_drive_set_offline", "Whether this agent took the drive offline and owes it.");
    for (const auto& drive : drives)
        text.sample(drive.ledger ? 1U : 0U, {{"drive", drive.drive.text}});
    text.gauge("dsa_drive_busy", "Whether a command of the application runs for the drive.");
    for (const auto& drive : drives)
        text.sample(drive.busy ? 1U : 0U, {{"drive", drive.drive.text}});
}

void add_controllers(MetricText& text, const std::vector<snmp_mib::PeerStatus>& controllers) {
    text.gauge("dsa_controller_answering",
               "Whether the controller acknowledged the newest message.");
    for (const auto& controller : controllers)
        text.sample(controller.answering ? 1U : 0U, {{"controller", controller.name}});
    text.gauge("dsa_controller_messages_waiting", "Messages that wait for its acknowledgement.");
    for (const auto& controller : controllers)
        text.sample(controller.messages_waiting, {{"controller", controller.name}});
}

void add_messages(MetricText& text, const snmp_mib::SnmpCounters& messages) {
    text.counter("dsa_snmp_total", "Datagrams and messages, by what became of them.");
    for (std::size_t i = 0; i < snmp_mib::snmp_count_kinds; ++i) {
        const auto what = static_cast<snmp_mib::SnmpCount>(i);
        text.sample(messages.of(what), {{"what", snmp_mib::to_text(what)}});
    }
}

}  // namespace

std::string agent_metrics(const Daemon& daemon) {
    MetricText text;
    text.gauge("dsa_agent_info", "Name and version of the agent; always 1.");
    text.sample(1, {{"agent", daemon.configuration().host.agent}, {"version", LRA_VERSION}});
    const core::Now now = runtime::clock_now();
    text.gauge("dsa_start_time_seconds", "When it started; counters begin there.");
    text.seconds(now.wall.ms - (now.monotonic - daemon.started_at()).ms);
    text.gauge("dsa_incarnation", "Rises with each start and each reconciliation.");
    text.sample(daemon.incarnation());
    text.gauge("dsa_observe_only", "Whether it only observes and commands nothing.");
    text.sample(daemon.configuration().host.observe_only ? 1U : 0U);
    add_host_drives(text, daemon.drives());
    auto controllers = daemon.channel().peers();
    std::erase_if(controllers, [](const auto& peer) {
        return peer.conversation == snmp_mib::Conversation::pair;
    });
    add_controllers(text, controllers);
    add_messages(text, daemon.channel().counters());
    metrics::add_process_metrics(text);
    return text.text();
}

}  // namespace agent::dsad
