// Canonical texts of the state that decides what happens next.

#include <initializer_list>

#include "agent/pair/controller_node.hpp"

namespace agent::pair {
namespace {

void put(std::string& text, std::initializer_list<std::uint64_t> numbers) {
    for (const auto number : numbers) {
        text += std::to_string(number);
        text += ' ';
    }
}

template <typename Enumeration>
std::uint64_t number_of(Enumeration value) {
    return static_cast<std::uint64_t>(value);
}

void put(std::string& text, const RegisterValue& value) {
    put(text, {value.epoch, number_of(value.relation), number_of(value.primary), value.least_epoch,
               value.threshold, value.voters.size()});
}

void put(std::string& text, const Ballot& ballot) {
    put(text, {ballot.counter, number_of(ballot.node)});
}

void put(std::string& text, const DataSeen& data) {
    put(text, {data.epoch, number_of(data.relation), number_of(data.primary),
               data.position.timeline, data.position.lsn, number_of(data.standby), data.receives});
}

void put(std::string& text, const ShutdownKey& key) {
    put(text, {key.id.epoch, key.id.counter, number_of(key.subject), number_of(key.mode)});
    for (const auto& departure : key.departures) {
        put(text,
            {departure.out, departure.clean, departure.position.timeline, departure.position.lsn});
    }
    put(text, {key.stored_at.size()});
}

}  // namespace

void Vote::describe(std::string& text) const {
    put(text, ballot_);
    put(text,
        {number_of(wish_), number_of(state_), number_of(objection_), threshold_, highest_seen_,
         accept_begun_, candidate_.epoch, candidate_.position.timeline, candidate_.position.lsn});
    if (accept_begun_) put(text, value_);
}

void Vote::describe_agent(const AgentName& agent, std::string& text) const {
    for (const auto* answers : {&promises_, &acceptances_}) {
        const auto known = answers->find(agent);
        if (known == answers->end()) {
            text += '-';
            continue;
        }
        const BallotAnswer& answer = known->second;
        put(text, {answer.granted, number_of(answer.objection)});
        put(text, answer.accepted);
        if (answer.value) put(text, *answer.value);
    }
}

void ControllerNode::describe(std::string& text) const {
    put(text, {number_of(configuration_.node), record_.ballot_counter, record_.last_order.epoch,
               record_.last_order.counter, number_of(state_), epoch_, naming_.epoch,
               number_of(naming_.relation), number_of(procedure_), position_});
    put(text, data_);
    for (const auto& [number, step] : open_orders_) {
        put(text, {order_number_ - number, number_of(step)});
    }
    put(text, {outbid_once_,
               register_unread_,
               sync_,
               following_,
               unpublished_,
               alone_for_certain_,
               may_have_let_act_,
               peer_is_out_,
               peer_key_.epoch,
               peer_key_.counter,
               collecting_,
               hurries_,
               served_,
               drain_time_over_,
               departure_.out,
               departure_.clean,
               departure_.position.timeline,
               departure_.position.lsn,
               mounts_.queued,
               mounts_.running,
               mounts_.moving});
    if (peer_) {
        put(text, {number_of(peer_->state)});
        put(text, peer_->data);
    }
    if (key_) put(text, *key_);
    if (waiting_order_) {
        text += 'w';
        put(text, *waiting_order_);
    }
    if (vote_is_open()) vote_->describe(text);
    text += '\n';
}

}  // namespace agent::pair
