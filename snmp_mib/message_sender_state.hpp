#pragma once

// What the sender keeps per destination and per message; private to message_sender*.cpp.

#include <map>

#include "snmp_mib/message_sender.hpp"

namespace snmp_mib {

inline constexpr std::size_t probes_remembered = 4;
// A new engine ID that somebody claims to have is tried this often before we go back to the one we
// know.
inline constexpr unsigned candidate_tries = 2;

// Anyone can claim an engine ID. So many claims are looked at for one message: one may be forged,
// and the library remembers each.
inline constexpr unsigned engine_claims_max = 2;

struct MessageSender::Message {
    MessageId id = 0;
    std::string destination;
    std::string key;
    SharedBody body;
    Delivery delivery = Delivery::inform;
    OnEnd on_end;
    std::uint32_t attempts = 0;
    std::uint32_t attempts_max = 0;
    std::uint32_t clock_corrections = 0;
    unsigned engine_claims = 0;
    unsigned prompts = 0;   // for another engine's sake
    bool prompted = false;  // to be sent again because of a Report, which is no attempt
    bool transmitted = false;
    bool holds_slot = false;
    std::vector<std::int32_t>
        ids;  // of every transmission: SNMPv3 gives each its own (RFC 3412 7.1)
    std::optional<Clock::time_point> due;
};

struct MessageSender::Outstanding {
    MessageId message = 0;  // 0: a question for the engine ID
    std::string destination;
    asio::ip::udp::endpoint endpoint;
    std::string engine_id;
    unsigned engine_claims = 0;  // of a question
};

// Engine IDs: `engine_id` has answered with a valid key (or is configured). `candidate` is what an
// unauthenticated Report claims; it is tried, and only an authenticated answer makes it the engine
// ID.
struct MessageSender::Destination {
    std::string name;
    DestinationConfiguration configuration;
    std::optional<asio::ip::udp::endpoint> endpoint;
    std::set<asio::ip::address> addresses;  // all that the name has
    bool has_name = false;                  // instead of a numeric address
    bool resolving = false;
    Clock::time_point resolve_not_before = Clock::time_point::min();
    Clock::time_point probe_not_before = Clock::time_point::min();
    std::deque<std::int32_t> probes;
    std::string engine_id;
    std::string candidate;
    unsigned candidate_uses = 0;
    std::set<std::string> engines_with_user;
    std::deque<MessageId> waiting;
    std::set<MessageId> active;
    std::map<std::string, MessageId> by_key;
    bool answering = false;
    // Places of the window. Who was heard of lately takes as many as he has messages, another one
    // until he answers, and who lets it time out none: no answer of his needs room.
    std::size_t places = 0;
    bool silent = false;
    Clock::time_point heard_at = Clock::time_point::min();
    std::deque<MessageId>
        parked;  // ready, until the one that holds a place is answered or too late
    std::uint64_t resent = 0;
    std::string trouble;

    // Heard of, and not let a place time out since.
    [[nodiscard]] bool is_proven() const { return !silent && heard_at != Clock::time_point::min(); }
    [[nodiscard]] bool has_user_of(const Destination& other) const {
        return configuration.user && other.configuration.user &&
               configuration.user->name == other.configuration.user->name;
    }
    agent::core::Outcome know_engine(const std::string& engine, const std::string& own_engine_id) {
        if (!engines_with_user.insert(engine).second || engine == own_engine_id)
            return agent::core::Nothing{};
        return add_user(*configuration.user, engine);
    }
};

}  // namespace snmp_mib
