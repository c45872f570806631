#include "agent/pair_node/node_runner.hpp"

#include <algorithm>
#include <asio/post.hpp>

#include "agent/pair/may_say.hpp"
#include "agent/pair_node/node_work.hpp"
#include "agent/runtime/log.hpp"

namespace agent::pair_node {

using core::Message;
using pair::Node;
using pair::NodeState;

// ---- the door

core::Result<std::unique_ptr<NodeRunner>> NodeRunner::open(asio::io_context& loop,
                                                           NodeOptions options,
                                                           std::unique_ptr<DatabaseDoor> database,
                                                           NodeDoors doors) {
    auto store = runtime::ControllerNodeStore::open(options.store_file);
    if (!store) return store.error();
    auto record = store->load();
    if (!record) return record.error();
    const auto lives = store->lives();
    if (!lives) return lives.error();
    return std::unique_ptr<NodeRunner>(new NodeRunner(
        std::make_unique<Work>(loop, std::move(options), std::move(store).value(), *record,
                               *lives << 32U, std::move(database), std::move(doors))));
}

NodeRunner::NodeRunner(std::unique_ptr<Work> work) : work_(std::move(work)) {}
NodeRunner::~NodeRunner() = default;

void NodeRunner::start() {
    work_->database->on_seen = [this](const pair::DataSeen& data) {
        if (work_->over) return;
        if (!work_->begun) return work_->begin(data);
        work_->give(data);
        work_->hear_clocks();
    };
    work_->database->on_lost = [this] {
        work_->give(pair::DatabaseLost{});
        work_->hear_clocks();
    };
    work_->database->start();
}

void NodeRunner::hand_over(std::function<void()> done) {
    Work& work = *work_;
    const auto& times = work.options.pair.times;
    const auto state = work.rules.state();
    const bool has_part = takes_requests(state) || state == NodeState::waiting_peer ||
                          state == NodeState::standby || state == NodeState::draining;
    const bool somebody_is_there = work.begun && !work.over && !work.peer_silent;
    if (!has_part || !somebody_is_there || times.stop_timeout.ms == 0) {
        asio::post(work.loop, std::move(done));
        return;
    }
    work.doors.note(Message::pair_hands_over,
                    {work.own_name(), std::to_string(times.stop_timeout.ms)});
    pair::KeyId key;
    if (work.rules.key()) {
        key = work.rules.key()->id;  // leaves already, and waits for nobody from now on
        work.give(pair::StopOrdered{});
    } else {
        const Node own = work.options.pair.node.node;
        const auto ordered =
            shut_down(own == Node::first ? pair::Subject::first : pair::Subject::second,
                      pair::ShutdownMode::immediate, "lrad", "lrad is stopped");
        if (ordered) key = ordered->id;
    }
    work.hand_over = {key, work.doors.now().monotonic + times.stop_timeout, {}, std::move(done)};
    work.hear_clocks();
}

void NodeRunner::stop() {
    work_->over = true;
    work_->wakeup.cancel();
}

bool NodeRunner::hear(const std::string& from, const std::string& line) {
    if (work_->over) return false;
    const auto message = pair::decode(line);
    if (!message) {
        runtime::log_warning(from + ": " + message.error().message);
        return false;
    }
    const bool is_peer = from == work_->options.pair.peer.name;
    const auto speaker = is_peer ? pair::Member::node : pair::Member::agent;
    if (!pair::may_say(speaker, pair::Member::node, *message)) {
        runtime::log_warning(from + " said to this node what only others may say");
        return false;
    }
    // What would be forgotten is not acknowledged: a command is said again until it is.
    const bool is_command = std::holds_alternative<pair::KeyPass>(*message) ||
                            std::holds_alternative<pair::CommandPass>(*message);
    if (is_command && !work_->begun) return false;
    return is_peer ? work_->hear_peer(*message) : work_->hear_agent(from, *message);
}

core::Result<pair::ShutdownKey> NodeRunner::shut_down(pair::Subject subject,
                                                      pair::ShutdownMode mode,
                                                      const std::string& actor,
                                                      const std::string& reason) {
    Work& work = *work_;
    if (!work.begun || work.over) return core::Error{"this node is only just starting; try again"};
    const auto now = work.doors.now();
    pair::ShutdownKey key;
    key.id = {work.rules.data().epoch, static_cast<std::uint64_t>(now.wall.ms), work.options.name};
    key.id = pair::later_than(work.rules.record().last_order, key.id);
    for (const auto& known : work.keys)
        key.id = pair::later_than(known.id, key.id);
    key.cluster = work.options.pair.node.cluster;
    key.subject = subject;
    key.mode = mode;
    key.actor = actor.substr(0, pair::key_text_bytes_max);
    key.reason = reason;
    key.at = now.wall;
    const Node own = work.options.pair.node.node;
    work.doors.note(
        Message::pair_shutdown_ordered,
        {std::string(pair::to_text(subject)), std::string(pair::to_text(mode)), actor, reason});
    work.see_key(key);
    if (concerns(subject, pair::other(own))) {
        // To whom it concerns, and to the agents, any of which carries it on.
        const std::string line = pair::encode(pair::CommandPass{key});
        work.say_to_peer("pair command", line, key_attempts);
        if (!concerns(subject, own)) {
            for (const auto& agent : work.options.pair.node.voters)
                work.doors.say(agent, "pair command", line, key_attempts);
        }
    }
    if (concerns(subject, own)) work.give(pair::ShutdownOrdered{key});
    work.hear_clocks();
    return key;
}

core::Outcome NodeRunner::recover() {
    if (!work_->begun || work_->over)
        return core::Error{"this node is only just starting; try again"};
    const auto state = work_->rules.state();
    const auto& row = core::row_of(pair::node_table, state, pair::NodeEvent::recover_ordered);
    if (row.action == pair::NodeAction::nothing && !work_->rules.waiting_order()) {
        return core::Error{"node " + work_->options.name + " is " +
                           std::string(pair::to_text(state)) + ": there is nothing to recover"};
    }
    work_->give(pair::RecoverOrdered{});
    work_->hear_clocks();
    return core::Nothing{};
}

core::Outcome NodeRunner::forced_start() {
    if (!work_->begun || work_->over)
        return core::Error{"this node is only just starting; try again"};
    const auto state = work_->rules.state();
    const auto& row = core::row_of(pair::node_table, state, pair::NodeEvent::forced_start_ordered);
    if (row.action != pair::NodeAction::forced_start) {
        return core::Error{"node " + work_->options.name + " is " +
                           std::string(pair::to_text(state)) +
                           ": a forced start is for one that is offline, shut_down or standby"};
    }
    work_->give(pair::ForcedStartOrdered{});
    work_->hear_clocks();
    return core::Nothing{};
}

core::Outcome NodeRunner::enrol(const core::AgentName& agent) {
    Work& work = *work_;
    const auto& voters = work.options.pair.node.voters;
    if (std::find(voters.begin(), voters.end(), agent) == voters.end())
        return core::Error{"agent " + agent + " is not one of pair.voters"};
    if (!work.begun || work.over) return core::Error{"this node is only just starting; try again"};
    // Whoever does not serve forgets what it knew of the agent's store, and tells it nothing.
    work.give(pair::AgentEnrolled{agent});
    work.hear_clocks();
    if (work.rules.state() == NodeState::standby) return core::Nothing{};
    const auto beginning = work.rules.vouch(right(), work.doors.now().monotonic);
    if (!beginning) {
        return core::Error{"node " + work.options.name + " is " +
                           std::string(pair::to_text(work.rules.state())) +
                           " and can not vouch for the register: give the command to the node "
                           "that serves"};
    }
    work.doors.say(agent, "pair enrolment", pair::encode(pair::Enrolment{*beginning}),
                   enrolment_attempts);
    return core::Nothing{};
}

core::Outcome NodeRunner::found() {
    Work& work = *work_;
    const auto& pair = work.options.pair.node;
    if (!work.begun || work.over) return core::Error{"this node is only just starting; try again"};
    if (!work.rules.record().witnesses.empty()) {
        return core::Error{
            "an agent has voted for this node before: the pair is founded already. "
            "An agent whose store was lost: `lractl pair enrol --agent NAME --reason TEXT`"};
    }
    const auto& data = work.rules.data();
    if (data.epoch != 1 || data.relation != pair::Relation::pair || data.primary != pair.node) {
        return core::Error{
            "the drive table of this node is not that of a new pair, begun by it: "
            "give the command to the first node, after `lrad --init-pair` there"};
    }
    auto sorted = pair.voters;
    std::sort(sorted.begin(), sorted.end());
    const pair::Register beginning{{},
                                   {},
                                   {pair.cluster, data.epoch, data.relation, data.primary,
                                    data.epoch, sorted, pair.threshold}};
    for (const auto& agent : pair.voters) {
        work.doors.say(agent, "pair enrolment", pair::encode(pair::Enrolment{beginning}),
                       key_attempts);
    }
    return core::Nothing{};
}

pair::ActingRight NodeRunner::right() const {
    if (!work_->begun || work_->over) return {};
    return work_->watch.right(work_->rules, work_->doors.now().monotonic);
}
std::optional<bool> NodeRunner::agents_consent() const {
    const bool asks = work_->begun && !work_->over && work_->rules.acts();
    if (!asks || !work_->rules.needs_lease()) return std::nullopt;
    return work_->watch.agents_consent(work_->rules, work_->doors.now().monotonic);
}
bool NodeRunner::started() const {
    return work_->begun;
}
const pair::ControllerNode& NodeRunner::rules() const {
    return work_->rules;
}
const NodeOptions& NodeRunner::options() const {
    return work_->options;
}
const std::map<std::string, std::string>& NodeRunner::worthless_promises() const {
    return work_->worthless_promises;
}

bool NodeRunner::peer_is_silent() const {
    return work_->peer_silent;
}
std::optional<core::WallTime> NodeRunner::peer_last_heard() const {
    if (!work_->peer_heard_at) return std::nullopt;
    return work_->peer_heard_at->wall;
}
std::string NodeRunner::why() const {
    return work_->why;
}
core::WallTime NodeRunner::since() const {
    return work_->since;
}
std::optional<core::WallTime> NodeRunner::agent_last_heard(const core::AgentName& name) const {
    const auto found = work_->agents_heard.find(name);
    if (found == work_->agents_heard.end()) return std::nullopt;
    return found->second.wall;
}
bool NodeRunner::agent_is_heard(const core::AgentName& name, core::Duration within) const {
    const auto found = work_->agents_heard.find(name);
    if (found == work_->agents_heard.end()) return false;
    return work_->doors.now().monotonic - found->second.monotonic <= within;
}
const std::optional<pair::Vote>& NodeRunner::last_vote() const {
    return work_->last_vote;
}
const std::vector<pair::ShutdownKey>& NodeRunner::keys() const {
    return work_->keys;
}

}  // namespace agent::pair_node
