#include "agent/lrad/pair_view.hpp"

#include "agent/pair/acting_right.hpp"

namespace agent::lrad {

using pair::NodeState;

namespace {

// What an agent answered to the newest vote: nothing, when it did not, or was enrolled since.
const pair::BallotAnswer* newest_answer(const pair_node::NodeRunner& node,
                                        const BallotsAtEnrolment& enrolled,
                                        const core::AgentName& agent) {
    const auto& vote = node.last_vote() ? node.last_vote() : node.rules().vote();
    if (!vote) return nullptr;
    const auto known = enrolled.find(agent);
    if (known != enrolled.end() && known->second == vote->ballot()) return nullptr;
    const auto found = vote->answers().find(agent);
    return found == vote->answers().end() ? nullptr : &found->second;
}

bool says_unregistered(const pair::BallotAnswer* answer) {
    return answer != nullptr && !answer->granted &&
           answer->objection == pair::Objection::not_registered;
}

}  // namespace

PairSeen pair_seen(const pair_node::NodeRunner& node, const BallotsAtEnrolment& enrolled) {
    const auto& options = node.options();
    PairSeen seen;
    seen.own = options.name;
    seen.other = options.pair.peer.name;
    seen.state = node.rules().state();
    seen.why = node.why();
    seen.other_heard = !node.peer_is_silent();
    seen.receives = node.rules().data().receives;
    seen.replication = replication_of(node);
    seen.short_promises = node.worthless_promises();
    for (const auto& name : options.pair.node.voters) {
        const bool heard = node.agent_is_heard(name, options.pair.times.dead_after);
        seen.voters.push_back(
            {name, heard, says_unregistered(newest_answer(node, enrolled, name))});
    }
    return seen;
}

std::int32_t wire_state(NodeState state) {
    switch (state) {
        case NodeState::single:
            return 2;
        case NodeState::recovering:
            return 3;
        case NodeState::offline:
            return 4;
        case NodeState::primary:
            return 5;
        case NodeState::waiting_peer:
            return 6;
        case NodeState::primary_alone:
            return 7;
        case NodeState::standby:
            return 8;
        case NodeState::taking_over:
            return 9;
        case NodeState::draining:
            return 10;
        case NodeState::shut_down:
            return 11;
        case NodeState::fenced:
            return 12;
    }
    return 1;
}

snmp_mib::MibPair mib_pair(const pair_node::NodeRunner& node, const BallotsAtEnrolment& enrolled,
                           core::Now now) {
    const auto& options = node.options();
    const auto seen = pair_seen(node, enrolled);
    snmp_mib::MibPair pair;
    pair.name = options.pair.node.cluster;
    pair.state = node.started() ? wire_state(seen.state) : wire_state(NodeState::recovering);
    pair.epoch = node.rules().data().epoch;
    pair.acts = pair::may_send(node.right(), now.monotonic);
    pair.peer_heard = seen.other_heard;
    pair.copy = static_cast<std::int32_t>(seen.replication.copy) + 1;
    pair.lag = seen.replication.lag.value_or(0);
    pair.members.push_back({.name = seen.own,
                            .heard = true,
                            .last_heard = now.wall,
                            .state = pair.state,
                            .epoch = pair.epoch});
    const auto& peer = node.rules().peer();
    pair.members.push_back({.name = seen.other,
                            .heard = seen.other_heard,
                            .last_heard = node.peer_last_heard().value_or(core::WallTime{}),
                            .state = peer ? wire_state(peer->state) : 1,
                            .epoch = peer ? peer->data.epoch : 0});
    for (const auto& voter : seen.voters) {
        const auto* answer = newest_answer(node, enrolled, voter.name);
        std::string vote;
        if (answer != nullptr)
            vote = answer->granted ? "yes" : std::string(pair::to_text(answer->objection));
        pair.members.push_back(
            {.name = voter.name,
             .voter = true,
             .heard = voter.heard,
             .last_heard = node.agent_last_heard(voter.name).value_or(core::WallTime{}),
             .registered = !voter.unregistered,
             .vote = std::move(vote)});
    }
    return pair;
}

}  // namespace agent::lrad
