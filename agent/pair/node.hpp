#pragma once

// The two controllers of a pair, and where their data stands.

#include <compare>
#include <cstdint>
#include <optional>
#include <string_view>

namespace agent::pair {

enum class Node : std::uint8_t { first, second };

[[nodiscard]] constexpr Node other(Node node) {
    return node == Node::first ? Node::second : Node::first;
}
[[nodiscard]] constexpr std::size_t index_of(Node node) {
    return node == Node::first ? 0 : 1;
}
[[nodiscard]] std::string_view to_text(Node value);
[[nodiscard]] std::optional<Node> node_from_text(std::string_view text);

// How far a node's copy of the shared table reaches (PostgreSQL: timeline and log sequence number).
struct LogPosition {
    std::uint64_t timeline = 0;
    std::uint64_t lsn = 0;
    auto operator<=>(const LogPosition&) const = default;
};

}  // namespace agent::pair
