#pragma once

// The notification channel between authenticated peers, as SNMP informs make it: kept sending until
// acknowledged, replaced by a later message with the same key, and in between lost, repeated, late,
// reordered or cut off.

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <variant>

#include "agent/core/holder_question.hpp"
#include "agent/core/notice.hpp"
#include "test/sim/plan.hpp"
#include "test/sim/random.hpp"
#include "test/sim/timeline.hpp"

namespace sim {

struct StartedMessage {
    agent::core::AgentPresence presence;
};
struct StoppingMessage {
    agent::core::AgentPresence presence;
};
using Message =
    std::variant<agent::core::Notice, agent::core::Confirmation, StartedMessage, StoppingMessage,
                 agent::core::HolderInquiry, agent::core::HolderStatement>;

using PeerName = std::string;

class Network {
  public:
    // False: the peer is down; nothing is acknowledged.
    using Receiver = std::function<bool(const PeerName& from, const Message& message)>;

    Network(Timeline& timeline, Random& random, const Faults& faults)
        : timeline_(timeline), random_(random), faults_(faults) {}

    void attach(const PeerName& peer, Receiver receiver) { receivers_[peer] = std::move(receiver); }

    void send(const PeerName& from, const PeerName& to, const std::string& replaces,
              const Message& message, std::function<void()> on_acknowledged);
    void stop_sending(const PeerName& from, const PeerName& to, const std::string& replaces);
    // The process is gone, and with it all that it was still sending. What is under way arrives.
    void forget(const PeerName& from);

    void cut_off(const PeerName& peer) { cut_off_.insert(peer); }
    void heal(const PeerName& peer) { cut_off_.erase(peer); }
    void be_perfect() { perfect_ = true; }

  private:
    struct Outgoing {
        std::uint64_t id = 0;
        Message message;
        std::uint32_t attempts = 0;
        std::function<void()> on_acknowledged;
    };
    struct Key {
        PeerName from;
        PeerName to;
        std::string replaces;
        auto operator<=>(const Key&) const = default;
    };
    static constexpr std::uint32_t attempts_max = 5;

    void transmit(const Key& key, std::uint64_t id);
    void carry(const Key& key, std::uint64_t id, const Message& message);
    void deliver(const Key& key, std::uint64_t id, const Message& message);
    [[nodiscard]] bool lost();
    [[nodiscard]] std::int64_t delay();
    [[nodiscard]] bool reaches(const Key& key) const {
        return !cut_off_.contains(key.from) && !cut_off_.contains(key.to);
    }

    Timeline& timeline_;
    Random& random_;
    const Faults& faults_;
    std::map<PeerName, Receiver> receivers_;
    std::map<Key, Outgoing> outgoing_;
    std::set<PeerName> cut_off_;
    std::uint64_t last_id_ = 0;
    bool perfect_ = false;
};

}  // namespace sim
