// What is heard, what clocks say, and how it is carried out.

#include "agent/pair_node/node_work.hpp"

#include <algorithm>
#include <asio/post.hpp>
#include <chrono>

#include "agent/runtime/log.hpp"
#include "agent/voting/pair_json.hpp"

namespace agent::pair_node {

namespace {

using core::Message;
using pair::Node;
using pair::NodeState;

constexpr std::size_t keys_seen_max = 16;
constexpr std::size_t refusals_told_max = 64;
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
        const auto due = watch.due(rules, doors.now().monotonic);
        if (!due) break;
        give(*due);
    }
    if (over) return;
    doors.lower(watch.right(rules, doors.now().monotonic));
    if (const auto heartbeat = watch.heartbeat(rules, doors.now().monotonic))
        say_heartbeat(*heartbeat);
    watch_peer();
    watch_hand_over();
    // After the heartbeat: who hears of drives from this node must have heard that it serves.
    doors.changed();
    wakeup.cancel();
    const core::Duration left = watch.next_wakeup(rules) - doors.now().monotonic;
    const std::int64_t at_most = hand_over ? 100 : 1'000;
    wakeup.expires_after(std::chrono::milliseconds(std::clamp<std::int64_t>(left.ms, 1, at_most)));
    wakeup.async_wait([this, lives = std::weak_ptr<int>(alive)](const std::error_code& error) {
        if (!error && !lives.expired()) hear_clocks();
    });
}

std::string NodeRunner::Work::line_of(const pair::ShutdownKey& key) {
    const auto word = watch.next_word();
    return pair::encode(pair::KeyPass{key, word.life, word.sequence});
}

void NodeRunner::Work::say_heartbeat(const pair::Heartbeat& heartbeat) {
    const std::string line = pair::encode(heartbeat);
    for (const auto& agent : options.pair.node.voters)
        doors.say(agent, "pair heartbeat", line, heartbeat_attempts);
    say_to_peer("pair heartbeat", line, heartbeat_attempts);
}

// Whoever is silent is not handed over to.
void NodeRunner::Work::watch_peer() {
    const auto now = doors.now().monotonic;
    const bool silent =
        !peer_heard_at || now - peer_heard_at->monotonic > options.pair.times.suspect_after;
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
    const auto now = doors.now().monotonic;
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
    const auto now = doors.now();
    if (const auto* said = std::get_if<pair::Heartbeat>(&message)) {
        if (!begun) return true;
        const auto verdict = watch.peer_heard(rules, *said, now.monotonic);
        if (verdict == pair::MessageOrder::Verdict::late) return true;
        if (verdict == pair::MessageOrder::Verdict::anew)
            doors.note(Message::pair_node_begins_anew, {options.pair.peer.name});
        peer_heard_at = now;
        give(pair::PeerHeard{said->state, said->data});
        const bool grants = rules.grants_lease();
        if (said->serves && grants) watch.let_peer_act(said->life, doors.now().monotonic);
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
        const Node peer = pair::other(options.pair.node.node);
        if (begun && gone.at(pair::index_of(peer)).out) {
            const auto verdict = watch.peer_left({pass->life, pass->sequence}, now.monotonic);
            if (verdict == pair::MessageOrder::Verdict::anew)
                doors.note(Message::pair_node_begins_anew, {options.pair.peer.name});
        }
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
    agents_heard[from] = doors.now();
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

// Told once: the lease that follows from it is safe, and shorter than this node's file says. Too
// short for its heartbeats it is worth nothing, and the node may be fenced as often as it serves.
void NodeRunner::Work::compare_times(const std::string& answerer, const pair::LeaseAnswer& answer) {
    const auto& times = watch.times();
    const core::Duration counts = pair::lease_within(times, answer.dead_after);
    const std::string counts_ms = std::to_string(counts.ms);
    if (pair::is_lease_enough(times, counts)) {
        worthless_promises.erase(answerer);
    } else {
        worthless_promises[answerer] = answerer + " lets the other node serve " +
                                       std::to_string(answer.dead_after.ms) +
                                       " ms after the last word of this one, and the " + counts_ms +
                                       " ms of it that count are too few for a heartbeat each " +
                                       std::to_string(times.heartbeat.ms) + " ms: node " +
                                       own_name() + " may be fenced as often as it serves";
    }
    if (counts == times.lease) {
        short_promises.erase(answerer);
    } else if (short_promises.insert(answerer).second) {
        doors.note(Message::pair_times_differ, {answerer, std::to_string(answer.dead_after.ms),
                                                std::to_string(times.lease.ms), counts_ms});
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

// Once, however often it is carried here; of a command that was obeyed here nothing is refused.
void NodeRunner::Work::tell_refusal(const pair::ShutdownRefused& refused) {
    if (std::find(obeyed.begin(), obeyed.end(), refused.key) != obeyed.end()) return;
    const std::pair told{refused.key, refused.why};
    if (std::find(refusals.begin(), refusals.end(), told) != refusals.end()) return;
    if (refusals.size() == refusals_told_max) refusals.pop_front();
    refusals.push_back(told);
    doors.note(Message::pair_shutdown_refused, {voting::key_name(refused.key), refused.why});
}

// ---- out

void NodeRunner::Work::carry_out_all(const pair::NodeEffects& effects) {
    doors.lower(watch.right(rules, doors.now().monotonic));
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
        doors.say(key->agent, "pair key", line_of(key->key), key_attempts);
    } else if (const auto* for_peer = std::get_if<pair::SendKeyToPeer>(&effect)) {
        say_to_peer("pair key", line_of(for_peer->key), key_attempts);
    } else if (const auto* order = std::get_if<pair::Order>(&effect)) {
        carry_out(*order);
    } else if (const auto* change = std::get_if<pair::StateChanged>(&effect)) {
        changed(*change);
    } else if (const auto* vote = std::get_if<pair::VoteEnded>(&effect)) {
        ended(*vote);
    } else if (const auto* forgot = std::get_if<pair::AgentForgot>(&effect)) {
        doors.note(Message::pair_agent_forgot, {forgot->agent, forgot->agent});
    } else if (const auto* refused = std::get_if<pair::ShutdownRefused>(&effect)) {
        tell_refusal(*refused);
    } else if (const auto* waits = std::get_if<pair::ShutdownWaits>(&effect)) {
        doors.note(Message::pair_command_waits, {voting::key_name(waits->key), own_name(),
                                                 std::string(pair::to_text(rules.state()))});
    } else if (const auto* left = std::get_if<pair::LeftService>(&effect)) {
        see_key(left->key);
        if (obeyed.size() == refusals_told_max) obeyed.pop_front();
        obeyed.push_back(left->key.id);
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
    since = doors.now().wall;
    // Before anybody gets the key: the other node asks the agents at once, and they must not
    // believe that this one still serves.
    if (change.to == NodeState::shut_down) {
        const auto heartbeat = watch.heartbeat(rules, doors.now().monotonic);
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

}  // namespace agent::pair_node
