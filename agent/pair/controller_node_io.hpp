#pragma once

// Everything that goes into the rules of one controller node of a pair, and everything that comes
// out. No time in here: what clocks say comes in as PeerMissing, LeaseOver and their like
// (node_watch.hpp), so that every order of events can be tried.

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "agent/pair/ballot.hpp"
#include "agent/pair/node_table.hpp"
#include "agent/pair/procedure.hpp"
#include "agent/pair/shutdown_key.hpp"

namespace agent::pair {

struct NodeConfiguration {
    Node node = Node::first;
    std::string cluster;
    std::vector<AgentName> voters;
    std::uint32_t threshold = 0;
    bool has_peer = true;
    bool operator==(const NodeConfiguration&) const = default;
};
// What is wrong with it, in words; nothing when it is right. A threshold below floor(N/2) lets two
// nodes serve at the same time.
[[nodiscard]] std::optional<std::string> fault_of(const NodeConfiguration& configuration);

// ---- in

// The newest epoch record in the local copy of the table, and what its server says of the other's.
// epoch 0: there is no copy, or it is being replaced.
struct DataSeen {
    enum class Standby : std::uint8_t { none, streaming, in_sync };
    std::uint64_t epoch = 0;
    Relation relation = Relation::pair;
    Node primary = Node::first;
    LogPosition position;
    Standby standby = Standby::none;  // of a primary: the other's copy
    bool receives = false;            // of a standby: what the other writes comes in
    bool operator==(const DataSeen&) const = default;
};

// The answer to Order. A commit that was answered with any warning is not done.
struct OrderAnswered {
    std::uint64_t number = 0;
    bool done = false;
    bool clean = false;      // of stop_database: the last record is that of an orderly stop
    LogPosition position{};  // of stop_database
    bool operator==(const OrderAnswered&) const = default;
};

struct DatabaseLost {};

// Authenticated: sent by that agent.
struct AgentVoted {
    BallotAnswer answer;
};
struct KeyStored {
    AgentName agent;
    KeyId key;
};

// What the other node says of itself.
struct PeerHeard {
    NodeState state = NodeState::recovering;
    DataSeen data;
};
// A key, as an agent or the other node has it.
struct KeySeen {
    ShutdownKey key;
};

struct MountsSeen {
    MountsLeft left;
};

// Given to this node, or carried to it by an agent or the other node. Its key says what is meant.
struct ShutdownOrdered {
    ShutdownKey key;
};
// The program is being stopped: whoever leaves already waits for nobody any more.
struct StopOrdered {};
// Both take back a command that waits, or whose keys are collected.
struct RecoverOrdered {};
struct ForcedStartOrdered {};
// An operator has taken in an agent whose store was lost: what was known of its store counts for
// nothing any more.
struct AgentEnrolled {
    AgentName agent;
};

// From node_watch.hpp.
struct PeerMissing {};
struct LeaseOver {};
// Not more than the threshold of agents lets this node act, and some that answer refuse: they have
// promised a vote of the other node which it has given up.
struct ConsentMissing {};
struct RetryDue {};
struct VoteTimeOver {};
struct KeyTimeOver {};
struct WaitingTimeOver {};
struct DrainTimeOver {};

using NodeInput =
    std::variant<DataSeen, OrderAnswered, DatabaseLost, AgentVoted, KeyStored, PeerHeard, KeySeen,
                 MountsSeen, ShutdownOrdered, RecoverOrdered, ForcedStartOrdered, PeerMissing,
                 LeaseOver, RetryDue, VoteTimeOver, KeyTimeOver, DrainTimeOver, AgentEnrolled,
                 StopOrdered, WaitingTimeOver, ConsentMissing>;

// ---- durable

// What is known of an agent's store: another instance, or a count that went back, has forgotten.
struct Witness {
    std::string instance;
    std::uint64_t changes = 0;
    bool operator==(const Witness&) const = default;
};

// A node whose state folder was lost, or set back to an old copy, does not know which ballots it
// has used: each start of the program has its own, those whose counter leaves its mark when divided
// by this.
inline constexpr std::uint64_t ballot_marks = 1U << 20U;

struct NodeRecord {
    std::uint64_t ballot_counter = 0;  // no ballot with this counter or a lower one is used again
    std::uint64_t ballot_mark = 0;     // below ballot_marks; random, made at each start
    std::map<AgentName, Witness> witnesses;
    KeyId last_order;  // newest shutdown command that was obeyed or taken back
    bool operator==(const NodeRecord&) const = default;
};

// ---- out

struct RecordNode {
    NodeRecord record;
};
struct SendPromise {
    AgentName agent;
    PromiseRequest request;
};
struct SendAccept {
    AgentName agent;
    AcceptRequest request;
};
struct SendKey {
    AgentName agent;
    ShutdownKey key;
};
struct SendKeyToPeer {
    ShutdownKey key;
};
// To the world; carried out one after the other in the order of their numbers, each answered once.
struct Order {
    std::uint64_t number = 0;
    Step step = Step::barrier;
    // Of barrier: what the record says. Of the rest: the epoch they are done under.
    std::uint64_t epoch = 0;
    Relation relation = Relation::pair;
    Node primary = Node::first;
    bool at_once = false;  // of stop_database: the mode waits for nothing
};
struct StateChanged {
    NodeState from = NodeState::recovering;
    NodeState to = NodeState::recovering;
    NodeEvent why = NodeEvent::retry_due;
};
struct VoteEnded {
    Wish wish = Wish::read;
    Vote::State state = Vote::State::missing;
    Objection objection = Objection::none;
    Verdict verdict;
};
// An agent whose store is not the one it was, or has gone back: its votes count for nothing until
// it is enrolled again.
struct AgentForgot {
    AgentName agent;
};
struct ShutdownRefused {
    KeyId key;
    std::string why;
};
// It comes while the node changes its role, or the role changes while its keys are collected.
// Obeyed when that is done, refused when it lasts too long or the node is told to come back; one at
// a time, the newest.
struct ShutdownWaits {
    KeyId key;
};
struct LeftService {
    ShutdownKey key;
};

// Order is law: RecordNode is synced before anything else of its step is done.
using NodeEffect =
    std::variant<RecordNode, SendPromise, SendAccept, SendKey, SendKeyToPeer, Order, StateChanged,
                 VoteEnded, AgentForgot, ShutdownRefused, ShutdownWaits, LeftService>;
using NodeEffects = std::vector<NodeEffect>;

}  // namespace agent::pair
