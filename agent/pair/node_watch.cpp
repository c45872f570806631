#include "agent/pair/node_watch.hpp"

#include <algorithm>

namespace agent::pair {
namespace {

// So many heartbeats are remembered until they are answered.
constexpr std::size_t heartbeats_max = 64;

bool is_over(const std::optional<core::Instant>& since, core::Duration after, core::Instant now) {
    return since && now >= *since + after;
}

}  // namespace

std::optional<std::string> fault_of(const NodeTimes& times) {
    if (!is_lease_enough(times, times.lease)) {
        return "a lease has to last three heartbeats or more";
    }
    if (times.lease.ms * 4 > times.dead_after.ms * 3) {
        return "a node may be taken for dead only when its lease is over for certain: dead_after "
               "has "
               "to be a third longer than the lease, or more";
    }
    return std::nullopt;
}

bool is_lease_enough(const NodeTimes& times, core::Duration lease) {
    return times.heartbeat.ms * 3 <= lease.ms;
}

core::Duration lease_within(const NodeTimes& times, core::Duration dead_after) {
    return {std::min(times.lease.ms, dead_after.ms / 4 * 3)};
}

NodeWatch::NodeWatch(NodeTimes times, std::uint64_t life, std::uint64_t first_sequence,
                     core::Instant now)
    : times_(times),
      life_(life),
      sequence_(first_sequence),
      started_at_(now),
      useful_at_(now + times.peer_wait - times.dead_after) {}

void NodeWatch::run_timer(Timer& timer, bool wanted, std::uint64_t about, core::Instant now) {
    if (!wanted) {
        timer.since.reset();
    } else if (!timer.since || timer.about != about) {
        timer.since = now;
        timer.about = about;
    }
}

// A standby judges by what it hears. One that waits for the other's copy judges by the copy alone:
// a node that is heard and whose copy never comes is of no use.
bool NodeWatch::peer_is_missing(const ControllerNode& node, core::Instant now) {
    const bool awaits = node.state() == NodeState::recovering && node.awaits_peer();
    const bool waits =
        node.state() == NodeState::waiting_peer && node.procedure() == NodeAction::nothing;
    const bool stands_by = node.state() == NodeState::standby;
    run_timer(missing_, awaits || node.state() == NodeState::waiting_peer || stands_by,
              static_cast<std::uint64_t>(node.state()), now);
    if (!awaits && !waits && !stands_by) return false;
    if (asked_at_ && now < *asked_at_ + times_.retry) return false;
    const core::Instant since = stands_by ? useful_at_ : *missing_.since;
    const bool at_once = node.peer_is_out() && !awaits;
    if (!at_once && now < since + (awaits ? times_.peer_wait : times_.dead_after)) return false;
    asked_at_ = now;
    return true;
}

std::optional<NodeInput> NodeWatch::due(const ControllerNode& node, core::Instant now) {
    const bool acts = node.acts();
    if (acts != acted_) {
        // What was granted for an earlier time of acting counts for nothing.
        acted_ = acts;
        sent_.clear();
        agent_grants_.clear();
        agents_refuse_.clear();
        peer_grant_.reset();
        acting_since_ = now;
    }
    if (acts && node.needs_lease() && now >= lease_until(node) &&
        now >= *acting_since_ + times_.lease) {
        acting_since_ = now;  // once, not in a row
        return LeaseOver{};
    }
    if (peer_is_missing(node, now)) return PeerMissing{};
    const bool refused = acts && node.needs_lease() && !agents_refuse_.empty();
    run_timer(consent_, refused && !agents_consent(node, now), 0, now);
    if (is_over(consent_.since, consent_patience(), now)) {
        consent_.since.reset();
        return ConsentMissing{};
    }
    run_timer(retry_, node.retry_is_wanted(), static_cast<std::uint64_t>(node.state()), now);
    if (is_over(retry_.since, times_.retry, now)) {
        retry_.since.reset();
        return RetryDue{};
    }
    const std::uint64_t ballot = node.vote() ? node.vote()->ballot().counter : 0;
    const bool accepting = node.vote_is_open() && node.vote()->may_be_accepted();
    run_timer(vote_, node.vote_is_open(), ballot * 2 + (accepting ? 1 : 0), now);
    if (is_over(vote_.since, times_.vote_timeout, now)) {
        vote_.since.reset();
        return VoteTimeOver{};
    }
    run_timer(key_, node.keys_are_collected(), 0, now);
    if (is_over(key_.since, times_.key_timeout, now)) {
        key_.since.reset();
        return KeyTimeOver{};
    }
    const auto& waiting = node.waiting_order();
    run_timer(waiting_, waiting.has_value(), waiting ? waiting->id.counter : 0, now);
    if (is_over(waiting_.since, times_.command_wait, now)) {
        waiting_.since.reset();
        return WaitingTimeOver{};
    }
    run_timer(drain_, node.state() == NodeState::draining, 0, now);
    if (is_over(drain_.since, times_.expedite_timeout, now)) {
        drain_.since = now;
        return DrainTimeOver{};
    }
    return std::nullopt;
}

MessageOrder::Verdict NodeWatch::peer_heard(const ControllerNode& node, const Heartbeat& heartbeat,
                                            core::Instant now) {
    const auto verdict =
        peer_order_.take(heartbeat.life, heartbeat.sequence, now, times_.dead_after);
    if (verdict == MessageOrder::Verdict::late) return verdict;
    // It has given back what it was let do.
    if (!heartbeat.serves && heartbeat.life == let_act_life_) let_act_until_.reset();
    const bool leaves =
        heartbeat.state == NodeState::shut_down || heartbeat.state == NodeState::draining;
    const bool of_use = node.state() != NodeState::standby || may_finish(heartbeat.state);
    if (!leaves && of_use) useful_at_ = now;
    return verdict;
}

MessageOrder::Verdict NodeWatch::peer_left(const Word& word, core::Instant now) {
    const auto verdict = peer_order_.take(word.life, word.sequence, now, times_.dead_after);
    const bool news = verdict != MessageOrder::Verdict::late;
    if (news && word.life == let_act_life_) let_act_until_.reset();
    return verdict;
}

std::optional<Heartbeat> NodeWatch::heartbeat(const ControllerNode& node, core::Instant now) {
    const bool changed = said_state_ != node.state();
    if (!changed && said_at_ && now < *said_at_ + times_.heartbeat) return std::nullopt;
    said_at_ = now;
    said_state_ = node.state();
    ++sequence_;
    if (node.acts()) {
        sent_[sequence_] = now;
        if (sent_.size() > heartbeats_max) sent_.erase(sent_.begin());
    }
    return Heartbeat{life_, sequence_, node.acts(), node.state(), node.data()};
}

void NodeWatch::agent_answered(const AgentName& agent, const LeaseAnswer& answer) {
    const auto sent = sent_.find(answer.sequence);
    if (sent == sent_.end() || answer.life != life_) return;
    if (!answer.granted) {
        agents_refuse_.insert(agent);
        return;
    }
    agents_refuse_.erase(agent);
    const core::Instant until = sent->second + lease_within(times_, answer.dead_after);
    const auto known = agent_grants_.emplace(agent, until).first;
    known->second = std::max(known->second, until);
}

void NodeWatch::peer_answered(const LeaseAnswer& answer) {
    const auto sent = sent_.find(answer.sequence);
    if (sent == sent_.end() || answer.life != life_ || !answer.granted) return;
    const core::Instant until = sent->second + lease_within(times_, answer.dead_after);
    peer_grant_ = peer_grant_ ? std::max(*peer_grant_, until) : until;
}

void NodeWatch::let_peer_act(std::uint64_t life, core::Instant now) {
    const core::Instant until = now + times_.dead_after;
    let_act_until_ = let_act_until_ ? std::max(*let_act_until_, until) : until;
    let_act_life_ = life;
}

core::Instant NodeWatch::lease_until(const ControllerNode& node) const {
    if (!node.needs_lease()) return for_ever;
    constexpr core::Instant never{INT64_MIN};
    return std::max(peer_grant_.value_or(never), agents_grant_until(node).value_or(never));
}

bool NodeWatch::agents_consent(const ControllerNode& node, core::Instant now) const {
    return now < agents_grant_until(node).value_or(now);
}

std::optional<core::Instant> NodeWatch::agents_grant_until(const ControllerNode& node) const {
    std::vector<core::Instant> grants;
    for (const auto& [agent, granted] : agent_grants_) {
        grants.push_back(granted);
    }
    std::sort(grants.begin(), grants.end(), std::greater<>());
    const std::size_t needed = std::size_t{node.configuration().threshold} + 1;
    if (grants.size() < needed) return std::nullopt;
    return grants[needed - 1];
}

ActingRight NodeWatch::right(const ControllerNode& node, core::Instant now) const {
    ActingRight right;
    right.epoch = node.epoch();
    right.may_claim = node.takes_requests();
    const bool let_act = let_act_until_ && now < *let_act_until_;
    const bool may_have_let = node.may_have_let_act() && now < started_at_ + times_.dead_after;
    right.may_act = node.acts() && !let_act && !may_have_let;
    right.until = right.may_act ? lease_until(node) : core::Instant{INT64_MIN};
    return right;
}

core::Instant NodeWatch::next_wakeup(const ControllerNode& node) const {
    core::Instant earliest = said_at_ ? *said_at_ + times_.heartbeat : started_at_;
    const auto consider = [&earliest](const std::optional<core::Instant>& since,
                                      core::Duration after) {
        if (since) earliest = std::min(earliest, *since + after);
    };
    consider(vote_.since, times_.vote_timeout);
    consider(key_.since, times_.key_timeout);
    consider(waiting_.since, times_.command_wait);
    consider(retry_.since, times_.retry);
    consider(consent_.since, consent_patience());
    if (node.acts() && node.needs_lease()) {
        const core::Instant until = lease_until(node);
        if (acting_since_ && until > *acting_since_) earliest = std::min(earliest, until);
    }
    return earliest;
}

}  // namespace agent::pair
