#pragma once

// Of controller_node.cpp and node_leaving.cpp alone: one step of a controller node.

#include "agent/pair/controller_node.hpp"

namespace agent::pair {

// Neither changes its role nor leaves: obeys commands.
[[nodiscard]] constexpr bool is_settled(NodeState state) {
    return takes_requests(state) || state == NodeState::standby || state == NodeState::offline ||
           state == NodeState::waiting_peer;
}

// One step: what has come in is judged, the table says what follows.
class ControllerNode::Rules {
  public:
    explicit Rules(ControllerNode& node) : node_(node) {}

    void start(const DataSeen& data) {
        node_.data_ = data;
        if (!node_.configuration_.has_peer) {
            node_.state_ = NodeState::single;
            node_.epoch_ = data.epoch;
            node_.alone_for_certain_ = true;
            return;
        }
        node_.state_ = NodeState::recovering;
        begin(NodeAction::recover);
    }

    void take(const DataSeen& seen) { node_.data_ = seen; }
    void take(const OrderAnswered& answer);
    void take(const DatabaseLost&);
    void take(const AgentVoted& voted);
    void take(const KeyStored& stored);
    void take(const PeerHeard& heard);
    void take(const KeySeen& seen);
    void take(const MountsSeen& seen) {
        node_.mounts_ = seen.left;
        leave_when_drained();
    }
    void take(const ShutdownOrdered& ordered);
    void take(const StopOrdered&);
    void take(const RecoverOrdered&) { come_back(NodeEvent::recover_ordered); }
    void take(const ForcedStartOrdered&) { come_back(NodeEvent::forced_start_ordered); }
    void take(const AgentEnrolled& enrolled) {
        if (node_.record_.witnesses.erase(enrolled.agent) > 0)
            effects_.record(RecordNode{node_.record_});
    }
    void take(const PeerMissing&);
    void take(const LeaseOver&) {
        if (node_.acts() && node_.needs_lease()) apply(NodeEvent::lease_over);
    }
    // As the table has it for a register that could not be set right.
    void take(const ConsentMissing&) {
        const bool rests = node_.procedure_ == NodeAction::nothing;
        if (node_.state_ == NodeState::primary && rests) node_.unpublished_ = true;
        take(RetryDue{});
    }
    void take(const RetryDue&) {
        if (node_.retry_is_wanted()) apply(NodeEvent::retry_due);
    }
    void take(const VoteTimeOver&) {
        if (!node_.vote_is_open()) return;
        node_.vote_->give_up();
        go_on_with_vote();
    }
    void take(const KeyTimeOver&) {
        if (!node_.collecting_) return;
        if (keys_needed() == KeysNeeded::whoever_answers) {
            collected();
            return;
        }
        refuse("too few agents have stored the shutdown key");
    }
    void take(const WaitingTimeOver&) {
        take_back("the node was busy with its role for too long; give it again");
    }
    void take(const DrainTimeOver&) {
        node_.drain_time_over_ = true;
        leave_when_drained();
    }

    void judge_standby();
    void obey_what_waits();
    NodeEffects effects() { return effects_.take(); }

  private:
    void apply(NodeEvent event);
    void change_state(NodeState to, NodeEvent why);
    void begin(NodeAction action);
    void run();
    void give_up_procedure() {
        node_.procedure_ = NodeAction::nothing;
        node_.position_ = 0;
    }
    void give_order(Step step);
    void begin_vote(Wish wish);
    void go_on_with_vote();
    void vote_decided();
    void register_read(const RegisterValue& value);
    void fail() {
        give_up_procedure();
        apply(NodeEvent::step_failed);
    }
    void agree_without_agents();

    [[nodiscard]] KeysNeeded keys_needed() const { return row_of(*node_.leaves_by()).keys; }
    void come_back(NodeEvent event);
    void wait_with(const ShutdownKey& key);
    void put_off();
    void take_back(const char* why);
    void void_up_to(const KeyId& id);
    void collect_key();
    void count_keys();
    void collected();
    void refuse(const char* why);
    void leave_when_drained();
    void tell_departure();

    ControllerNode& node_;
    core::StepEffects<NodeEffect> effects_;
};

}  // namespace agent::pair
