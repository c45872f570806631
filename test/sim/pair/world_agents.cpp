// Agents, and how one that has lost its store is taken in again.

#include <algorithm>

#include "test/sim/pair/world.hpp"

namespace pair_sim {
namespace {

// A claim of these worlds may take this long to be judged; with clocks that do not matter the
// agents of an untimed world hear nobody.
constexpr Instant untimed_now{1'000'000'000};

}  // namespace

void World::boot_agent(std::size_t index) {
    AgentProcess& agent = agents_[index];
    agent.up = true;
    pair::VotingAgentConfiguration configuration;
    configuration.agent = agent_name(index);
    configuration.dead_after = options_.times.dead_after;
    if (options_.bug == Bug::agents_hear_nobody) configuration.dead_after = {0};
    agent.rules.emplace(configuration, agent.disk, options_.timed ? Instant{now_} : Instant{0});
}

void World::give_agent(std::size_t index, const pair::VotingAgentInput& input) {
    AgentProcess& agent = agents_[index];
    const auto effects = agent.rules->step(input, options_.timed ? Instant{now_} : untimed_now);
    for (const auto& effect : effects) {
        if (const auto* record = std::get_if<pair::RecordRegister>(&effect)) {
            judge_accepted(record->held, index);
        }
    }
    agent.disk = agent.rules->state();
    for (const auto& effect : effects) {
        const int from = static_cast<int>(index);
        if (const auto* vote = std::get_if<pair::SendVote>(&effect)) {
            send({vote->to, from, false, vote->answer});
        } else if (const auto* stored = std::get_if<pair::SendKeyStored>(&effect)) {
            send({stored->to, from, false, stored->key});
        } else if (const auto* lease = std::get_if<pair::SendLease>(&effect)) {
            pair::LeaseAnswer answer = lease->answer;
            if (options_.bug == Bug::agents_hear_nobody)
                answer.dead_after = options_.times.dead_after;
            send({lease->to, from, false, answer});
        }
    }
}

// One at a time: with fewer registers than decide nobody could vouch for one.
bool World::may_lose_store(std::size_t index) const {
    const auto registered = [](const AgentProcess& agent) { return agent.disk.held.has_value(); };
    return agents_.size() >= 3 && agents_[index].up &&
           std::all_of(agents_.begin(), agents_.end(), registered);
}

void World::lose_store(std::size_t index) {
    AgentProcess& agent = agents_[index];
    agent.disk = {};
    agent.disk.instance = "i" + std::to_string(index) + "." + std::to_string(++agent.stores);
    boot_agent(index);
    trace("loses its store", Node::first, index);
    // Too old for SNMPv3 by the time that a store is lost again.
    std::erase_if(messages_, [index](const Message& message) {
        return message.to_agent && message.agent == static_cast<int>(index) &&
               std::holds_alternative<pair::Enrolment>(message.what);
    });
}

bool World::knows_another_store(Node node, std::size_t index) const {
    const Process& process = processes_[pair::index_of(node)];
    const auto& record = process.rules ? process.rules->record() : process.disk;
    const auto witness = record.witnesses.find(agent_name(index));
    return witness != record.witnesses.end() &&
           witness->second.instance != agents_[index].disk.instance;
}

// The command is given on both nodes: to be told the register, and to be counted again.
bool World::is_to_be_enrolled(Node node, std::size_t index) const {
    const Process& process = processes_[pair::index_of(node)];
    if (!process.up || process.paused) return false;
    return !agents_[index].disk.held || knows_another_store(node, index);
}

// `lractl pair enrol --agent` on this node.
void World::enrol(Node node, std::size_t index) {
    give(node, pair::AgentEnrolled{agent_name(index)});
    Process& process = processes_[pair::index_of(node)];
    if (!process.up || process.paused || violation_) return;
    if (process.rules->state() == pair::NodeState::standby) return;
    pair::ActingRight right;
    if (process.watch) {
        right = process.watch->right(*process.rules, now_of(node));
    } else {
        right.may_act = process.rules->acts() && nobody_else_asks(node);
        right.until = pair::for_ever;
    }
    if (options_.bug == Bug::vouches_without_right) {
        right.may_act = true;
        right.until = pair::for_ever;
    }
    const auto beginning = process.rules->vouch(right, now_of(node));
    trace("vouches", node, beginning ? beginning->accepted.counter : 0);
    if (beginning) send({node, static_cast<int>(index), true, pair::Enrolment{*beginning}});
}

// Without clocks: as long as a node's time to act lasts, the other one has not begun to ask.
bool World::nobody_else_asks(Node node) const {
    const auto& vote = processes_[pair::index_of(node)].rules->vote();
    const Process& peer = processes_[pair::index_of(pair::other(node))];
    if (peer.rules && (peer.rules->acts() || peer.rules->vote_is_open())) return false;
    return vote && std::all_of(agents_.begin(), agents_.end(), [&](const AgentProcess& agent) {
               return !agent.disk.held || agent.disk.held->promised.node == node ||
                      agent.disk.held->promised < vote->ballot();
           });
}

}  // namespace pair_sim
