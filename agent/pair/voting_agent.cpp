#include "agent/pair/voting_agent.hpp"

#include <algorithm>

#include "agent/core/enumerator_names.hpp"

namespace agent::pair {
namespace {

using core::EnumeratorName;

constexpr EnumeratorName<SystemView> view_names[] = {
    {SystemView::unknown, "unknown"},         {SystemView::offline, "offline"},
    {SystemView::first_alone, "first_alone"}, {SystemView::second_alone, "second_alone"},
    {SystemView::pair_online, "pair_online"},
};

// Commands that wait for somebody who does not answer; the oldest has to go.
constexpr std::size_t relays_max = 16;

bool asks_to_serve(Wish wish) {
    return wish == Wish::alone || wish == Wish::forced;
}

}  // namespace

std::string_view to_text(SystemView value) {
    return name_of(view_names, value);
}

class VotingAgent::Rules {
  public:
    Rules(VotingAgent& agent, core::Instant now) : agent_(agent), now_(now) {}

    void take(const PromiseAsked& asked);
    void take(const AcceptAsked& asked);
    void take(const NodeSaid& said);
    void take(const KeyArrived& arrived);
    void take(const DecisionHeard& heard) { count(heard.candidate, heard.decision); }
    void take(const CommandArrived& arrived);
    void take(const CommandDelivered& delivered);
    void take(const Enrolled& enrolled);
    void take(const HoldSet& set);
    void take(const AgentTime&);

    VotingAgentEffects effects() { return effects_.take(); }

  private:
    [[nodiscard]] const Register* held() const {
        return agent_.state_.held ? &*agent_.state_.held : nullptr;
    }
    [[nodiscard]] bool serves(Node node) const {
        const auto& at = agent_.heard_[index_of(node)].served_at;
        return at && now_ < *at + agent_.configuration_.dead_after;
    }
    [[nodiscard]] bool may_act(Node node) const;
    bool is_late(Node node, std::uint64_t life, std::uint64_t sequence);
    void give_back(Node node, std::uint64_t life);
    void record(const Register& value);
    bool store(const ShutdownKey& key);
    void answer(Node to, Wish wish, RegisterAnswer result);
    void count(Node candidate, const BallotAnswer& decision);
    void judge();
    void relay(const ShutdownKey& key);

