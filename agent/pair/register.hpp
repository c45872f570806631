#pragma once

// The register: what every voting agent keeps on disk about the pair, and the only place where it
// is decided which node may serve. It changes by ballots in two rounds (ballot.hpp), so that of two
// nodes that both believe to be the only one left at most one is right.

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "agent/core/notice.hpp"
#include "agent/pair/node.hpp"

namespace agent::pair {

using core::AgentName;

// Numbers a node's attempts to change the register. No two attempts have the same one: a node
// records the counter before it sends anything under it.
struct Ballot {
    std::uint64_t counter = 0;
    Node node = Node::first;
    auto operator<=>(const Ballot&) const = default;
};

enum class Relation : std::uint8_t {
    pair,   // every acknowledged claim is on both nodes
    alone,  // the primary may acknowledge what the other does not have
};
[[nodiscard]] std::string_view to_text(Relation value);

struct RegisterValue {
    std::string cluster;      // identity of the pair, made once
    std::uint64_t epoch = 0;  // rises with every change of relation or primary
    Relation relation = Relation::pair;
    Node primary = Node::first;
    // Data of the primary that are older than this are not its data: its disk was replaced.
    std::uint64_t least_epoch = 0;
    std::vector<AgentName> voters;  // ascending
    std::uint32_t threshold = 0;    // more than this many decide
    bool operator==(const RegisterValue&) const = default;
};

struct Register {
    Ballot promised;
    Ballot accepted;
    RegisterValue value;
    bool operator==(const Register&) const = default;
};

inline constexpr std::size_t voters_max = 15;

// floor(N/2): more than this many of N agents is a strict majority.
[[nodiscard]] constexpr std::uint32_t least_threshold(std::size_t voters) {
    return static_cast<std::uint32_t>(voters / 2);
}

// What a node wants of the register.
enum class Wish : std::uint8_t {
    read,    // which is the newest value?
    alone,   // to serve without the other
    pair,    // to publish that both have everything
    forced,  // an operator's word: alone, whatever the register says
};
[[nodiscard]] std::string_view to_text(Wish value);

// Who asks, with which data.
struct Candidate {
    Node node = Node::first;
    std::uint64_t epoch = 0;  // of the newest epoch record in its copy of the table
    LogPosition position;
    bool operator==(const Candidate&) const = default;
};

// Why an agent says no, or why a node may not do what it wants.
enum class Objection : std::uint8_t {
    none,
    cluster,         // of another pair
    not_registered,  // this agent has no register: it never was a voter, or has lost its disk
    stale_ballot,    // a higher ballot was promised
    other_newer,     // the other node was named last: its data are newer
    epoch,           // the candidate's data are not those of the newest epoch
    behind,          // the candidate lacks what the other wrote before it went out of service
    peer_alive,      // the other node is heard, and is the one that serves
    hold,            // an operator put this agent on hold
};
inline constexpr std::size_t objection_count = 9;
[[nodiscard]] std::string_view to_text(Objection value);
// What it means, for the night operator.
[[nodiscard]] std::string_view meaning_of(Objection value);

// The value that follows from the newest one when `candidate` gets its wish, or why it does not.
// The same value again when the wish was granted before and the node had not heard of it.
[[nodiscard]] std::variant<RegisterValue, Objection> value_after(const RegisterValue& newest,
                                                                 Wish wish,
                                                                 const Candidate& candidate);

// May this node serve as the primary that the value names?
[[nodiscard]] bool names_with_its_data(const RegisterValue& value, Node node, std::uint64_t epoch);

}  // namespace agent::pair
