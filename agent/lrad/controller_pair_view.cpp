// A node of a pair, as it is told: events, alarms, notifications, the MIB, metrics.

#include <algorithm>
#include <span>
#include <utility>

#include "agent/lrad/controller.hpp"
#include "agent/lrad/operator_snmp.hpp"
#include "agent/lrad/pair_part.hpp"
#include "agent/metrics/metric_text.hpp"
#include "agent/pair_node/replication_view.hpp"
#include "agent/runtime/clock.hpp"

namespace agent::lrad {

namespace {

// Each message that is heard may change something.
constexpr core::Duration pair_judged_every{200};

// What a consumer of tables would miss; times of the last half minute are all alike.
std::string shown_of(const snmp_mib::MibPair& pair) {
    std::string text = std::to_string(pair.state) + ' ' + std::to_string(pair.epoch) + ' ' +
                       std::to_string(pair.copy) + (pair.acts ? " acts" : "");
    for (const auto& member : pair.members) {
        text += '\n' + member.name + ' ' + std::to_string(member.state) + ' ' +
                std::to_string(member.epoch) + (member.heard ? " heard " : " ") +
                (member.registered ? "" : "unregistered ") + member.vote + ' ' +
                std::to_string(member.last_heard.ms / 30'000);
    }
    return text;
}

std::optional<pair::NodeState> node_state_named(const std::string& text) {
    for (std::size_t i = 0; i < pair::node_state_count; ++i) {
        const auto state = static_cast<pair::NodeState>(i);
        if (pair::to_text(state) == text) return state;
    }
    return std::nullopt;
}

}  // namespace

void Controller::note_pair(core::Message message, const std::vector<std::string>& words) {
    core::EventRecord record;
    record.at = runtime::clock_now().wall;
    record.severity = core::description_of(message).severity;
    record.message = core::identifier_of(message);
    record.text = core::text_of(message, std::span<const std::string>(words));
    const std::string text = record.text;
    carry_out({core::RecordEvent{std::move(record)}});
    if (message != core::Message::pair_state_changed || words.size() < 2) return;
    if (const auto state = node_state_named(words[1]))
        channel_->announce_role(wire_state(*state), pair_->node->rules().data().epoch, text);
}

void Controller::watch_pair() {
    const auto& node = *pair_->node;
    if (!node.started() || failed_) return;
    const auto now = runtime::clock_now();
    if (pair_->judged_at && now.monotonic - *pair_->judged_at < pair_judged_every) return;
    pair_->judged_at = now.monotonic;
    const auto reports = pair_->alarms.judge(pair_seen(node, pair_->enrolled), now.monotonic,
                                             configuration_.pair->times.dead_after);
    const auto active = rules_.active_alarms();
    for (const auto& report : reports) {
        const core::AlarmKey key{report.kind, {}, report.agent};
        const bool known = std::any_of(active.begin(), active.end(),
                                       [&](const auto& alarm) { return alarm.key == key; });
        if (known != report.active) take(report);
    }
    auto shown = shown_of(mib_pair(node, pair_->enrolled, now));
    if (std::exchange(pair_->shown, shown) != shown && operator_snmp_) operator_snmp_->changed();
}

// Of a pair that is configured no more, or of agents that vote no more.
void Controller::end_alarms_of_no_pair() {
    for (const auto& alarm : rules_.active_alarms()) {
        const auto kind = alarm.key.kind;
        if (kind < core::AlarmKind::pair_alone || kind > core::AlarmKind::pair_promise_short)
            continue;
        const bool votes =
            configuration_.pair &&
            (alarm.key.agent.empty() || alarm.key.agent == configuration_.pair->peer.name ||
             std::count(configuration_.pair->node.voters.begin(),
                        configuration_.pair->node.voters.end(), alarm.key.agent) != 0);
        if (!votes)
            take(core::PairReported{kind, alarm.key.agent, false, "it is not configured any more"});
    }
}

snmp_mib::MibPair Controller::pair_of_mib() const {
    if (!pair_ || !pair_->node) return {};
    return mib_pair(*pair_->node, pair_->enrolled, runtime::clock_now());
}

std::string Controller::pair_metrics() const {
    if (!pair_ || !pair_->node) return "";
    const auto& node = *pair_->node;
    metrics::MetricText text;
    text.gauge("lra_pair_state", "What this node of a pair is: 1 for the state it is in.");
    for (std::size_t i = 0; i < pair::node_state_count; ++i) {
        const auto state = static_cast<pair::NodeState>(i);
        const bool is_it = node.started() && node.rules().state() == state;
        text.sample(is_it ? 1U : 0U, {{"state", pair::to_text(state)}});
    }
    text.gauge("lra_pair_acts", "Whether this node may command devices at this moment.");
    text.sample(pair::may_send(node.right(), runtime::clock_now().monotonic) ? 1U : 0U,
                {{"pair", node.options().pair.node.cluster}});
    text.gauge("lra_pair_epoch", "The newest epoch in this node's copy of the drive table.");
    text.sample(node.rules().data().epoch);
    text.gauge("lra_pair_peer_silent", "Whether the other node is not heard.");
    text.sample(node.peer_is_silent() ? 1U : 0U);
    text.gauge("lra_pair_standby", "The other node's copy: 0 none, 1 streaming, 2 in sync.");
    text.sample(static_cast<std::uint64_t>(node.rules().data().standby));
    if (const auto lag = pair_node::replication_of(node).lag) {
        text.gauge("lra_pair_lag_bytes",
                   "Bytes of log between both copies of the drive table, when last heard.");
        text.sample(*lag);
    }
    text.gauge("lra_pair_voters_heard", "Voting agents that are heard.");
    const auto seen = pair_seen(node, pair_->enrolled);
    text.sample(static_cast<std::uint64_t>(std::count_if(
        seen.voters.begin(), seen.voters.end(), [](const auto& voter) { return voter.heard; })));
    text.gauge("lra_pair_voters_needed", "More than so many of them decide.");
    text.sample(std::uint64_t{node.options().pair.node.threshold});
    if (pair_->requests) {
        const auto counts = pair_->requests->counts();
        text.counter("lra_pair_requests_passed_total", "Requests passed on to the other node.");
        text.sample(counts.passed);
        text.counter("lra_pair_requests_not_passed_total",
                     "Requests that could not be passed on, or were never answered.");
        text.sample(counts.not_passed);
        text.counter("lra_pair_requests_served_total", "Requests served for the other node.");
        text.sample(counts.served);
    }
    text.gauge("lra_pair_offline_untold",
               "Changes of drives forced offline that the other node does not know of yet.");
    text.sample(static_cast<std::uint64_t>(pair_->shared->untold()));
    return text.text();
}

}  // namespace agent::lrad
