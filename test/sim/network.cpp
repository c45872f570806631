#include "test/sim/network.hpp"

namespace sim {

void Network::send(const PeerName& from, const PeerName& to, const std::string& replaces,
                   const Message& message, std::function<void()> on_acknowledged) {
    const Key key{from, to, replaces};
    const std::uint64_t id = ++last_id_;
    outgoing_[key] = {id, message, 0, std::move(on_acknowledged)};
    transmit(key, id);
}

void Network::stop_sending(const PeerName& from, const PeerName& to, const std::string& replaces) {
    outgoing_.erase({from, to, replaces});
}

void Network::forget(const PeerName& from) {
    std::erase_if(outgoing_, [&from](const auto& entry) { return entry.first.from == from; });
}

void Network::transmit(const Key& key, std::uint64_t id) {
    const auto entry = outgoing_.find(key);
    if (entry == outgoing_.end() || entry->second.id != id) return;
    if (entry->second.attempts == attempts_max) {
        outgoing_.erase(entry);
        return;
    }
    const std::int64_t back_off = std::int64_t{300} << entry->second.attempts;
    ++entry->second.attempts;
    carry(key, id, entry->second.message);
    timeline_.after(back_off, [this, key, id] { transmit(key, id); });
}

void Network::carry(const Key& key, std::uint64_t id, const Message& message) {
    const bool first_is_lost = lost();
    const std::int64_t first_delay = delay();
    if (!first_is_lost) {
        timeline_.after(first_delay, [this, key, id, message] { deliver(key, id, message); });
    }
    const bool repeated = !perfect_ && random_.chance(faults_.message_repeated);
    if (!repeated) return;
    const std::int64_t second_delay = delay() * 3;
    timeline_.after(second_delay, [this, key, id, message] { deliver(key, id, message); });
}

void Network::deliver(const Key& key, std::uint64_t id, const Message& message) {
    if (!reaches(key)) return;
    if (!receivers_.at(key.to)(key.from, message)) return;
    // The engine's acknowledgement takes the way back.
    if (lost()) return;
    const std::int64_t back = delay();
    timeline_.after(back, [this, key, id] {
        const auto entry = outgoing_.find(key);
        if (entry == outgoing_.end() || entry->second.id != id || !reaches(key)) return;
        const auto on_acknowledged = std::move(entry->second.on_acknowledged);
        outgoing_.erase(entry);
        if (on_acknowledged) on_acknowledged();
    });
}

bool Network::lost() {
    return !perfect_ && random_.chance(faults_.message_lost);
}

std::int64_t Network::delay() {
    return perfect_ ? 1 : random_.between(1, faults_.message_delay_max_ms);
}

}  // namespace sim
