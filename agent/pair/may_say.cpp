#include "agent/pair/may_say.hpp"

namespace agent::pair {
namespace {

struct MaySay {
    Member speaker;
    Member listener;

    [[nodiscard]] bool from_node_to_agent() const {
        return speaker == Member::node && listener == Member::agent;
    }
    [[nodiscard]] bool from_agent_to_node() const {
        return speaker == Member::agent && listener == Member::node;
    }

    bool operator()(const PromiseRequest&) const { return from_node_to_agent(); }
    bool operator()(const AcceptRequest&) const { return from_node_to_agent(); }
    bool operator()(const Enrolment&) const { return from_node_to_agent(); }
    bool operator()(const BallotAnswer&) const { return from_agent_to_node(); }
    bool operator()(const KeyKept&) const { return from_agent_to_node(); }
    bool operator()(const DecisionTold&) const {
        return speaker == Member::agent && listener == Member::agent;
    }
    // The other node's answer to "I serve" counts as an agent's does.
    bool operator()(const Heartbeat&) const { return speaker == Member::node; }
    bool operator()(const LeaseAnswer&) const { return listener == Member::node; }
    bool operator()(const KeyPass&) const { return speaker == Member::node; }
    bool operator()(const CommandPass&) const { return true; }
};

}  // namespace

bool may_say(Member speaker, Member listener, const PairMessage& message) {
    return std::visit(MaySay{speaker, listener}, message);
}

}  // namespace agent::pair
