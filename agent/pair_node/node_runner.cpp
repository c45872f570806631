#include "agent/pair_node/node_runner.hpp"

#include <algorithm>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <deque>
#include <map>
#include <set>
#include <utility>

#include "agent/pair/may_say.hpp"
#include "agent/runtime/clock.hpp"
#include "agent/runtime/controller_node_store.hpp"
#include "agent/runtime/log.hpp"
#include "agent/voting/pair_json.hpp"

namespace agent::pair_node {

namespace {

using core::Message;
using pair::Node;
using pair::NodeState;
using runtime::clock_now;

// How long something is said again, as the number of transmissions: a heartbeat is worth nothing
// when the next one is due, a ballot as long as its answers are waited for.
constexpr std::uint32_t heartbeat_attempts = 1;
constexpr std::uint32_t ballot_attempts = 3;
constexpr std::uint32_t key_attempts = 4;
constexpr std::uint32_t enrolment_attempts = 1;
constexpr std::size_t keys_seen_max = 16;
// After this node has left: how long the other one may take to show that it knows.
constexpr core::Duration notice_patience{3'000};
// What clocks say in one go; more than ever comes at once.
constexpr int sayings_max = 16;

std::string words_of(const pair::VoteEnded& ended) {
    std::string text = std::string(pair::to_text(ended.wish)) + ": " +
                       std::to_string(ended.verdict.yes) + " agents agree, " +
                       std::to_string(ended.verdict.no) + " object, " +
                       std::to_string(ended.verdict.silent) + " do not answer";
    if (ended.objection != pair::Objection::none)
        text += " (" + std::string(pair::to_text(ended.objection)) + ")";
    return text;
}

}  // namespace

class NodeRunner::Work {
  public:
    Work(asio::io_context& event_loop, NodeOptions settings, runtime::ControllerNodeStore opened,
         const pair::NodeRecord& record, std::unique_ptr<DatabaseDoor> door, NodeDoors outside)
        : loop(event_loop),
          options(std::move(settings)),
          store(std::move(opened)),
          rules(options.pair.node, record),
          watch(options.pair.times, options.life, options.first_sequence, clock_now().monotonic),
          database(std::move(door)),
          doors(std::move(outside)),
          wakeup(event_loop),
          since(clock_now().wall) {}

    void begin(const pair::DataSeen& data);
    void give(pair::NodeInput input);
    void carry_out_all(const pair::NodeEffects& effects);
    void carry_out(const pair::NodeEffect& effect);
    void carry_out(const pair::Order& order);
    void changed(const pair::StateChanged& change);
    void ended(const pair::VoteEnded& vote);
    void hear_clocks();
    void say_heartbeat(const pair::Heartbeat& heartbeat);
    void watch_peer();
    void watch_hand_over();
    void end_hand_over(const std::string& trouble);
    [[nodiscard]] bool peer_knows_of_departure() const;
    void see_key(const pair::ShutdownKey& key);
    void compare_times(const std::string& answerer, const pair::LeaseAnswer& answer);
    bool hear_peer(const pair::PairMessage& message);
    bool hear_agent(const core::AgentName& from, const pair::PairMessage& message);
    void say_to_peer(const std::string& replaces, const std::string& line, std::uint32_t attempts) {
        doors.say(options.pair.peer.name, replaces, line, attempts);
    }
    [[nodiscard]] const std::string& name_of(Node node) const {
        return node == options.pair.node.node ? options.name : options.pair.peer.name;
    }
    [[nodiscard]] const std::string& own_name() const { return options.name; }

    asio::io_context& loop;
    NodeOptions options;
    runtime::ControllerNodeStore store;
    pair::ControllerNode rules;
    pair::NodeWatch watch;
    std::unique_ptr<DatabaseDoor> database;
    NodeDoors doors;
    asio::steady_timer wakeup;
    std::shared_ptr<int> alive = std::make_shared<int>(0);

