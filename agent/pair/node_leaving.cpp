// How a controller node leaves service: a command is taken, its key is collected, the node drains
// and tells how it left.

#include <algorithm>
#include <utility>

#include "agent/pair/node_rules.hpp"

namespace agent::pair {

void ControllerNode::Rules::take(const ShutdownOrdered& ordered) {
    const ShutdownKey& key = ordered.key;
    if (node_.key_ && node_.key_->id == key.id) return;  // carried here twice
    if (key.id == node_.record_.last_order) return;
    if (key.cluster != node_.configuration_.cluster) {
        effects_.act(ShutdownRefused{key.id, "the command is for another pair"});
        return;
    }
    if (!concerns(key.subject, node_.configuration_.node)) return;
    // Whoever gave it was told that it is on its way.
    if (key.id < node_.record_.last_order) {
        effects_.act(ShutdownRefused{
            key.id,
            "it is older than the last one that was obeyed or taken back here; if it was given "
            "just now, the clock of " +
                key.id.issuer + " is slow, or a vote was missed there: give it at a node"});
        return;
    }
    if (node_.key_) {
        effects_.act(ShutdownRefused{key.id, "another shutdown command is being obeyed"});
        return;
    }
    if (!is_settled(node_.state_)) {
        wait_with(key);
        return;
    }
    node_.key_ = key;
    RegisterValue& known = node_.key_->register_value;
    known = {node_.configuration_.cluster,  node_.naming_.epoch, node_.naming_.relation,
             node_.configuration_.node,     node_.data_.epoch,   node_.configuration_.voters,
             node_.configuration_.threshold};
    if (node_.state_ == NodeState::standby) known.primary = other(node_.configuration_.node);
    const bool leaves_other = key.subject != Subject::both && known.relation == Relation::pair;
    if (leaves_other) node_.key_->remaining = other(node_.configuration_.node);
    node_.departure_ = {};
    node_.collecting_ = true;
    collect_key();
}

// Whoever carried it here was told that it has come, and does not say it again.
void ControllerNode::Rules::wait_with(const ShutdownKey& key) {
    if (node_.state_ == NodeState::shut_down) return;
    if (node_.waiting_order_) {
        const KeyId known = node_.waiting_order_->id;
        if (key.id == known) return;
        effects_.act(ShutdownRefused{std::min(key.id, known), "a newer command waits"});
        if (key.id < known) return;
    }
    node_.waiting_order_ = key;
    effects_.act(ShutdownWaits{key.id});
}

// The role changes while keys are collected: the command waits, as it was ordered.
void ControllerNode::Rules::put_off() {
    ShutdownKey ordered = *std::exchange(node_.key_, std::nullopt);
    ordered.remaining.reset();
    ordered.stored_at.clear();
    node_.collecting_ = false;
    wait_with(ordered);
}

void ControllerNode::Rules::take_back(const char* why) {
    if (!node_.waiting_order_) return;
    const KeyId id = std::exchange(node_.waiting_order_, std::nullopt)->id;
    void_up_to(id);
    effects_.act(ShutdownRefused{id, why});
}

// Somebody may carry it here once more.
void ControllerNode::Rules::void_up_to(const KeyId& id) {
    node_.record_.last_order = std::max(node_.record_.last_order, id);
    effects_.record(RecordNode{node_.record_});
}

// Whoever wants the node in service takes back what would send it out as soon as it is there.
void ControllerNode::Rules::come_back(NodeEvent event) {
    constexpr const char* why = "the node was told to come into service since";
    take_back(why);
    const bool begins = core::row_of(node_table, node_.state_, event).action != NodeAction::nothing;
    if (begins && node_.collecting_) {
        void_up_to(node_.key_->id);
        refuse(why);
    }
    apply(event);
}

// The program ends: nobody is waited for whom a shutdown at once would not wait for.
void ControllerNode::Rules::take(const StopOrdered&) {
    if (!node_.key_) return;
    node_.hurries_ = true;
    if (node_.collecting_) count_keys();
    leave_when_drained();
}

// After every step.
void ControllerNode::Rules::obey_what_waits() {
    if (!node_.waiting_order_ || !is_settled(node_.state_)) return;
    take(ShutdownOrdered{*std::exchange(node_.waiting_order_, std::nullopt)});
}

void ControllerNode::Rules::collect_key() {
    for (const auto& agent : node_.configuration_.voters) {
        effects_.act(SendKey{agent, *node_.key_});
    }
    if (node_.configuration_.has_peer) effects_.act(SendKeyToPeer{*node_.key_});
    if (node_.configuration_.voters.empty()) collected();
}

void ControllerNode::Rules::take(const KeyStored& stored) {
    if (!node_.key_ || stored.key != node_.key_->id) return;
    const auto& voters = node_.configuration_.voters;
    if (std::find(voters.begin(), voters.end(), stored.agent) == voters.end()) return;
    auto& stored_at = node_.key_->stored_at;
    const auto place = std::lower_bound(stored_at.begin(), stored_at.end(), stored.agent);
    if (place == stored_at.end() || *place != stored.agent) stored_at.insert(place, stored.agent);
    if (node_.collecting_) count_keys();
}

void ControllerNode::Rules::count_keys() {
    const std::size_t stored = node_.key_->stored_at.size();
    const bool all = stored == node_.configuration_.voters.size();
    const bool enough = stored > node_.configuration_.threshold;
    if (all || (enough && keys_needed() == KeysNeeded::more_than_threshold)) collected();
}

void ControllerNode::Rules::collected() {
    node_.collecting_ = false;
    void_up_to(node_.key_->id);
    apply(NodeEvent::keys_stored);
}

void ControllerNode::Rules::refuse(const char* why) {
    const KeyId id = node_.key_->id;
    node_.collecting_ = false;
    node_.key_.reset();
    node_.hurries_ = false;
    effects_.act(ShutdownRefused{id, why});
}

void ControllerNode::Rules::leave_when_drained() {
    if (node_.state_ != NodeState::draining || !node_.key_) return;
    if (node_.procedure_ != NodeAction::nothing) return;
    const bool serves_last =
        node_.key_->subject == Subject::both && !node_.served_ && node_.configuration_.has_peer;
    // The standby stays until the primary's last record has come.
    if (serves_last && !node_.peer_is_out_ && !node_.drain_time_over_) return;
    if (node_.served_ && !may_leave(*node_.leaves_by(), node_.mounts_, node_.drain_time_over_)) {
        return;
    }
    apply(NodeEvent::drained);
}

void ControllerNode::Rules::tell_departure() {
    if (!node_.key_) return;
    Departure& departure = node_.key_->departures[index_of(node_.configuration_.node)];
    departure = node_.departure_;
    departure.out = true;
    departure.clean = departure.clean && row_of(node_.key_->mode).may_be_clean;
    departure.open_claims = node_.mounts_.running;
    for (const auto& agent : node_.configuration_.voters) {
        effects_.act(SendKey{agent, *node_.key_});
    }
    if (node_.configuration_.has_peer) effects_.act(SendKeyToPeer{*node_.key_});
    effects_.act(LeftService{*node_.key_});
}

std::optional<ShutdownMode> ControllerNode::leaves_by() const {
    if (!key_) return std::nullopt;
    const bool patient = row_of(key_->mode).running_mounts != WaitFor::nobody;
    return hurries_ && patient ? ShutdownMode::immediate : key_->mode;
}

}  // namespace agent::pair
