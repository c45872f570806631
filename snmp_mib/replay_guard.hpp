#pragma once

// Which messages were taken lately, so that a captured one that is sent again inside the time
// window of RFC 3414 3.2 is known for what it is. Pure.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <unordered_set>

namespace snmp_mib {

class ReplayGuard {
  public:
    using Clock = std::chrono::steady_clock;
    // A message may be 150 s early by our clock, and is taken until it is 150 s late.
    static constexpr std::chrono::seconds remembered{301};
    // Two turns of confirmations of the largest library; beyond that the oldest is forgotten.
    static constexpr std::size_t most = 16'384;

    // `signature`: of an authentic message, at least eight octets. Nobody without the key can make
    // one that begins like another.
    [[nodiscard]] bool was_taken(std::span<const std::uint8_t> signature) const {
        return taken_.contains(key_of(signature));
    }
    void take(std::span<const std::uint8_t> signature, Clock::time_point now) {
        while (!order_.empty() && (order_.size() >= most || order_.front().at + remembered < now)) {
            taken_.erase(order_.front().key);
            order_.pop_front();
        }
        if (taken_.insert(key_of(signature)).second) order_.push_back({now, key_of(signature)});
    }
    [[nodiscard]] std::size_t size() const { return order_.size(); }

  private:
    struct Taken {
        Clock::time_point at;
        std::uint64_t key;
    };
    static std::uint64_t key_of(std::span<const std::uint8_t> signature) {
        std::uint64_t key = 0;
        for (const std::uint8_t octet : signature.first(sizeof key))
            key = key << 8U | octet;
        return key;
    }

    std::unordered_set<std::uint64_t> taken_;
    std::deque<Taken> order_;
};

}  // namespace snmp_mib
