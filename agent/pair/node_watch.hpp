#pragma once

// What clocks say to a controller node: how long the other one has been of no use, until when this
// one may act, what is overdue. The rules themselves know no time.
//
// A node that serves says so every `heartbeat` to the other node and to each agent. Whoever answers
// has promised to let nobody else serve for `dead_after` from then on; counted from the moment the
// answered message was SENT, the node may act for `lease`, which is shorter. What agents say counts
// when more than the threshold of them has answered, since nobody gets more than that without one
// of them. Only the running of clocks is relied upon (their rates within a quarter of each other),
// never what they show. Each machine has its times from a file of its own: an answer says how long
// its promise holds, and no more than three quarters of that count.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "agent/core/time.hpp"
#include "agent/pair/acting_right.hpp"
#include "agent/pair/controller_node.hpp"
#include "agent/pair/message_order.hpp"

namespace agent::pair {

struct NodeTimes {
    core::Duration heartbeat{1'000};
    core::Duration suspect_after{3'000};  // shown; nothing follows from it
    core::Duration lease{6'000};
    core::Duration dead_after{10'000};
    core::Duration peer_wait{30'000};  // after a start: how long the other may take to come back
    core::Duration retry{5'000};
    core::Duration vote_timeout{3'000};
    core::Duration key_timeout{5'000};
    core::Duration command_wait{60'000};  // a shutdown command, for the end of a change of role
    core::Duration expedite_timeout{300'000};
    core::Duration stop_timeout{30'000};  // of a program that is stopped; 0: hands over nothing
    bool operator==(const NodeTimes&) const = default;
};
// What is wrong with them, in words; nothing when they are right.
[[nodiscard]] std::optional<std::string> fault_of(const NodeTimes& times);
// For how long a node may act that was let act by somebody who holds still for `dead_after`: the
// whole lease, or less.
[[nodiscard]] core::Duration lease_within(const NodeTimes& times, core::Duration dead_after);
// Does it last as many heartbeats as fault_of() asks of a lease? Else one that is lost ends it.
[[nodiscard]] bool is_lease_enough(const NodeTimes& times, core::Duration lease);

// To the other node and to each agent.
struct Heartbeat {
    std::uint64_t life = 0;  // message_order.hpp
    std::uint64_t sequence = 0;
    bool serves = false;
    NodeState state = NodeState::recovering;
    DataSeen data;
    bool operator==(const Heartbeat&) const = default;
};

// To a heartbeat. Granted: whoever answers lets nobody else serve for `dead_after` from now on.
struct LeaseAnswer {
    std::uint64_t life = 0;  // of the answered heartbeat, as its sequence
    std::uint64_t sequence = 0;
    bool granted = false;
    core::Duration dead_after{};
    bool operator==(const LeaseAnswer&) const = default;
};

class NodeWatch {
  public:
    // `life` is random; `first_sequence` is above every sequence of earlier lives of this node, as
    // long as its state folder is the same and not an old copy.
    NodeWatch(NodeTimes times, std::uint64_t life, std::uint64_t first_sequence, core::Instant now);

    // To be called after every step of the node, and at next_wakeup(): what clocks have to say now.
    // The caller gives each to the node and calls again until nothing comes.
    [[nodiscard]] std::optional<NodeInput> due(const ControllerNode& node, core::Instant now);

    // A heartbeat to send now, if one is due: at each change of state, and every `heartbeat`.
    [[nodiscard]] std::optional<Heartbeat> heartbeat(const ControllerNode& node, core::Instant now);

    // Answers to heartbeats; one that does not grant gives no time to act.
    void agent_answered(const AgentName& agent, const LeaseAnswer& answer);
    void peer_answered(const LeaseAnswer& answer);

    // What the other node says it is; to be dropped when it comes late. To a standby only one that
    // serves is of use.
    MessageOrder::Verdict peer_heard(const ControllerNode& node, const Heartbeat& heartbeat,
                                     core::Instant now);

    // Life and number of a message that is counted as the heartbeats are.
    struct Word {
        std::uint64_t life = 0;
        std::uint64_t sequence = 0;
    };
    [[nodiscard]] Word next_word() { return {life_, ++sequence_}; }
    // The other one's key says that it is out: it does not act.
    MessageOrder::Verdict peer_left(const Word& word, core::Instant now);

    [[nodiscard]] core::Instant lease_until(const ControllerNode& node) const;
    // More than the threshold of agents let it act now: it could lose the other node.
    [[nodiscard]] bool agents_consent(const ControllerNode& node, core::Instant now) const;
    [[nodiscard]] ActingRight right(const ControllerNode& node, core::Instant now) const;
    // The other node's heartbeat was acknowledged: it may act, and this one may not, for a while.
    // Only the same life of it can give that back.
    void let_peer_act(std::uint64_t life, core::Instant now);
    [[nodiscard]] bool peer_is_suspect(core::Instant now) const {
        return now >= useful_at_ + times_.suspect_after;
    }
    [[nodiscard]] core::Instant next_wakeup(const ControllerNode& node) const;
    void set_times(NodeTimes times) { times_ = times; }
    [[nodiscard]] const NodeTimes& times() const { return times_; }

  private:
    struct Timer {
        std::optional<core::Instant> since;  // nothing: does not run
        std::uint64_t about = 0;             // what it runs for; another one starts it anew
    };
    void run_timer(Timer& timer, bool wanted, std::uint64_t about, core::Instant now);
    [[nodiscard]] bool peer_is_missing(const ControllerNode& node, core::Instant now);
    // What is refused once may be on its way to an end: twice it is not.
    [[nodiscard]] core::Duration consent_patience() const { return {2 * times_.heartbeat.ms}; }
    // Until when the agents alone let this node act; nothing when too few have ever answered so.
    [[nodiscard]] std::optional<core::Instant> agents_grant_until(const ControllerNode& node) const;

    NodeTimes times_;
    std::uint64_t life_;
    std::uint64_t sequence_;
    core::Instant started_at_;
    core::Instant useful_at_;
    std::optional<core::Instant> said_at_;
    std::optional<NodeState> said_state_;
    bool acted_ = false;
    std::map<std::uint64_t, core::Instant> sent_;      // serving heartbeats that may be answered
    std::map<AgentName, core::Instant> agent_grants_;  // until then
    std::set<AgentName> agents_refuse_;                // by their newest answer
    std::optional<core::Instant> peer_grant_;
    std::optional<core::Instant> acting_since_;

    MessageOrder peer_order_;
    std::optional<core::Instant> let_act_until_;
    std::uint64_t let_act_life_ = 0;
    std::optional<core::Instant> asked_at_;  // PeerMissing was said
    Timer missing_;
    Timer consent_;
    Timer retry_;
    Timer vote_;
    Timer key_;
    Timer waiting_;
    Timer drain_;
};

}  // namespace agent::pair
