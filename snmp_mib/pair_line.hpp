#pragma once

// What the nodes and the voting agents of a pair of controllers say to each other: tlrPairMessage
// with one line of agent/pair's language, which is not looked into here. Pure.

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "agent/core/result.hpp"
#include "snmp_mib/varbind.hpp"

namespace snmp_mib {

// With the rest of the message it fits a datagram.
inline constexpr std::size_t pair_line_length_max = 7'424;

struct PairLine {
    std::string sender;  // name of a node (controller.id) or an agent
    std::string receiver;
    std::string line;
    bool operator==(const PairLine&) const = default;
};

[[nodiscard]] bool is_pair_line(std::span<const Varbind> varbinds);
[[nodiscard]] std::vector<Varbind> encode(const PairLine& said, TimeTicks up_time);
// Strict, as decode() of notice_codec.hpp.
[[nodiscard]] agent::core::Result<PairLine> decode_pair_line(std::span<const Varbind> varbinds);

}  // namespace snmp_mib