    VotingAgent& agent_;
    core::Instant now_;
    core::StepEffects<VotingAgentEffect> effects_;
};

void VotingAgent::Rules::record(const Register& value) {
    agent_.state_.held = value;
    effects_.record(RecordRegister{value, ++agent_.state_.changes});
}

bool VotingAgent::Rules::store(const ShutdownKey& key) {
    KeyStore keys = agent_.keys();
    const auto changed = keys.put(key);
    if (!changed) return keys.find(key.id) != nullptr;
    agent_.state_.keys = keys.keys();
    effects_.record(RecordKey{*changed, ++agent_.state_.changes});
    return true;
}

// ---- votes

void VotingAgent::Rules::take(const PromiseAsked& asked) {
    if (asked.request.ballot.node != asked.from || asked.request.candidate.node != asked.from) {
        return;  // nobody asks in another's name
    }
    auto result = answer_promise(held(), agent_.keys(), asked.request,
                                 {serves(other(asked.from)), agent_.state_.hold});
    if (result.answer.granted) agent_.promised_wish_ = asked.request.wish;
    answer(asked.from, asked.request.wish, std::move(result));
}

void VotingAgent::Rules::take(const AcceptAsked& asked) {
    if (asked.request.ballot.node != asked.from) return;
    answer(asked.from, asked.request.wish,
           answer_accept(held(), asked.request, {false, agent_.state_.hold}));
}

void VotingAgent::Rules::answer(Node to, Wish wish, RegisterAnswer result) {
    if (result.record) record(*result.record);
    result.answer.agent = agent_.configuration_.agent;
    result.answer.instance = agent_.state_.instance;
    result.answer.changes = agent_.state_.changes;
    effects_.act(SendVote{to, result.answer});
    if (!asks_to_serve(wish)) return;
    count(to, result.answer);
    if (held() == nullptr) return;
    for (const auto& voter : held()->value.voters) {
        if (voter == agent_.configuration_.agent) continue;
        effects_.act(TellDecision{voter, to, result.answer});
    }
}

void VotingAgent::Rules::count(Node candidate, const BallotAnswer& decision) {
    if (decision.ballot.node != candidate || held() == nullptr) return;
    const auto& voters = held()->value.voters;
    if (std::find(voters.begin(), voters.end(), decision.agent) == voters.end()) return;
    if (decision.ballot < agent_.counted_) return;
    if (agent_.counted_ < decision.ballot) {
        agent_.counted_ = decision.ballot;
        agent_.candidate_ = candidate;
        agent_.decisions_.clear();
        agent_.count_until_ = now_ + agent_.configuration_.dead_after;
    }
    const auto known = agent_.decisions_.find(decision.agent);
    if (known != agent_.decisions_.end() && decision.round < known->second.round) return;
    agent_.decisions_[decision.agent] = decision;
    judge();
}

void VotingAgent::Rules::judge() {
    const RegisterValue& value = held()->value;
    std::size_t yes = 0;
    std::size_t no = 0;
    for (const auto& [agent, decision] : agent_.decisions_) {
        const bool says_no = !decision.granted || decision.objection != Objection::none;
        no += says_no ? 1 : 0;
        yes += !says_no && decision.round == BallotAnswer::Round::accept ? 1 : 0;
    }
    const bool silence_counts = agent_.count_until_ && now_ >= *agent_.count_until_;
    if (yes > value.threshold) {
        agent_.view_ =
            agent_.candidate_ == Node::first ? SystemView::first_alone : SystemView::second_alone;
        agent_.count_until_.reset();
    } else if (no + value.threshold >= value.voters.size() || silence_counts) {
        agent_.view_ = SystemView::offline;
        agent_.count_until_.reset();
    }
}

// ---- who may act

bool VotingAgent::Rules::may_act(Node node) const {
    if (held() == nullptr || held()->value.primary != node) return false;
    const bool open = held()->accepted < held()->promised && held()->promised.node != node;
    return !open || (agent_.promised_wish_ && !asks_to_serve(*agent_.promised_wish_));
}

bool VotingAgent::Rules::is_late(Node node, std::uint64_t life, std::uint64_t sequence) {
    const auto verdict = agent_.heard_[index_of(node)].order.take(life, sequence, now_,
                                                                  agent_.configuration_.dead_after);
    if (verdict == MessageOrder::Verdict::anew) effects_.act(NodeBeganAnew{node});
    return verdict == MessageOrder::Verdict::late;
}

// Another life's word, which somebody may have held back, gives nothing back.
void VotingAgent::Rules::give_back(Node node, std::uint64_t life) {
    Heard& heard = agent_.heard_[index_of(node)];
    if (life == heard.served_life.value_or(life)) heard.served_at.reset();
}

void VotingAgent::Rules::take(const NodeSaid& said) {
    if (is_late(said.from, said.life, said.sequence)) return;
    Heard& heard = agent_.heard_[index_of(said.from)];
    heard.state = said.state;
    const bool granted = said.serves && may_act(said.from);
    if (granted) {
        heard.served_at = now_;
        heard.served_life = said.life;
    }
    if (!said.serves) give_back(said.from, said.life);
    effects_.act(SendLease{said.from,
                           {said.life, said.sequence, granted, agent_.configuration_.dead_after}});
    const auto& states = agent_.heard_;
    for (const Node node : {Node::first, Node::second}) {
        if (states[index_of(node)].state == NodeState::primary &&
            states[index_of(other(node))].state == NodeState::standby) {
            agent_.view_ = SystemView::pair_online;
        }
    }
}

// ---- keys and commands

void VotingAgent::Rules::take(const KeyArrived& arrived) {
    if (held() == nullptr || arrived.key.cluster != held()->value.cluster) return;
    if (!store(arrived.key)) return;
    // The other node may ask to serve at once: the heartbeat that says the same may be lost.
    const auto& by = arrived.sender;
    const bool has_left = by && arrived.key.departures[index_of(by->node)].out;
    if (has_left && !is_late(by->node, by->life, by->sequence)) give_back(by->node, by->life);
    for (const Node node : {Node::first, Node::second}) {
        if (concerns(arrived.key.subject, node)) {
            effects_.act(SendKeyStored{node, arrived.key.id});
        }
    }
}

void VotingAgent::Rules::take(const CommandArrived& arrived) {
    if (held() == nullptr || arrived.key.cluster != held()->value.cluster) return;
    const KeyStore keys = agent_.keys();
    if (keys.find(arrived.key.id) != nullptr) return;  // given twice
    if (!store(arrived.key)) return;
    relay(arrived.key);
}

void VotingAgent::Rules::relay(const ShutdownKey& key) {
    if (agent_.relays_.size() == relays_max) agent_.relays_.erase(agent_.relays_.begin());
    Relay& relay = agent_.relays_[key.id];
    relay.key = key;
    relay.next = now_ + agent_.configuration_.relay_every;
    relay.until = now_ + agent_.configuration_.relay_for;
    for (const auto& voter : held()->value.voters) {
        if (voter != agent_.configuration_.agent) relay.missing.insert(voter);
    }
    for (const Node node : {Node::first, Node::second}) {
        relay.missing.insert(std::string(to_text(node)));
    }
    for (const auto& to : relay.missing) {
        effects_.act(RelayCommand{to, key});
    }
}

void VotingAgent::Rules::take(const CommandDelivered& delivered) {
    const auto known = agent_.relays_.find(delivered.key);
    if (known == agent_.relays_.end()) return;
    known->second.missing.erase(delivered.to);
    if (known->second.missing.empty()) agent_.relays_.erase(known);
}

void VotingAgent::Rules::take(const AgentTime&) {
    for (auto entry = agent_.relays_.begin(); entry != agent_.relays_.end();) {
        Relay& relay = entry->second;
        if (now_ >= relay.until) {
            entry = agent_.relays_.erase(entry);
            continue;
        }
        if (now_ >= relay.next) {
            relay.next = now_ + agent_.configuration_.relay_every;
            for (const auto& to : relay.missing) {
                effects_.act(RelayCommand{to, relay.key});
            }
        }
        ++entry;
    }
    if (agent_.count_until_ && now_ >= *agent_.count_until_ && held() != nullptr) judge();
}

// ---- operators

void VotingAgent::Rules::take(const Enrolled& enrolled) {
    if (held() != nullptr) return;  // what it has promised stands
    record(enrolled.beginning);
}

void VotingAgent::Rules::take(const HoldSet& set) {
    if (agent_.state_.hold == set.hold) return;
    agent_.state_.hold = set.hold;
    effects_.record(RecordHold{set.hold, ++agent_.state_.changes});
}

// ---- the door

VotingAgent::VotingAgent(VotingAgentConfiguration configuration, VotingAgentState state,
                         core::Instant now)
    : configuration_(std::move(configuration)), state_(std::move(state)) {
    for (auto& heard : heard_) {
        heard.served_at = now;
    }
}

VotingAgentEffects VotingAgent::step(const VotingAgentInput& input, core::Instant now) {
    Rules rules(*this, now);
    std::visit([&rules](const auto& come) { rules.take(come); }, input);
    return rules.effects();
}

std::optional<core::Instant> VotingAgent::next_wakeup() const {
    std::optional<core::Instant> earliest = count_until_;
    for (const auto& [id, relay] : relays_) {
        const core::Instant due = std::min(relay.next, relay.until);
        if (!earliest || due < *earliest) earliest = due;
    }
    return earliest;
}

}  // namespace agent::pair
