#pragma once

// Everything that goes into the rules of a voting agent, and everything that comes out.

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "agent/core/time.hpp"
#include "agent/pair/ballot.hpp"
#include "agent/pair/node_table.hpp"
#include "agent/pair/node_watch.hpp"
#include "agent/pair/shutdown_key.hpp"

namespace agent::pair {

// ---- in

// Authenticated: sent by that node.
struct PromiseAsked {
    Node from = Node::first;
    PromiseRequest request;
};
struct AcceptAsked {
    Node from = Node::first;
    AcceptRequest request;
};
// "I serve" (or not). The answer carries `life` and `sequence`.
struct NodeSaid {
    Node from = Node::first;
    std::uint64_t sequence = 0;
    bool serves = false;
    NodeState state = NodeState::recovering;
    std::uint64_t epoch = 0;
    std::uint64_t life = 0;
};
// A pass of a key. Which node has sent it, and when in its life: one that says that its sender is
// out gives back, as NodeSaid would, what that was let do.
struct KeyArrived {
    struct Sender {
        Node node = Node::first;
        std::uint64_t life = 0;
        std::uint64_t sequence = 0;
    };
    ShutdownKey key;
    std::optional<Sender> sender{};
};
// Another agent's decision, to recount.
struct DecisionHeard {
    BallotAnswer decision;
    Node candidate = Node::first;
};
// Given to this agent by an operator, or carried to it by another agent.
struct CommandArrived {
    ShutdownKey key;
};
struct CommandDelivered {
    std::string to;  // an agent's name, or "first", "second"
    KeyId key;
};
// A pair is founded, or an agent that has lost its store is taken in again by an operator: from now
// on it votes, beginning with what it is given.
struct Enrolled {
    Register beginning;
};
struct HoldSet {
    bool hold = false;
};
struct AgentTime {};

using VotingAgentInput =
    std::variant<PromiseAsked, AcceptAsked, NodeSaid, KeyArrived, DecisionHeard, CommandArrived,
                 CommandDelivered, Enrolled, HoldSet, AgentTime>;

// ---- durable

struct VotingAgentState {
    std::string instance;       // made once with the store
    std::uint64_t changes = 0;  // rises with each record
    std::optional<Register> held;
    std::vector<ShutdownKey> keys;
    bool hold = false;
    bool operator==(const VotingAgentState&) const = default;
};

// ---- out

struct RecordRegister {
    Register held;
    std::uint64_t changes = 0;
};
struct RecordKey {
    ShutdownKey key;
    std::uint64_t changes = 0;
};
struct RecordHold {
    bool hold = false;
    std::uint64_t changes = 0;
};
struct SendVote {
    Node to = Node::first;
    BallotAnswer answer;
};
// To each other agent, so that it can count too.
struct TellDecision {
    AgentName to;
    Node candidate = Node::first;
    BallotAnswer decision;
};
struct SendKeyStored {
    Node to = Node::first;
    KeyId key;
};
// The answer to what a node said of itself; see node_watch.hpp.
struct SendLease {
    Node to = Node::first;
    LeaseAnswer answer;
};
// The node's messages begin to count anew; told once. See message_order.hpp.
struct NodeBeganAnew {
    Node node = Node::first;
};
// Until CommandDelivered comes or the command is too old.
struct RelayCommand {
    std::string to;
    ShutdownKey key;
};

// Order is law: Record* are synced before anything else of their step is done.
using VotingAgentEffect =
    std::variant<RecordRegister, RecordKey, RecordHold, SendVote, TellDecision, SendKeyStored,
                 SendLease, NodeBeganAnew, RelayCommand>;
using VotingAgentEffects = std::vector<VotingAgentEffect>;

}  // namespace agent::pair
