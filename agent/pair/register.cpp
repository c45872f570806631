#include "agent/pair/register.hpp"

#include <algorithm>

#include "agent/core/enumerator_names.hpp"

namespace agent::pair {
namespace {

using core::EnumeratorName;

constexpr EnumeratorName<Node> node_names[] = {{Node::first, "first"}, {Node::second, "second"}};
constexpr EnumeratorName<Relation> relation_names[] = {{Relation::pair, "pair"},
                                                       {Relation::alone, "alone"}};
constexpr EnumeratorName<Wish> wish_names[] = {
    {Wish::read, "read"}, {Wish::alone, "alone"}, {Wish::pair, "pair"}, {Wish::forced, "forced"}};
constexpr EnumeratorName<Objection> objection_names[] = {
    {Objection::none, "none"},
    {Objection::cluster, "cluster"},
    {Objection::not_registered, "not_registered"},
    {Objection::stale_ballot, "stale_ballot"},
    {Objection::other_newer, "other_newer"},
    {Objection::epoch, "epoch"},
    {Objection::behind, "behind"},
    {Objection::peer_alive, "peer_alive"},
    {Objection::hold, "hold"}};
constexpr EnumeratorName<Objection> objection_meanings[] = {
    {Objection::none, "agrees"},
    {Objection::cluster, "belongs to another pair"},
    {Objection::not_registered,
     "is no voter of this pair, or has lost what it had stored: enrol it again"},
    {Objection::stale_ballot, "has promised a later vote; the node asks again by itself"},
    {Objection::other_newer, "knows that the other node served last: start that one"},
    {Objection::epoch, "knows a newer epoch than the node's data have: start the other node"},
    {Objection::behind, "keeps a shutdown key that says the other node wrote more: start that one"},
    {Objection::peer_alive, "hears the other node, which serves"},
    {Objection::hold, "was put on hold by an operator"}};

// An operator's word must end above anything that a node it could not reach may have been granted.
constexpr std::uint64_t forced_epochs = 1000;

RegisterValue served_by(const RegisterValue& newest, Relation relation, const Candidate& candidate,
                        std::uint64_t epochs) {
    RegisterValue value = newest;
    value.relation = relation;
    value.primary = candidate.node;
    value.epoch = std::max(newest.epoch, candidate.epoch) + epochs;
    value.least_epoch = candidate.epoch;
    return value;
}

std::variant<RegisterValue, Objection> alone_after(const RegisterValue& newest,
                                                   const Candidate& candidate) {
    if (newest.primary == candidate.node) {
        if (!names_with_its_data(newest, candidate.node, candidate.epoch)) return Objection::epoch;
        if (newest.relation == Relation::alone) return newest;
        return served_by(newest, Relation::alone, candidate, 1);
    }
    if (newest.relation == Relation::alone) return Objection::other_newer;
    // The record of this epoch in the candidate's copy proves that everything older is there too;
    // everything since was acknowledged by both.
    if (newest.epoch != candidate.epoch) return Objection::epoch;
    return served_by(newest, Relation::alone, candidate, 1);
}

std::variant<RegisterValue, Objection> pair_after(const RegisterValue& newest,
                                                  const Candidate& candidate) {
    if (newest.primary != candidate.node) return Objection::other_newer;
    if (!names_with_its_data(newest, candidate.node, candidate.epoch)) return Objection::epoch;
    if (newest.relation == Relation::pair) return newest;
    return served_by(newest, Relation::pair, candidate, 1);
}

}  // namespace

std::string_view to_text(Node value) {
    return name_of(node_names, value);
}
std::optional<Node> node_from_text(std::string_view text) {
    return value_of(node_names, text);
}
std::string_view to_text(Relation value) {
    return name_of(relation_names, value);
}
std::string_view to_text(Wish value) {
    return name_of(wish_names, value);
}
std::string_view to_text(Objection value) {
    return name_of(objection_names, value);
}
std::string_view meaning_of(Objection value) {
    return name_of(objection_meanings, value);
}

bool names_with_its_data(const RegisterValue& value, Node node, std::uint64_t epoch) {
    return value.primary == node && epoch >= value.least_epoch && epoch <= value.epoch;
}

std::variant<RegisterValue, Objection> value_after(const RegisterValue& newest, Wish wish,
                                                   const Candidate& candidate) {
    switch (wish) {
        case Wish::read:
            return newest;
        case Wish::alone:
            return alone_after(newest, candidate);
        case Wish::pair:
            return pair_after(newest, candidate);
        case Wish::forced:
            return served_by(newest, Relation::alone, candidate, forced_epochs);
    }
    return Objection::epoch;
}

}  // namespace agent::pair