    bool begun = false;
    bool over = false;
    bool busy = false;  // inputs wait their turn
    std::deque<pair::NodeInput> waiting;
    std::string why = "starts";
    core::WallTime since;
    bool peer_silent = false;
    std::optional<core::WallTime> peer_heard_at;
    std::map<core::AgentName, core::WallTime> agents_heard;
    std::optional<pair::Vote> last_vote;
    std::vector<pair::ShutdownKey> keys;
    struct HandOver {
        pair::KeyId key;
        core::Instant until{};
        std::optional<core::Instant> left_at{};
        std::function<void()> done;
    };
    std::optional<HandOver> hand_over;
    std::set<std::string> short_promises;  // of whom that was told
    std::optional<pair::Wish> missed;      // told of votes that were not enough for it
};

// ---- in

void NodeRunner::Work::begin(const pair::DataSeen& data) {
    begun = true;
    busy = true;
    carry_out_all(rules.start(data));
    busy = false;
    hear_clocks();
}

// One after the other, whoever gives it: an effect that is carried out may lead to the next input.
void NodeRunner::Work::give(pair::NodeInput input) {
    if (over || !begun) return;
    waiting.push_back(std::move(input));
    if (busy) return;
    busy = true;
    while (!waiting.empty() && !over) {
        const auto next = std::move(waiting.front());
        waiting.pop_front();
        carry_out_all(rules.step(next));
    }
    busy = false;
}

// Everything that was given, then what clocks have to say to it, then to the world.
void NodeRunner::Work::hear_clocks() {
    if (over || !begun || busy) return;
    give(pair::MountsSeen{doors.mounts_left()});
    for (int said = 0; said < sayings_max && !over; ++said) {
        const auto due = watch.due(rules, clock_now().monotonic);
        if (!due) break;
        give(*due);
    }
    if (over) return;
    doors.lower(watch.right(rules, clock_now().monotonic));
    if (const auto heartbeat = watch.heartbeat(rules, clock_now().monotonic))
        say_heartbeat(*heartbeat);
    watch_peer();
    watch_hand_over();
    // After the heartbeat: who hears of drives from this node must have heard that it serves.
    doors.changed();
    wakeup.cancel();
    const core::Duration left = watch.next_wakeup(rules) - clock_now().monotonic;
    const std::int64_t at_most = hand_over ? 100 : 1'000;
    wakeup.expires_after(std::chrono::milliseconds(std::clamp<std::int64_t>(left.ms, 1, at_most)));
    wakeup.async_wait([this, lives = std::weak_ptr<int>(alive)](const std::error_code& error) {
        if (!error && !lives.expired()) hear_clocks();
    });
}

void NodeRunner::Work::say_heartbeat(const pair::Heartbeat& heartbeat) {
    const std::string line = pair::encode(heartbeat);
    for (const auto& agent : options.pair.node.voters)
        doors.say(agent, "pair heartbeat", line, heartbeat_attempts);
    say_to_peer("pair heartbeat", line, heartbeat_attempts);
}

// Shown and logged; nothing follows from it.
void NodeRunner::Work::watch_peer() {
    const auto now = clock_now();
    const bool silent =
        !peer_heard_at || now.wall.ms - peer_heard_at->ms > options.pair.times.suspect_after.ms;
    if (silent == peer_silent) return;
    peer_silent = silent;
    doors.note(silent ? Message::pair_peer_silent : Message::pair_peer_heard,
               {options.pair.peer.name});
}

// ---- stopped by the service manager

// A node that stood by, or served, and says that it does so no more has acted on the key.
bool NodeRunner::Work::peer_knows_of_departure() const {
    if (peer_silent || !rules.peer()) return true;
    const auto state = rules.peer()->state;
    return state != NodeState::primary && state != NodeState::waiting_peer &&
           state != NodeState::standby;
}

void NodeRunner::Work::watch_hand_over() {
    if (!hand_over) return;
    const auto now = clock_now().monotonic;
    const auto& key = rules.key();
    if (rules.state() == NodeState::shut_down) {
        if (!hand_over->left_at) hand_over->left_at = now;
        if (peer_knows_of_departure() || now >= *hand_over->left_at + notice_patience)
            return end_hand_over("");
    } else if (!key || key->id != hand_over->key) {
        return end_hand_over("too few agents have stored its key");
    }
    if (now >= hand_over->until) end_hand_over("pair.times.stop_timeout_ms is over");
}

void NodeRunner::Work::end_hand_over(const std::string& trouble) {
    if (!trouble.empty()) doors.note(Message::pair_not_handed_over, {own_name(), trouble});
    asio::post(loop, std::move(hand_over->done));
    hand_over.reset();
}

bool NodeRunner::Work::hear_peer(const pair::PairMessage& message) {
    const auto now = clock_now();
    if (const auto* said = std::get_if<pair::Heartbeat>(&message)) {
        if (!begun) return true;
        const auto verdict = watch.peer_heard(rules, *said, now.monotonic);
        if (verdict == pair::MessageOrder::Verdict::late) return true;
        if (verdict == pair::MessageOrder::Verdict::anew)
            doors.note(Message::pair_node_begins_anew, {options.pair.peer.name});
        peer_heard_at = now.wall;
        give(pair::PeerHeard{said->state, said->data});
        const bool grants = rules.grants_lease();
        if (said->serves && grants) watch.let_peer_act(said->life, clock_now().monotonic);
        say_to_peer("pair lease",
                    pair::encode(pair::LeaseAnswer{said->life, said->sequence, grants,
                                                   watch.times().dead_after}),
                    heartbeat_attempts);
    } else if (const auto* lease = std::get_if<pair::LeaseAnswer>(&message)) {
        watch.peer_answered(*lease);
        compare_times(options.pair.peer.name, *lease);
    } else if (const auto* pass = std::get_if<pair::KeyPass>(&message)) {
        see_key(pass->key);
        const auto& gone = pass->key.departures;
        const bool command =
            concerns(pass->key.subject, options.pair.node.node) && !gone[0].out && !gone[1].out;
        if (command) {
            give(pair::ShutdownOrdered{pass->key});
        } else {
            give(pair::KeySeen{pass->key});
        }
    } else if (const auto* command = std::get_if<pair::CommandPass>(&message)) {
        see_key(command->key);
        give(pair::ShutdownOrdered{command->key});
    }
    hear_clocks();
    return !over;
}

bool NodeRunner::Work::hear_agent(const core::AgentName& from, const pair::PairMessage& message) {
    const auto& voters = options.pair.node.voters;
    if (std::find(voters.begin(), voters.end(), from) == voters.end()) return false;
    agents_heard[from] = clock_now().wall;
    if (const auto* answer = std::get_if<pair::BallotAnswer>(&message)) {
        if (answer->agent != from) return false;
        give(pair::AgentVoted{*answer});
    } else if (const auto* lease = std::get_if<pair::LeaseAnswer>(&message)) {
        watch.agent_answered(from, *lease);
        compare_times(from, *lease);
    } else if (const auto* kept = std::get_if<pair::KeyKept>(&message)) {
        give(pair::KeyStored{from, kept->key});
    } else if (const auto* command = std::get_if<pair::CommandPass>(&message)) {
        see_key(command->key);
        give(pair::ShutdownOrdered{command->key});
    }
    hear_clocks();
    return !over;
}

// Told once: the lease that follows from it is safe, and shorter than this node's file says.
void NodeRunner::Work::compare_times(const std::string& answerer, const pair::LeaseAnswer& answer) {
    const auto& times = watch.times();
    const core::Duration counts = pair::lease_within(times, answer.dead_after);
    if (counts == times.lease) {
        short_promises.erase(answerer);
    } else if (short_promises.insert(answerer).second) {
        doors.note(Message::pair_times_differ,
                   {answerer, std::to_string(answer.dead_after.ms), std::to_string(times.lease.ms),
                    std::to_string(counts.ms)});
    }
}

void NodeRunner::Work::see_key(const pair::ShutdownKey& key) {
    const auto known =
        std::find_if(keys.begin(), keys.end(), [&](const auto& one) { return one.id == key.id; });
    if (known != keys.end()) {
        *known = pair::merged(key, *known);
        return;
    }
    if (keys.size() == keys_seen_max) keys.erase(keys.begin());
    keys.push_back(key);
}

// ---- out

void NodeRunner::Work::carry_out_all(const pair::NodeEffects& effects) {
    doors.lower(watch.right(rules, clock_now().monotonic));
    for (const auto& effect : effects) {
        if (over) return;
        carry_out(effect);
    }
    if (rules.vote() && rules.vote()->wish() != pair::Wish::read) last_vote = rules.vote();
    if (rules.key()) see_key(*rules.key());
}

void NodeRunner::Work::carry_out(const pair::NodeEffect& effect) {
    if (const auto* record = std::get_if<pair::RecordNode>(&effect)) {
        if (const auto kept = store.record(record->record); !kept) {
            over = true;
            doors.broken("what this node votes can not be recorded: " + kept.error().message);
        }
    } else if (const auto* promise = std::get_if<pair::SendPromise>(&effect)) {
        doors.say(promise->agent, "pair ballot", pair::encode(promise->request), ballot_attempts);
    } else if (const auto* accept = std::get_if<pair::SendAccept>(&effect)) {
        doors.say(accept->agent, "pair ballot", pair::encode(accept->request), ballot_attempts);
    } else if (const auto* key = std::get_if<pair::SendKey>(&effect)) {
        doors.say(key->agent, "pair key", pair::encode(pair::KeyPass{key->key}), key_attempts);
    } else if (const auto* for_peer = std::get_if<pair::SendKeyToPeer>(&effect)) {
        say_to_peer("pair key", pair::encode(pair::KeyPass{for_peer->key}), key_attempts);
    } else if (const auto* order = std::get_if<pair::Order>(&effect)) {
        carry_out(*order);
    } else if (const auto* change = std::get_if<pair::StateChanged>(&effect)) {
        changed(*change);
    } else if (const auto* vote = std::get_if<pair::VoteEnded>(&effect)) {
        ended(*vote);
    } else if (const auto* forgot = std::get_if<pair::AgentForgot>(&effect)) {
        doors.note(Message::pair_agent_forgot, {forgot->agent, forgot->agent});
    } else if (const auto* refused = std::get_if<pair::ShutdownRefused>(&effect)) {
        doors.note(Message::pair_shutdown_refused, {voting::key_name(refused->key), refused->why});
    } else if (const auto* waits = std::get_if<pair::ShutdownWaits>(&effect)) {
        doors.note(Message::pair_command_waits, {voting::key_name(waits->key), own_name(),
                                                 std::string(pair::to_text(rules.state()))});
    } else if (const auto* left = std::get_if<pair::LeftService>(&effect)) {
        see_key(left->key);
        const auto& departure = left->key.departures.at(pair::index_of(options.pair.node.node));
        doors.note(Message::pair_left_service,
                   {own_name(), std::string(pair::to_text(left->key.mode)),
                    departure.clean ? "cleanly" : "not cleanly"});
    }
}

// The database does its own steps, one after the other; the devices' are for the controller.
void NodeRunner::Work::carry_out(const pair::Order& order) {
    runtime::log_info("pair: " + std::string(pair::to_text(order.step)) + ", epoch " +
                      std::to_string(order.epoch));
    const auto answered = [this, lives = std::weak_ptr<int>(alive)](pair::OrderAnswered answer) {
        if (lives.expired()) return;
        if (!answer.done)
            runtime::log_warning("pair: an order could not be carried out, or was given up");
        give(answer);
        hear_clocks();
    };
    const bool of_devices =
        order.step == pair::Step::fence_old || order.step == pair::Step::judge_claims;
    if (!of_devices) return database->carry_out(order, answered);
    doors.carry_out(order, [answered, number = order.number](bool done) {
        pair::OrderAnswered answer;
        answer.number = number;
        answer.done = done;
        answered(answer);
    });
}

void NodeRunner::Work::changed(const pair::StateChanged& change) {
    const auto& row = core::row_of(pair::node_table, change.from, change.why);
    why = std::string(row.why);
    since = clock_now().wall;
    // Before anybody gets the key: the other node asks the agents at once, and they must not
    // believe that this one still serves.
    if (change.to == NodeState::shut_down) {
        const auto heartbeat = watch.heartbeat(rules, clock_now().monotonic);
        if (heartbeat) say_heartbeat(*heartbeat);
    }
    const std::string state(pair::to_text(change.to));
    doors.note(Message::pair_state_changed, {own_name(), state, why});
    if (change.from == NodeState::taking_over && change.to == NodeState::primary_alone)
        doors.note(Message::pair_taken_over, {own_name(), options.pair.peer.name});
    if (change.to == NodeState::fenced && change.from != NodeState::fenced)
        doors.note(Message::pair_fenced, {own_name(), why});
    if (takes_requests(change.to) || change.to == NodeState::standby) missed.reset();
}

// Asked again and again: told once, until something comes of it.
void NodeRunner::Work::ended(const pair::VoteEnded& vote) {
    const bool decided = vote.state == pair::Vote::State::decided;
    runtime::log_info("pair: vote " + words_of(vote) + (decided ? ": decided" : ": not decided"));
    if (!decided) last_vote = rules.vote();
    if (decided || missed == vote.wish) return;
    missed = vote.wish;
    const bool refused = vote.state == pair::Vote::State::refused;
    doors.note(refused ? Message::pair_votes_refused : Message::pair_votes_missing,
               {own_name(), words_of(vote)});
}

// ---- the door

core::Result<std::unique_ptr<NodeRunner>> NodeRunner::open(asio::io_context& loop,
                                                           NodeOptions options,
                                                           std::unique_ptr<DatabaseDoor> database,
                                                           NodeDoors doors) {
    auto store = runtime::ControllerNodeStore::open(options.store_file);
    if (!store) return store.error();
    auto record = store->load();
    if (!record) return record.error();
    return std::unique_ptr<NodeRunner>(
        new NodeRunner(std::make_unique<Work>(loop, std::move(options), std::move(store).value(),
                                              *record, std::move(database), std::move(doors))));
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
        key = work.rules.key()->id;  // leaves already
    } else {
        const Node own = work.options.pair.node.node;
        const auto ordered =
            shut_down(own == Node::first ? pair::Subject::first : pair::Subject::second,
                      pair::ShutdownMode::immediate, "lrad", "lrad is stopped");
        if (ordered) key = ordered->id;
    }
    work.hand_over = {key, clock_now().monotonic + times.stop_timeout, {}, std::move(done)};
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
    const auto now = clock_now();
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
    if (row.action == pair::NodeAction::nothing) {
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

// What is told must be what a majority holds, or the agent could help to name a second primary.
// This node can vouch for it while it acts: as long as its time to act lasts nobody else has been
// named, and the agent that is told is not waited for longer than that.
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
    const auto& vote = work.rules.vote();
    const bool decided = vote && vote->state() == pair::Vote::State::decided;
    if (!pair::may_send(right(), clock_now().monotonic) || !decided) {
        return core::Error{"node " + work.options.name + " is " +
                           std::string(pair::to_text(work.rules.state())) +
                           " and can not vouch for the register: give the command to the node "
                           "that serves"};
    }
    const pair::Register beginning{vote->ballot(), vote->ballot(), vote->value()};
    work.doors.say(agent, "pair enrolment", pair::encode(pair::Enrolment{beginning}),
                   enrolment_attempts);
    return core::Nothing{};
}

core::Outcome NodeRunner::found() {
    Work& work = *work_;
    const auto& pair = work.options.pair.node;
    if (!work.begun || work.over) return core::Error{"this node is only just starting; try again"};
    if (!work.rules.record().witnesses.empty())
        return core::Error{
            "an agent has voted for this node before: the pair is founded already. "
            "An agent whose store was lost: `lractl pair enrol --agent NAME --reason TEXT`"};
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
    return work_->watch.right(work_->rules, clock_now().monotonic);
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
bool NodeRunner::peer_is_silent() const {
    return work_->peer_silent;
}
std::optional<core::WallTime> NodeRunner::peer_last_heard() const {
    return work_->peer_heard_at;
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
    return found->second;
}
const std::optional<pair::Vote>& NodeRunner::last_vote() const {
    return work_->last_vote;
}
const std::vector<pair::ShutdownKey>& NodeRunner::keys() const {
    return work_->keys;
}

}  // namespace agent::pair_node
