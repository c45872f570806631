#pragma once

#include <array>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "agent/core/step_effects.hpp"
#include "agent/pair/message_order.hpp"
#include "agent/pair/voting_agent_io.hpp"

namespace agent::pair {

struct VotingAgentConfiguration {
    AgentName agent;
    core::Duration dead_after{
        10'000};  // a node that served is taken for dead when not heard so long
    core::Duration relay_every{2'000};
    core::Duration relay_for{60'000};  // then a command that nobody took is dropped
};

// What the pair looks like from this agent, by its own count of everybody's decisions.
enum class SystemView : std::uint8_t {
    unknown,
    offline,      // the newest vote did not get more than the threshold
    first_alone,  // the newest vote did: that node serves alone
    second_alone,
    pair_online,  // both nodes said so themselves
};
[[nodiscard]] std::string_view to_text(SystemView value);

// The rules of one voting agent: the register, the keys, whom it lets act, and what it carries to
// others. Deterministic, no I/O; not thread-safe.
class VotingAgent {
  public:
    // A node may have been let act just before this agent's start: for `dead_after` both count as
    // heard.
    VotingAgent(VotingAgentConfiguration configuration, VotingAgentState state, core::Instant now);

    [[nodiscard]] VotingAgentEffects step(const VotingAgentInput& input, core::Instant now);
    [[nodiscard]] std::optional<core::Instant> next_wakeup() const;

    [[nodiscard]] const VotingAgentState& state() const { return state_; }
    [[nodiscard]] KeyStore keys() const { return KeyStore(state_.keys); }
    [[nodiscard]] SystemView view() const { return view_; }
    // May commands of controllers be passed on? Not while the system is offline by this agent's own
    // count.
    [[nodiscard]] bool system_is_offline() const { return view_ == SystemView::offline; }
    [[nodiscard]] const std::map<AgentName, BallotAnswer>& decisions() const { return decisions_; }

  private:
    class Rules;
    friend class Rules;

    struct Relay {
        ShutdownKey key;
        std::set<std::string> missing;
        core::Instant next;
        core::Instant until;
    };
    struct Heard {
        std::optional<core::Instant> served_at;  // let act last; nothing: it said that it does not
        std::optional<std::uint64_t> served_life;  // nothing: it was before this agent's start
        MessageOrder order;
        std::optional<NodeState> state;  // as it said itself; nothing: not heard in this life
    };

    VotingAgentConfiguration configuration_;
    VotingAgentState state_;
    std::array<Heard, 2> heard_;
    std::optional<Wish> promised_wish_;  // of the ballot promised last; unknown after a start
    std::map<AgentName, BallotAnswer> decisions_;
    Ballot counted_;                            // the ballot that decisions_ are about
    std::optional<core::Instant> count_until_;  // silence from then on is a no
    Node candidate_ = Node::first;
    SystemView view_ = SystemView::unknown;
    std::map<KeyId, Relay> relays_;
};

}  // namespace agent::pair
