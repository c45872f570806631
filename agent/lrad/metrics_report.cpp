#include "agent/lrad/metrics_report.hpp"

#include <algorithm>
#include <array>

#include "agent/lrad/controller.hpp"
#include "agent/lrad/operator_snmp.hpp"
#include "agent/metrics/metric_text.hpp"
#include "agent/metrics/metrics_server.hpp"
#include "agent/metrics/process_metrics.hpp"

namespace agent::lrad {

namespace {

using core::AgentState;
using core::OperationalState;
using metrics::MetricText;

constexpr std::array operational_states{OperationalState::online, OperationalState::forced_offline,
                                        OperationalState::unprotected,
                                        OperationalState::unreachable};
constexpr std::array agent_states{AgentState::never_seen, AgentState::starting,
                                  AgentState::started,    AgentState::stopped,
                                  AgentState::lost,       AgentState::returning};

// The words of OpenTelemetry's hardware conventions for hw.status.
std::string_view hardware_state(OperationalState state) {
    switch (state) {
        case OperationalState::online:
            return "ok";
        case OperationalState::forced_offline:
            return "degraded";
        case OperationalState::unprotected:
        case OperationalState::unreachable:
            return "failed";
    }
    return "failed";
}

void add_drives(MetricText& text, const std::vector<snmp_mib::MibDrive>& drives) {
    text.gauge("hw_status", "1 for the state the hardware is in (OpenTelemetry hw.status).");
    for (const auto& drive : drives) {
        for (const std::string_view state : {"ok", "degraded", "failed"}) {
            text.sample(hardware_state(drive.view.operational_state()) == state ? 1U : 0U,
                        {{"hw_id", drive.view.record.drive.text},
                         {"hw_type", "tape_drive"},
                         {"hw_vendor", drive.vendor},
                         {"hw_model", drive.product},
                         {"hw_state", state}});
        }
    }
    text.gauge("lra_drive_operational_state", "1 for the state the drive is in.");
    for (const auto& drive : drives) {
        for (const OperationalState state : operational_states) {
            text.sample(drive.view.operational_state() == state ? 1U : 0U,
                        {{"drive", drive.view.record.drive.text}, {"state", to_text(state)}});
        }
    }
    text.gauge("lra_drive_reserved", "Whether a host has reserved the drive.");
    for (const auto& drive : drives) {
        const auto& record = drive.view.record;
        text.sample(record.reservation.state == core::ReservationState::reserved ? 1U : 0U,
                    {{"drive", record.drive.text}});
    }
    text.gauge("lra_drive_reservation_since_seconds",
               "When the present reservation, or the end of the last one, was first seen.");
    for (const auto& drive : drives) {
        if (drive.view.record.since.ms != 0)
            text.seconds(drive.view.record.since.ms, {{"drive", drive.view.record.drive.text}});
    }
    text.gauge("lra_drive_holder_info", "Who holds the drive and how that is known; always 1.");
    for (const auto& drive : drives) {
        const auto& record = drive.view.record;
        if (record.reservation.state != core::ReservationState::reserved) continue;
        const auto& holders = record.reservation.holders;
        text.sample(1, {{"drive", record.drive.text},
                        {"holder", holders.empty() ? "" : core::to_text(holders.front())},
                        {"domain", drive.view.holder_domain},
                        {"kind", to_text(record.reservation.kind)},
                        {"evidence", to_text(record.evidence)}});
    }
}

void add_looks(MetricText& text, const std::vector<DriveLooks>& looks) {
    text.counter("lra_drive_looks_total", "Looks at the drive's reservation.");
    for (const auto& one : looks)
        text.sample(one.counters.poller.looks, {{"drive", one.drive.text}});
    text.counter("lra_drive_look_failures_total", "Looks that the drive did not answer.");
    for (const auto& one : looks)
        text.sample(one.counters.poller.failures, {{"drive", one.drive.text}});
}

void add_agents(MetricText& text, const std::vector<snmp_mib::MibAgent>& agents) {
    text.gauge("lra_agent_state", "1 for the state the drive sharing agent is in.");
    for (const auto& agent : agents) {
        for (const AgentState state : agent_states) {
            text.sample(agent.view.record.state == state ? 1U : 0U,
                        {{"agent", agent.view.record.agent}, {"state", core::to_text(state)}});
        }
    }
    text.gauge("lra_agent_last_seen_seconds", "When the agent was heard last.");
    for (const auto& agent : agents) {
        if (agent.view.last_seen)
            text.seconds(agent.view.last_seen->ms, {{"agent", agent.view.record.agent}});
    }
    text.counter("lra_agent_confirmations_missed_total",
                 "Confirmations that did not come within their budget.");
    for (const auto& agent : agents)
        text.sample(agent.view.record.missed, {{"agent", agent.view.record.agent}});
}

void add_waiting(MetricText& text, const snmp_mib::MibSnapshot& snapshot) {
    std::int64_t longest = 0;
    for (const auto& handshake : snapshot.handshakes)
        longest = std::max(longest, handshake.waiting.ms);
    text.gauge("lra_handshakes_pending", "Confirmations that are being waited for.");
    text.sample(snapshot.handshakes.size());
    text.gauge("lra_handshake_longest_wait_seconds", "How long the oldest of them is waited for.");
    text.seconds(longest);
    text.gauge("lra_alarm", "An alarm that is active; always 1. docs/MESSAGES.md explains it.");
    for (const auto& alarm : snapshot.alarms) {
        text.sample(1, {{"kind", core::to_text(alarm.key.kind)},
                        {"severity", core::to_text(alarm.severity)},
                        {"drive", alarm.key.drive.text},
                        {"agent", alarm.key.agent}});
    }
}

void add_consumers(MetricText& text, const std::vector<snmp_mib::ConsumerStatus>& consumers) {
    text.gauge("lra_consumer_queued", "Notifications that wait for the consumer.");
    for (const auto& one : consumers)
        text.sample(one.queued, {{"consumer", one.address}});
    text.counter("lra_consumer_delivered_total",
                 "Notifications that it acknowledged; traps that were sent.");
    for (const auto& one : consumers)
        text.sample(one.delivered, {{"consumer", one.address}});
    text.counter("lra_consumer_lost_total",
                 "Notifications pushed out of its full queue, or given up.");
    for (const auto& one : consumers)
        text.sample(one.lost, {{"consumer", one.address}});
    text.counter("lra_consumer_resent_total", "Transmissions after the first of a notification.");
    for (const auto& one : consumers)
        text.sample(one.resent, {{"consumer", one.address}});
    text.gauge("lra_consumer_last_delivered_seconds", "When the newest one was delivered.");
    for (const auto& one : consumers) {
        if (one.last_delivered.ms != 0)
            text.seconds(one.last_delivered.ms, {{"consumer", one.address}});
    }
}

void add_refusals(MetricText& text, const Refusals& refusals) {
    text.counter("lra_snmp_refused_total",
                 "SNMP messages that were not believed, by cause; mib_ are queries of the tables.");
    for (const auto& [cause, count] : refusals)
        text.sample(count, {{"cause", cause}});
}

void add_counters(MetricText& text, const snmp_mib::MibScalars& scalars,
                  const snmp_mib::SnmpCounters& messages) {
    const auto count = [&text](std::string_view name, std::string_view help, std::uint64_t value) {
        text.counter(name, help);
        text.sample(value);
    };
    count("lra_reservation_changes_total", "Changes of drives' reservations.",
          scalars.reservation_changes);
    count("lra_notices_sent_total", "Notices given to the SNMP channel.", scalars.notices_sent);
    count("lra_confirmations_received_total", "Confirmations received.",
          scalars.confirmations_received);
    count("lra_handshakes_incomplete_total", "Handshakes that ran out of their budget.",
          scalars.handshakes_incomplete);
    count("lra_drive_changes_by_snmp_total", "Drives forced offline and cleared by SNMP SET.",
          scalars.drive_changes_by_snmp);
    count("lra_notifications_total", "Notifications to consumers, each once.",
          scalars.notifications_sent);
    count("lra_forced_offline_orders_total", "Orders to take a drive offline for everyone.",
          scalars.drives_forced_offline);
    text.counter("lra_snmp_total", "Datagrams and messages, by what became of them.");
    for (std::size_t i = 0; i < snmp_mib::snmp_count_kinds; ++i) {
        const auto what = static_cast<snmp_mib::SnmpCount>(i);
        text.sample(messages.of(what), {{"what", snmp_mib::to_text(what)}});
    }
}

}  // namespace

std::string controller_metrics(const snmp_mib::MibSnapshot& snapshot,
                               const std::vector<DriveLooks>& looks,
                               const snmp_mib::SnmpCounters& messages, const Refusals& refusals) {
    MetricText text;
    text.gauge("lra_controller_info", "Name and version of the controller; always 1.");
    text.sample(
        1, {{"controller", snapshot.scalars.controller}, {"version", snapshot.scalars.version}});
    text.gauge("lra_start_time_seconds", "When it started; counters begin there.");
    text.seconds(snapshot.scalars.started_at.ms);
    add_drives(text, snapshot.drives);
    add_looks(text, looks);
    add_agents(text, snapshot.agents);
    add_waiting(text, snapshot);
    add_counters(text, snapshot.scalars, messages);
    add_consumers(text, snapshot.consumers);
    add_refusals(text, refusals);
    return text.text();
}

core::Outcome Controller::serve_metrics() {
    const auto metrics_text = [this] {
        std::vector<DriveLooks> looks;
        for (const auto& [serial, drive] : drives_) {
            if (drive.watch->is_polled()) looks.push_back({serial, drive.watch->counters()});
        }
        MetricText process;
        metrics::add_process_metrics(process);
        return controller_metrics(snapshot(0), looks, channel_->counters(),
                                  operator_snmp_->refusals()) +
               pair_metrics() + process.text();
    };
    const auto trouble = [this]() -> std::optional<std::string> {
        if (failed_) return "what happens can not be recorded any more";
        return std::nullopt;
    };
    auto server =
        metrics::MetricsServer::open(loop_, configuration_.metrics, {metrics_text, trouble});
    if (!server) return server.error();
    metrics_ = std::move(server).value();
    return core::Nothing{};
}

}  // namespace agent::lrad
