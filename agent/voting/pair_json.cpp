#include "agent/voting/pair_json.hpp"

#include <nlohmann/json.hpp>

#include "agent/runtime/clock.hpp"
#include "agent/runtime/control_server.hpp"

namespace agent::voting {

using nlohmann::json;

json value_json(const pair::RegisterValue& value) {
    return {{"cluster", value.cluster},
            {"epoch", value.epoch},
            {"relation", pair::to_text(value.relation)},
            {"primary", pair::to_text(value.primary)},
            {"voters", value.voters},
            {"threshold", value.threshold}};
}

json ballot_json(const pair::Ballot& ballot) {
    if (ballot.counter == 0) return nullptr;
    return {{"ballot", ballot.counter}, {"by", pair::to_text(ballot.node)}};
}

json answer_json(const pair::BallotAnswer& answer) {
    const bool accepts = answer.round == pair::BallotAnswer::Round::accept;
    return {{"agent", answer.agent},
            {"round", accepts ? "accept" : "promise"},
            {"granted", answer.granted},
            {"objection", pair::to_text(answer.objection)},
            {"meaning", pair::meaning_of(answer.objection)},
            {"promised", ballot_json(answer.promised)},
            {"accepted", ballot_json(answer.accepted)},
            {"value", answer.value ? value_json(*answer.value) : json()}};
}

std::string key_name(const pair::KeyId& id) {
    return std::to_string(id.epoch) + "." + std::to_string(id.counter) + "." + id.issuer;
}

json key_json(const pair::ShutdownKey& key) {
    json nodes = json::array();
    for (const auto node : {pair::Node::first, pair::Node::second}) {
        if (!concerns(key.subject, node)) continue;
        const auto& departure = key.departures.at(pair::index_of(node));
        nodes.push_back({{"node", pair::to_text(node)},
                         {"out", departure.out},
                         {"clean", departure.clean},
                         {"timeline", departure.position.timeline},
                         {"lsn", departure.position.lsn},
                         {"open_claims", departure.open_claims}});
    }
    return {{"key", key_name(key.id)},
            {"subject", pair::to_text(key.subject)},
            {"mode", pair::to_text(key.mode)},
            {"actor", key.actor},
            {"reason", key.reason},
            {"at", runtime::to_text(key.at)},
            {"remaining", key.remaining ? json(pair::to_text(*key.remaining)) : json()},
            {"epoch", key.register_value.epoch},
            {"relation", pair::to_text(key.register_value.relation)},
            {"nodes", std::move(nodes)},
            {"stored_at", key.stored_at}};
}

core::Result<ShutdownWish> shutdown_wish(const json& params,
                                         const std::array<std::string, 2>& names) {
    ShutdownWish wish;
    const auto node = runtime::text_parameter(params, "node");
    if (!node) return node.error();
    if (const auto subject = pair::subject_from_text(*node)) {
        wish.subject = *subject;
    } else if (*node == names[0] || *node == names[1]) {
        wish.subject = *node == names[0] ? pair::Subject::first : pair::Subject::second;
    } else {
        return core::Error{"node must be first, second, both, " + names[0] + " or " + names[1]};
    }
    if (params.contains("mode")) {
        const auto mode =
            params["mode"].is_string()
                ? pair::shutdown_mode_from_text(params["mode"].get_ref<const std::string&>())
                : std::nullopt;
        if (!mode) return core::Error{"mode must be normal, expedite, immediate or forced"};
        wish.mode = *mode;
    }
    auto reason = runtime::text_parameter(params, "reason");
    if (!reason) return reason.error();
    if (reason->size() > pair::key_text_bytes_max) {
        return core::Error{"reason must be " + std::to_string(pair::key_text_bytes_max) +
                           " bytes or less"};
    }
    wish.reason = *reason;
    return wish;
}

}  // namespace agent::voting
