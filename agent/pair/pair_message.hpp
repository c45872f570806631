#pragma once

// What nodes and agents of a pair say to each other, and what they keep on disk, as one line of
// text: a version, the kind, then values in a fixed order, separated by single spaces. Texts are
// percent-encoded. What is said has another version than what is kept. Whoever carries it has
// authenticated the sender; nothing in here is believed for itself.

#include <string>
#include <string_view>
#include <variant>

#include "agent/core/result.hpp"
#include "agent/pair/ballot.hpp"
#include "agent/pair/node_watch.hpp"
#include "agent/pair/voting_agent_io.hpp"

namespace agent::pair {

// An agent's decision, told to the other agents.
struct DecisionTold {
    Node candidate = Node::first;
    BallotAnswer decision;
    bool operator==(const DecisionTold&) const = default;
};
// One pass of a key, to be stored. Counted among the sender's heartbeats, since a key that says
// that the sender is out says also that it does not act.
struct KeyPass {
    ShutdownKey key;
    std::uint64_t life = 0;
    std::uint64_t sequence = 0;
    bool operator==(const KeyPass&) const = default;
};
// A shutdown command, carried on.
struct CommandPass {
    ShutdownKey key;
    bool operator==(const CommandPass&) const = default;
};
struct KeyKept {
    KeyId key;
    bool operator==(const KeyKept&) const = default;
};
struct Enrolment {
    Register beginning;
    bool operator==(const Enrolment&) const = default;
};

using PairMessage = std::variant<PromiseRequest, AcceptRequest, BallotAnswer, DecisionTold, KeyPass,
                                 CommandPass, KeyKept, Heartbeat, LeaseAnswer, Enrolment>;

inline constexpr std::size_t pair_message_bytes_max = std::size_t{8} * 1024;
inline constexpr std::size_t pair_name_bytes_max = 64;  // cluster, agents, instance, issuer

// At most pair_message_bytes_max when names and texts keep their limits.
[[nodiscard]] std::string encode(const PairMessage& message);

// Strict: every value there once, in its place, within its range, and nothing behind it. Errors
// name the value.
[[nodiscard]] core::Result<PairMessage> decode(std::string_view line);

// The same for what a voting agent keeps.
[[nodiscard]] std::string encode(const Register& value);
[[nodiscard]] core::Result<Register> decode_register(std::string_view line);
[[nodiscard]] std::string encode(const ShutdownKey& key);
[[nodiscard]] core::Result<ShutdownKey> decode_key(std::string_view line);

}  // namespace agent::pair
