#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "agent/pair/controller_node_io.hpp"
#include "agent/pair_node/node_runner.hpp"

namespace agent::pair_node {

// How the copy of the drive table that stands by follows, as far as this node can tell.
struct Replication {
    pair::DataSeen::Standby copy = pair::DataSeen::Standby::none;
    // Bytes of log between both copies, as the other node told of its own last; nothing: it is not
    // heard, or their logs have parted.
    std::optional<std::uint64_t> lag;
    bool operator==(const Replication&) const = default;
};

// `other` nothing: not heard.
[[nodiscard]] Replication replication_between(pair::NodeState state, const pair::DataSeen& own,
                                              const std::optional<pair::DataSeen>& other);
[[nodiscard]] Replication replication_of(const NodeRunner& node);
[[nodiscard]] std::string_view to_text(pair::DataSeen::Standby value);

}  // namespace agent::pair_node
