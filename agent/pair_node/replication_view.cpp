#include "agent/pair_node/replication_view.hpp"

#include <algorithm>

namespace agent::pair_node {

Replication replication_between(pair::NodeState state, const pair::DataSeen& own,
                                const std::optional<pair::DataSeen>& other) {
    Replication found;
    const bool stands_by = state == pair::NodeState::standby;
    // Only the server that writes knows what the other one has.
    if (!stands_by) found.copy = own.standby;
    if (!other) return found;
    if (stands_by) found.copy = other->standby;
    if (own.epoch == 0 || other->epoch == 0 || own.position.timeline != other->position.timeline)
        return found;
    const auto [less, more] = std::minmax(own.position.lsn, other->position.lsn);
    found.lag = more - less;
    return found;
}

Replication replication_of(const NodeRunner& node) {
    if (!node.started()) return {};
    const auto& heard = node.rules().peer();
    const bool is_heard = heard && !node.peer_is_silent();
    return replication_between(node.rules().state(), node.rules().data(),
                               is_heard ? std::optional(heard->data) : std::nullopt);
}

std::string_view to_text(pair::DataSeen::Standby value) {
    switch (value) {
        case pair::DataSeen::Standby::none:
            return "none";
        case pair::DataSeen::Standby::streaming:
            return "streaming";
        case pair::DataSeen::Standby::in_sync:
            return "in_sync";
    }
    return "none";
}

}  // namespace agent::pair_node
