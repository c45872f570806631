#include "test/sim/pair/world.hpp"

#include <algorithm>
#include <cstdio>

#include "agent/core/enumerator_names.hpp"

namespace pair_sim {
namespace {

using agent::core::EnumeratorName;

constexpr EnumeratorName<Bug> bug_names[] = {
    {Bug::none, "none"},
    {Bug::one_round, "one_round"},
    {Bug::threshold_lowered, "threshold_lowered"},
    {Bug::sync_off_before_accept, "sync_off_before_accept"},
    {Bug::pair_before_sync, "pair_before_sync"},
    {Bug::agents_forget, "agents_forget"},
    {Bug::resume_without_reading, "resume_without_reading"},
    {Bug::warning_is_success, "warning_is_success"},
    {Bug::no_barrier, "no_barrier"},
    {Bug::ballot_used_again, "ballot_used_again"},
    {Bug::lease_ignored, "lease_ignored"},
    {Bug::agents_hear_nobody, "agents_hear_nobody"},
    {Bug::rewind_before_checkpoint, "rewind_before_checkpoint"},
    {Bug::times_not_compared, "times_not_compared"},
    {Bug::sequence_alone, "sequence_alone"},
    {Bug::vouches_without_right, "vouches_without_right"},
};

pair::NodeConfiguration configuration_for(const Options& options, Node node) {
    pair::NodeConfiguration configuration;
    configuration.node = node;
    configuration.cluster = "c";
    for (std::size_t index = 0; index < options.agents; ++index) {
        configuration.voters.push_back(agent_name(index));
    }
    configuration.threshold = pair::least_threshold(options.agents);
    if (options.bug == Bug::threshold_lowered && configuration.threshold > 0) {
        --configuration.threshold;
    }
    return configuration;
}

pair::Register beginning_for(const Options& options) {
    const auto configuration = configuration_for(options, Node::first);
    return {{},
            {},
            {"c", 1, pair::Relation::pair, Node::first, 1, configuration.voters,
             configuration.threshold}};
}

}  // namespace

std::string agent_name(std::size_t index) {
    return "a" + std::to_string(index + 1);
}

std::string_view to_text(Bug bug) {
    return name_of(bug_names, bug);
}

World::World(Options options)
    : options_(options), agents_(options.agents), cut_(2 + 4 * options.agents, false) {
    const LogRecord beginning{0, 1, pair::Relation::pair, Node::first};
    for (auto& server : servers_) {
        server.log.push_back(beginning);
        server.clean = true;
    }
    servers_[0].primary = true;
    for (std::size_t index = 0; index < agents_.size(); ++index) {
        agents_[index].disk.instance = "i" + std::to_string(index);
        agents_[index].disk.held = beginning_for(options_);
        boot_agent(index);
    }
}

void World::settle() {
    now_ += 20'000;  // agents have run for longer than anybody's time to act lasts
    boot(Node::first);
    boot(Node::second);
    run_quietly(60);
    Budget one;
    one.claims = 1;
    apply({Kind::claim, Node::first, 0}, one);
    run_quietly(10);
}

Instant World::now_of(Node node) const {
    const auto at = pair::index_of(node);
    return {(now_ - stood_still_[at]) * rate_[at] / 1000 + offset_[at]};
}

void World::clock_faults(Node node, std::int64_t rate_per_mille, std::int64_t offset_ms,
                         bool stops_when_paused) {
    const auto at = pair::index_of(node);
    rate_[at] = rate_per_mille;
    offset_[at] = offset_ms;
    stops_when_paused_[at] = stops_when_paused;
}

// ---- nodes

const pair::NodeTimes& World::times_of(Node node) const {
    const bool others = node == Node::first && options_.times_of_first;
    return others ? *options_.times_of_first : options_.times;
}

void World::boot(Node node) {
    Process& process = processes_[pair::index_of(node)];
    process.up = true;
    process.paused = false;
    ++process.lives;
    process.orders.clear();
    process.order_begun = false;
    process.commits.clear();
    process.acknowledged = 0;
    if (options_.timed) {
        if (process.lives % 2 == 1) {
            process.old_disk = process.disk;
            process.old_starts = process.starts;
        }
        process.disk.ballot_mark = process.lives;
    }
    process.rules.emplace(configuration_for(options_, node), process.disk);
    if (options_.timed) {
        const std::uint64_t life = options_.bug == Bug::sequence_alone ? 0 : process.lives;
        process.watch.emplace(times_of(node), life, ++process.starts << 32U, now_of(node));
    }
    trace("starts", node, process.lives);
    carry_out(node, process.rules->start(data_of(node)));
}

void World::end(Node node) {
    Process& process = processes_[pair::index_of(node)];
    trace("ends", node, process.lives);
    process.served_alone = process.rules && process.rules->acts();
    static_cast<void>(give_up_commits(node));
    process.orders.clear();
    process.up = false;
    process.rules.reset();
    process.watch.reset();
    std::erase_if(messages_, [node](const Message& message) {
        return message.node == node && !message.to_agent;
    });
}

void World::give(Node node, const pair::NodeInput& input) {
    Process& process = processes_[pair::index_of(node)];
    if (!process.up) return;
    trace("takes", node, input.index());
    carry_out(node, process.rules->step(input));
    if (!process.up || violation_) return;
    if (process.rules->data() != data_of(node) && !process.paused) {
        give(node, data_of(node));
    }
}

void World::hear_clock(Node node) {
    Process& process = processes_[pair::index_of(node)];
    if (!process.up || process.paused || !options_.timed) return;
    for (int said = 0; said < 10 && process.up; ++said) {
        const auto due = process.watch->due(*process.rules, now_of(node));
        if (!due) break;
        give(node, *due);
    }
    if (!process.up) return;
    const auto heartbeat = process.watch->heartbeat(*process.rules, now_of(node));
    if (!heartbeat) return;
    for (std::size_t index = 0; index < agents_.size(); ++index) {
        send({node, static_cast<int>(index), true, *heartbeat});
    }
    send({pair::other(node), -1, false, PeerSays{*heartbeat}});
}

void World::advance(std::int64_t ms) {
    for (std::size_t at = 0; at < 2; ++at) {
        if (processes_[at].paused && stops_when_paused_[at]) stood_still_[at] += ms;
    }
    now_ += ms;
    for (const Node node : {Node::first, Node::second}) {
        hear_clock(node);
    }
    for (std::size_t index = 0; index < agents_.size(); ++index) {
        if (agents_[index].up) give_agent(index, pair::AgentTime{});
    }
}

pair::KeyPass World::pass_of(Process& process, const pair::ShutdownKey& key) {
    if (!process.watch) return {key};
    const auto word = process.watch->next_word();
    return {key, word.life, word.sequence};
}

void World::carry_out(Node node, pair::NodeEffects effects) {
    int carried_out = 0;
    for (auto& effect : effects) {
        Process& process = processes_[pair::index_of(node)];
        if (!process.up) return;
        if (crash_after_ >= 0 && carried_out == crash_after_) {
            crash_after_ = -1;
            end(node);
            return;
        }
        ++carried_out;
        if (const auto* record = std::get_if<pair::RecordNode>(&effect)) {
            const auto counter = process.disk.ballot_counter;
            process.disk = record->record;
            if (options_.bug == Bug::ballot_used_again) process.disk.ballot_counter = counter;
        } else if (auto* promise = std::get_if<pair::SendPromise>(&effect)) {
            const bool early = options_.bug == Bug::sync_off_before_accept &&
                               promise->request.wish == pair::Wish::alone;
            if (early) servers_[pair::index_of(node)].sync = false;
            const int agent = std::stoi(promise->agent.substr(1)) - 1;
            send({node, agent, true, promise->request});
        } else if (auto* accept = std::get_if<pair::SendAccept>(&effect)) {
            const int agent = std::stoi(accept->agent.substr(1)) - 1;
            send({node, agent, true, accept->request});
        } else if (auto* key = std::get_if<pair::SendKey>(&effect)) {
            send({node, std::stoi(key->agent.substr(1)) - 1, true, pass_of(process, key->key)});
        } else if (auto* for_peer = std::get_if<pair::SendKeyToPeer>(&effect)) {
            send({pair::other(node), -1, false, pass_of(process, for_peer->key)});
        } else if (auto* order = std::get_if<pair::Order>(&effect)) {
            process.orders.push_back(*order);
        } else if (const auto* change = std::get_if<pair::StateChanged>(&effect)) {
            trace(pair::to_text(change->to), node, static_cast<std::uint64_t>(change->why));
            if (change->to == pair::NodeState::taking_over) ++takeovers_;
        } else if (const auto* vote = std::get_if<pair::VoteEnded>(&effect)) {
            trace("vote", node, static_cast<std::uint64_t>(vote->state));
        }
    }
    // The planted one round: who has promised is taken to have accepted.
    Process& process = processes_[pair::index_of(node)];
    if (options_.bug == Bug::one_round && process.up && process.rules->vote_is_open() &&
        process.rules->vote()->state() == pair::Vote::State::accepting) {
        const pair::Vote vote = *process.rules->vote();
        for (const auto& [agent, answer] : vote.answers()) {
            if (!answer.granted || answer.round != pair::BallotAnswer::Round::promise) continue;
            pair::BallotAnswer accepted = answer;
            accepted.round = pair::BallotAnswer::Round::accept;
            accepted.accepted = vote.ballot();
            if (process.up) give(node, pair::AgentVoted{accepted});
        }
    }
    // The planted resumption: a node that served takes itself for the one to go on, alone.
    if (options_.bug == Bug::resume_without_reading && process.up && process.served_alone &&
        process.rules->vote_is_open() && process.rules->vote()->wish() == pair::Wish::read) {
        process.served_alone = false;
        const auto ballot = process.rules->vote()->ballot();
        for (const auto round :
             {pair::BallotAnswer::Round::promise, pair::BallotAnswer::Round::accept}) {
            for (std::size_t index = 0; index < agents_.size() && process.up; ++index) {
                pair::BallotAnswer answer;
                answer.agent = agent_name(index);
                answer.round = round;
                answer.ballot = ballot;
                answer.granted = true;
                answer.value = beginning_for(options_).value;
                answer.value->epoch = process.rules->data().epoch;
                answer.value->relation = pair::Relation::alone;
                answer.value->primary = node;
                give(node, pair::AgentVoted{answer});
            }
        }
    }
}

// ---- wires

void World::send(Message message) {
    if (mute_) return;
    // An answer is heard in the same moment where the world has no clocks, unless nobody listens.
    const Process& receiver = processes_[pair::index_of(message.node)];
    if (!options_.timed && !message.to_agent && receiver.up && !receiver.paused) {
        deliver(message);
        return;
    }
    messages_.push_back(std::move(message));
}

bool World::passes(const Message& message) const {
    const Process& process = processes_[pair::index_of(message.node)];
    if (message.agent < 0) {
        return !cut_[message.node == Node::second ? 0 : 1] && process.up && !process.paused;
    }
    const std::size_t first =
        2 + 4 * static_cast<std::size_t>(message.agent) + (message.node == Node::second ? 2 : 0);
    if (message.to_agent) {
        return !cut_[first] && agents_[static_cast<std::size_t>(message.agent)].up;
    }
    return !cut_[first + 1] && process.up && !process.paused;
}

void World::deliver(const Message& message) {
    const Node node = message.node;
    const auto index = static_cast<std::size_t>(message.agent);
    if (message.to_agent) {
        if (const auto* promise = std::get_if<pair::PromiseRequest>(&message.what)) {
            give_agent(index, pair::PromiseAsked{node, *promise});
        } else if (const auto* accept = std::get_if<pair::AcceptRequest>(&message.what)) {
            give_agent(index, pair::AcceptAsked{node, *accept});
        } else if (const auto* pass = std::get_if<pair::KeyPass>(&message.what)) {
            pair::KeyArrived arrived{pass->key};
            if (options_.timed) arrived.sender = {node, pass->life, pass->sequence};
            give_agent(index, arrived);
        } else if (const auto* said = std::get_if<pair::Heartbeat>(&message.what)) {
            give_agent(index, pair::NodeSaid{node, said->sequence, said->serves, said->state,
                                             said->data.epoch, said->life});
        } else if (const auto* told = std::get_if<pair::Enrolment>(&message.what)) {
            give_agent(index, pair::Enrolled{told->beginning});
        }
        return;
    }
    Process& process = processes_[pair::index_of(node)];
    if (const auto* answer = std::get_if<pair::BallotAnswer>(&message.what)) {
        give(node, pair::AgentVoted{*answer});
    } else if (const auto* pass = std::get_if<pair::KeyPass>(&message.what)) {
        const pair::ShutdownKey* key = &pass->key;
        const bool peer_is_out = key->departures[pair::index_of(pair::other(node))].out;
        if (process.watch && peer_is_out) {
            static_cast<void>(process.watch->peer_left({pass->life, pass->sequence}, now_of(node)));
        }
        // The command itself is carried to the other node in the same way as what became of it.
        const bool command =
            concerns(key->subject, node) && !key->departures[0].out && !key->departures[1].out;
        if (command) {
            give(node, pair::ShutdownOrdered{*key});
        } else {
            give(node, pair::KeySeen{*key});
        }
    } else if (const auto* id = std::get_if<pair::KeyId>(&message.what)) {
        give(node, pair::KeyStored{agent_name(index), *id});
    } else if (const auto* lease = std::get_if<pair::LeaseAnswer>(&message.what)) {
        pair::LeaseAnswer granted = *lease;
        if (options_.bug == Bug::times_not_compared) granted.dead_after = times_of(node).dead_after;
        if (message.agent < 0) {
            process.watch->peer_answered(granted);
        } else {
            process.watch->agent_answered(agent_name(index), granted);
        }
    } else if (const auto* says = std::get_if<PeerSays>(&message.what)) {
        const auto verdict =
            process.watch->peer_heard(*process.rules, says->heartbeat, now_of(node));
        if (verdict == pair::MessageOrder::Verdict::late) return;
        give(node, pair::PeerHeard{says->heartbeat.state, says->heartbeat.data});
        if (!process.up) return;
        if (says->heartbeat.serves && process.rules->grants_lease()) {
            process.watch->let_peer_act(says->heartbeat.life, now_of(node));
        }
        send({pair::other(node), -1, false,
              pair::LeaseAnswer{says->heartbeat.life, says->heartbeat.sequence,
                                process.rules->grants_lease(), times_of(node).dead_after}});
    }
}

void World::deliver_now(const Message& message, bool mute) {
    mute_ = mute;
    deliver(message);
    mute_ = false;
}

void World::forget_dead_messages() {
    std::erase_if(messages_, [this](const Message& message) {
        if (!message.to_agent) return false;
        const auto* promise = std::get_if<pair::PromiseRequest>(&message.what);
        const auto* accept = std::get_if<pair::AcceptRequest>(&message.what);
        if (promise == nullptr && accept == nullptr) return false;
        const auto ballot = promise != nullptr ? promise->ballot : accept->ballot;
        const auto& held = agents_[static_cast<std::size_t>(message.agent)].disk.held;
        const Process& sender = processes_[pair::index_of(message.node)];
        const bool waited_for = sender.rules && sender.rules->vote_is_open() &&
                                sender.rules->vote()->ballot() == ballot;
        return held && ballot < held->promised && !waited_for;
    });
}

// ---- after the faults

void World::heal_all() {
    cut_.assign(cut_.size(), false);
    for (const Node node : {Node::first, Node::second}) {
        Process& process = processes_[pair::index_of(node)];
        servers_[pair::index_of(node)].frozen = false;
        process.paused = false;
        if (!process.up) boot(node);
        if (process.rules->state() == pair::NodeState::shut_down ||
            process.rules->state() == pair::NodeState::draining) {
            end(node);
            boot(node);
        }
    }
    for (std::size_t index = 0; index < agents_.size(); ++index) {
        if (!agents_[index].up) boot_agent(index);
        for (const Node node : {Node::first, Node::second}) {
            if (is_to_be_enrolled(node, index)) enrol(node, index);
        }
    }
}

void World::run_quietly(int rounds) {
    Budget none;
    for (int round = 0; round < rounds && !violation_; ++round) {
        for (int turn = 0; turn < 200; ++turn) {
            const auto all = choices(none);
            const auto quiet = std::find_if(all.begin(), all.end(), [](const Choice& choice) {
                return choice.kind == Kind::deliver || choice.kind == Kind::order ||
                       choice.kind == Kind::replicate || choice.kind == Kind::confirm ||
                       choice.kind == Kind::acknowledge || choice.kind == Kind::look ||
                       choice.kind == Kind::hear_peer;
            });
            if (quiet == all.end() || violation_) break;
            apply(*quiet, none);
        }
        if (options_.timed) advance(500);
    }
}

std::optional<std::string> World::not_converged() const {
    for (const Node node : {Node::first, Node::second}) {
        const Process& process = processes_[pair::index_of(node)];
        const Process& peer = processes_[pair::index_of(pair::other(node))];
        if (!process.up || process.rules->state() != pair::NodeState::primary) continue;
        if (!peer.up || peer.rules->state() != pair::NodeState::standby) break;
        if (servers_[0].log != servers_[1].log) return "the two copies differ";
        for (const auto& agent : agents_) {
            if (!agent.disk.held) return "an agent has no register";
        }
        for (const Node one : {Node::first, Node::second}) {
            const Process& its = processes_[pair::index_of(one)];
            if (its.watch && its.watch->peer_is_suspect(now_of(one))) {
                return std::string(pair::to_text(one)) + " does not hear the other node";
            }
        }
        if (process.watch && !process.watch->agents_consent(*process.rules, now_of(node))) {
            return std::string(pair::to_text(node)) + " serves by the other node's leave alone";
        }
        for (const auto claim : acknowledged_) {
            const auto& log = servers_[pair::index_of(node)].log;
            if (std::none_of(log.begin(), log.end(),
                             [claim](const auto& record) { return record.claim == claim; })) {
                return "claim " + std::to_string(claim) + " was acknowledged and is lost";
            }
        }
        return std::nullopt;
    }
    std::string states;
    for (const auto& process : processes_) {
        states += process.up ? std::string(pair::to_text(process.rules->state())) : "down";
        states += process.up ? " (" + std::string(to_text(process.rules->procedure())) + ") " : " ";
    }
    return "the nodes are " + states;
}

void World::trace(std::string_view what, Node node, std::uint64_t number) {
    const auto mix = [this](std::string_view text) {
        for (const char letter : text) {
            trace_ ^= static_cast<unsigned char>(letter);
            trace_ *= 0x100000001b3U;
        }
    };
    const std::string at = std::to_string(now_);
    const std::string count = std::to_string(number);
    mix(at);
    mix(what);
    mix(pair::to_text(node));
    mix(count);
    if (!printing_) return;
    const Process& process = processes_[pair::index_of(node)];
    std::printf("%s %-6s %-14s %s%s%s\n", at.c_str(), std::string(pair::to_text(node)).c_str(),
                process.rules ? std::string(pair::to_text(process.rules->state())).c_str() : "-",
                std::string(what).c_str(), " ", count.c_str());
}

}  // namespace pair_sim
