#include "agent/pair/controller_node.hpp"

#include <algorithm>
#include <utility>

#include "agent/core/assert.hpp"
#include "agent/pair/node_rules.hpp"

namespace agent::pair {
namespace {

Wish wish_of(Step step) {
    if (step == Step::vote_alone) return Wish::alone;
    if (step == Step::vote_pair) return Wish::pair;
    if (step == Step::vote_forced) return Wish::forced;
    return Wish::read;
}

bool is_vote(Step step) {
    return step == Step::read_register || step == Step::vote_alone || step == Step::vote_pair ||
           step == Step::vote_forced;
}

std::uint64_t next_ballot_counter(std::uint64_t after, std::uint64_t mark) {
    const std::uint64_t counter = after / ballot_marks * ballot_marks + mark;
    return counter > after ? counter : counter + ballot_marks;
}

}  // namespace

// ---- the table and the procedures

void ControllerNode::Rules::apply(NodeEvent event) {
    const NodeRow& row = core::row_of(node_table, node_.state_, event);
    if (row.to != node_.state_) change_state(row.to, event);
    if (row.action == NodeAction::drain) {
        give_up_procedure();
        leave_when_drained();
    } else if (procedure_of(row.action) != nullptr) {
        begin(row.action);
    }
}

void ControllerNode::Rules::change_state(NodeState to, NodeEvent why) {
    if (to == NodeState::draining) {
        node_.served_ = may_finish(node_.state_);
        node_.drain_time_over_ = false;
    }
    effects_.act(StateChanged{node_.state_, to, why});
    node_.state_ = to;
    if (to == NodeState::shut_down) tell_departure();
    if (to != NodeState::recovering && to != NodeState::fenced) return;
    if (node_.collecting_) put_off();
    node_.key_.reset();
    node_.hurries_ = false;
}

void ControllerNode::Rules::begin(NodeAction action) {
    node_.procedure_ = action;
    node_.position_ = 0;
    node_.outbid_once_ = false;
    if (action == NodeAction::follow) node_.following_ = false;
    if (action == NodeAction::pair_up) node_.unpublished_ = false;
    run();
}

void ControllerNode::Rules::run() {
    const Procedure& procedure = *procedure_of(node_.procedure_);
    while (node_.position_ < procedure.steps.size()) {
        const Step step = procedure.steps[node_.position_];
        if (is_vote(step)) {
            begin_vote(wish_of(step));
            return;
        }
        if (is_order(step)) {
            give_order(step);
            return;
        }
        if (!node_.sync_ || node_.data_.standby != DataSeen::Standby::in_sync) return;
        ++node_.position_;
    }
    give_up_procedure();
    if (procedure.ends_with == NodeEvent::standby_ready) node_.following_ = true;
    apply(procedure.ends_with);
}

void ControllerNode::Rules::give_order(Step step) {
    Order order;
    order.number = ++node_.order_number_;
    order.step = step;
    order.epoch = node_.naming_.epoch;
    order.relation = node_.naming_.relation;
    order.primary = node_.configuration_.node;
    order.at_once =
        node_.key_ && node_.state_ == NodeState::draining && !row_of(node_.key_->mode).may_be_clean;
    node_.open_orders_[order.number] = step;
    effects_.act(order);
}

void ControllerNode::Rules::take(const OrderAnswered& answer) {
    const auto known = node_.open_orders_.find(answer.number);
    if (known == node_.open_orders_.end()) return;
    const Step step = known->second;
    node_.open_orders_.erase(known);
    if (step == Step::synchronous_on || step == Step::start_synchronous) {
        node_.sync_ = answer.done;
    } else if (step == Step::synchronous_off || step == Step::start_alone ||
               step == Step::promote || step == Step::follow_peer) {
        node_.sync_ = node_.sync_ && !answer.done;
    }
    const bool wanted = answer.number == node_.order_number_ && node_.running_step() == step;
    if (!wanted) return;
    if (!answer.done) {
        fail();
        return;
    }
    if (step == Step::barrier) node_.epoch_ = node_.naming_.epoch;
    if (step == Step::stop_database) node_.departure_ = {true, answer.clean, answer.position, 0};
    ++node_.position_;
    run();
}

void ControllerNode::Rules::take(const DatabaseLost&) {
    node_.sync_ = false;
    node_.data_.standby = DataSeen::Standby::none;
    // While it is ordered to stop, or its start is tried, the order's own answer counts.
    const auto step = node_.running_step();
    if (step && *step >= Step::stop_database && *step <= Step::promote) return;
    give_up_procedure();
    apply(NodeEvent::database_lost);
}

// After every step: what is seen of the other's copy means something else in each state.
void ControllerNode::Rules::judge_standby() {
    using Standby = DataSeen::Standby;
    const Standby standby = node_.data_.standby;
    if (node_.running_step() == Step::await_standby && node_.sync_ && standby == Standby::in_sync) {
        ++node_.position_;
        run();
        return;
    }
    const bool goes_alone = node_.procedure_ == NodeAction::go_alone;
    if (node_.state_ != NodeState::primary && node_.state_ != NodeState::waiting_peer &&
        node_.state_ != NodeState::primary_alone) {
        return;
    }
    if (node_.sync_ && standby == Standby::none) {
        if (goes_alone || node_.state_ == NodeState::waiting_peer) return;
        give_up_procedure();
        apply(NodeEvent::standby_lost);
        return;
    }
    const bool there = node_.sync_ ? standby == Standby::in_sync : standby != Standby::none;
    // Once the agents have agreed the node has to go on: nobody else may serve any more.
    if (!there || (goes_alone && node_.position_ > 0)) return;
    if (node_.procedure_ == NodeAction::pair_up || node_.state_ == NodeState::primary) return;
    if (node_.state_ == NodeState::primary_alone && node_.unpublished_) return;
    apply(NodeEvent::standby_there);
}

// ---- votes

void ControllerNode::Rules::begin_vote(Wish wish) {
    if (wish == Wish::pair) node_.alone_for_certain_ = false;
    const std::uint64_t seen = node_.vote_ ? node_.vote_->highest_seen() : 0;
    const std::uint64_t counter = next_ballot_counter(std::max(node_.record_.ballot_counter, seen),
                                                      node_.record_.ballot_mark);
    node_.record_.ballot_counter = counter;
    effects_.record(RecordNode{node_.record_});
    const NodeConfiguration& configuration = node_.configuration_;
    node_.vote_ = Vote(configuration.cluster, {counter, configuration.node}, wish,
                       {configuration.node, node_.data_.epoch, node_.data_.position},
                       configuration.voters, configuration.threshold);
    for (const auto& agent : node_.vote_->voters()) {
        effects_.act(SendPromise{agent, node_.vote_->promise_request()});
    }
}

void ControllerNode::Rules::take(const AgentVoted& voted) {
    const BallotAnswer& answer = voted.answer;
    if (!node_.vote_is_open()) return;
    if (answer.granted) {
        auto& witness = node_.record_.witnesses[answer.agent];
        const bool forgot = !witness.instance.empty() && (witness.instance != answer.instance ||
                                                          answer.changes < witness.changes);
        if (forgot) {
            effects_.act(AgentForgot{answer.agent});
            return;
        }
        witness = {answer.instance, answer.changes};
    }
    if (node_.vote_->hear(answer)) go_on_with_vote();
}

void ControllerNode::Rules::go_on_with_vote() {
    const Vote& vote = *node_.vote_;
    if (vote.state() == Vote::State::promising) return;
    if (vote.state() == Vote::State::accepting) {
        for (const auto& agent : vote.voters()) {
            effects_.act(SendAccept{agent, vote.accept_request()});
        }
        return;
    }
    if (vote.state() == Vote::State::outbid && !node_.outbid_once_) {
        node_.outbid_once_ = true;
        begin_vote(vote.wish());
        return;
    }
    effects_.act(VoteEnded{vote.wish(), vote.state(), vote.objection(),
                           verdict_of(vote.voters(), vote.threshold(), vote.answers())});
    if (vote.state() == Vote::State::decided) {
        vote_decided();
        return;
    }
    if (vote.wish() == Wish::read) node_.register_unread_ = true;
    if (node_.procedure_ == NodeAction::pair_up) node_.unpublished_ = true;
    const bool refused = vote.state() == Vote::State::refused;
    give_up_procedure();
    apply(refused ? NodeEvent::votes_refused : NodeEvent::votes_missing);
}

void ControllerNode::Rules::vote_decided() {
    const RegisterValue value = node_.vote_->value();
    if (node_.vote_->wish() == Wish::read) {
        register_read(value);
        return;
    }
    node_.register_unread_ = false;
    node_.naming_ = {value.epoch, value.relation};
    node_.alone_for_certain_ = value.relation == Relation::alone;
    ++node_.position_;
    run();
}

void ControllerNode::Rules::register_read(const RegisterValue& value) {
    node_.register_unread_ = false;
    give_up_procedure();
    if (value.primary != node_.configuration_.node) {
        apply(NodeEvent::other_named);
        return;
    }
    if (!names_with_its_data(value, node_.configuration_.node, node_.data_.epoch)) {
        apply(NodeEvent::votes_refused);
        return;
    }
    node_.naming_ = {value.epoch, value.relation};
    node_.alone_for_certain_ = value.relation == Relation::alone;
    node_.may_have_let_act_ = value.relation == Relation::alone && node_.data_.epoch != value.epoch;
    apply(value.relation == Relation::alone ? NodeEvent::named_alone : NodeEvent::named_in_pair);
}

// ---- the other node

void ControllerNode::Rules::take(const PeerHeard& heard) {
    node_.peer_ = heard;
    if (heard.state != NodeState::shut_down && heard.state != NodeState::draining) {
        node_.peer_is_out_ = false;
    }
    agree_without_agents();
}

// Two nodes that hold the same epoch of a pair may go on as a strict pair when too few agents
// answer: neither can acknowledge anything without the other.
void ControllerNode::Rules::agree_without_agents() {
    if (node_.state_ != NodeState::offline || !node_.register_unread_ || !node_.peer_) return;
    const DataSeen& mine = node_.data_;
    const DataSeen& theirs = node_.peer_->data;
    const NodeState peer = node_.peer_->state;
    if (peer == NodeState::shut_down || peer == NodeState::draining) return;
    if (mine.epoch == 0 || mine.relation != Relation::pair || theirs.epoch != mine.epoch ||
        theirs.relation != Relation::pair || theirs.primary != mine.primary) {
        return;
    }
    if (mine.primary != node_.configuration_.node) {
        apply(NodeEvent::other_named);
        return;
    }
    node_.naming_ = {mine.epoch, Relation::pair};
    node_.alone_for_certain_ = false;
    apply(NodeEvent::named_in_pair);
}

void ControllerNode::Rules::take(const PeerMissing&) {
    if (node_.state_ == NodeState::recovering && !node_.awaits_peer()) return;
    // While the copy is being replaced nobody can say what it holds.
    if (node_.state_ == NodeState::standby && !node_.open_orders_.empty()) return;
    if (node_.state_ == NodeState::waiting_peer && node_.procedure_ != NodeAction::nothing) return;
    apply(NodeEvent::peer_missing);
}

void ControllerNode::Rules::take(const KeySeen& seen) {
    const ShutdownKey& key = seen.key;
    const Node me = node_.configuration_.node;
    const Node peer = other(me);
    if (key.cluster != node_.configuration_.cluster) return;
    if (!concerns(key.subject, peer) || !key.departures[index_of(peer)].out) return;
    if (key.id <= node_.peer_key_) return;
    node_.peer_key_ = key.id;
    node_.peer_is_out_ = true;
    if (key.subject != Subject::both) {
        take(PeerMissing{});
        return;
    }
    // The command was for both, and only the other one's copy of it has come through.
    const bool takes_it = node_.state_ == NodeState::standby || !is_settled(node_.state_);
    if (takes_it && !key.departures[index_of(me)].out && !node_.key_) take(ShutdownOrdered{key});
    leave_when_drained();
}

// ---- the door

std::optional<std::string> fault_of(const NodeConfiguration& configuration) {
    const std::size_t voters = configuration.voters.size();
    if (!configuration.has_peer) return std::nullopt;
    if (voters == 0) return "a pair needs at least one voting agent";
    if (voters > voters_max) {
        return "at most " + std::to_string(voters_max) + " agents vote; " + std::to_string(voters) +
               " are listed";
    }
    if (configuration.threshold < least_threshold(voters)) {
        return "a threshold of " + std::to_string(configuration.threshold) + " for " +
               std::to_string(voters) +
               " agents lets both nodes serve at the same time; at least " +
               std::to_string(least_threshold(voters)) + " is needed";
    }
    if (configuration.threshold >= voters) {
        return "a threshold of " + std::to_string(configuration.threshold) +
               " is never exceeded by " + std::to_string(voters) + " agents; at most " +
               std::to_string(voters - 1) + " makes sense";
    }
    return std::nullopt;
}

ControllerNode::ControllerNode(NodeConfiguration configuration, NodeRecord record)
    : configuration_(std::move(configuration)), record_(std::move(record)) {
    std::sort(configuration_.voters.begin(), configuration_.voters.end());
}

NodeEffects ControllerNode::start(const DataSeen& data) {
    Rules rules(*this);
    rules.start(data);
    return rules.effects();
}

NodeEffects ControllerNode::step(const NodeInput& input) {
    Rules rules(*this);
    std::visit([&rules](const auto& come) { rules.take(come); }, input);
    rules.judge_standby();
    rules.obey_what_waits();
    return rules.effects();
}

std::optional<Step> ControllerNode::running_step() const {
    const Procedure* procedure = procedure_of(procedure_);
    if (procedure == nullptr || position_ >= procedure->steps.size()) return std::nullopt;
    return procedure->steps[position_];
}

std::optional<Register> ControllerNode::vouch(const ActingRight& right, core::Instant now) const {
    if (!may_send(right, now) || !vote_ || vote_->state() != Vote::State::decided)
        return std::nullopt;
    return Register{vote_->ballot(), vote_->ballot(), vote_->value()};
}
bool ControllerNode::vote_is_open() const {
    const auto step = running_step();
    return step && is_vote(*step) && vote_ &&
           (vote_->state() == Vote::State::promising || vote_->state() == Vote::State::accepting);
}

bool ControllerNode::takes_requests() const {
    return pair::takes_requests(state_);
}

bool ControllerNode::acts() const {
    return may_finish(state_) && (state_ != NodeState::draining || served_);
}

bool ControllerNode::needs_lease() const {
    return state_ != NodeState::single && !alone_for_certain_;
}

bool ControllerNode::grants_lease() const {
    return state_ == NodeState::standby;
}

bool ControllerNode::awaits_peer() const {
    const auto step = running_step();
    return procedure_ == NodeAction::resume_pair &&
           (step == Step::await_standby || step == Step::barrier);
}

bool ControllerNode::retry_is_wanted() const {
    // A retry begins anew, and whoever waits for keys as long as between two of them never gets
    // any.
    if (procedure_ != NodeAction::nothing || collecting_) return false;
    switch (state_) {
        case NodeState::offline:
        case NodeState::fenced:
            return true;
        case NodeState::standby:
            // A copy may have been rewound to where nothing ever comes, and said that all is well.
            return !following_ || !data_.receives;
        case NodeState::primary:
            // Both nodes went on without the agents, who may be back: only after a vote can this
            // one tell an agent that lost its store what they hold.
            return unpublished_ || register_unread_;
        case NodeState::primary_alone:
            return unpublished_;
        case NodeState::single:
        case NodeState::recovering:
        case NodeState::waiting_peer:
        case NodeState::taking_over:
        case NodeState::draining:
        case NodeState::shut_down:
            return false;
    }
    return false;
}

}  // namespace agent::pair
