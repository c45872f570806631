#pragma once

// Which messages were taken lately, so that a captured one that is sent again inside the time
// window of RFC 3414 3.2 is known for what it is. Pure.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>

namespace snmp_mib {

// By user: who has one user's key can send as much as he likes in that name, and must not make
// those of others be forgotten.
class ReplayGuard {
  public:
    using Clock = std::chrono::steady_clock;
    // A message may be 150 s early by our clock, and is taken until it is 150 s late.
    static constexpr std::chrono::seconds remembered{301};
    // Of all users: two turns of confirmations of the largest library. Beyond that the oldest of
    // the user who has the most is forgotten, so that nobody with an even share or less loses any.
    static constexpr std::size_t most = 16'384;

    // `signature`: of an authentic message of `user`, at least eight octets. Nobody without the key
    // can make one that begins like another.
    [[nodiscard]] bool was_taken(std::string_view user,
                                 std::span<const std::uint8_t> signature) const {
        const auto share = shares_.find(user);
        return share != shares_.end() && share->second.taken.contains(key_of(signature));
    }
    void take(std::string_view user, std::span<const std::uint8_t> signature,
              Clock::time_point now) {
        auto found = shares_.find(user);
        if (found == shares_.end()) found = shares_.emplace(user, Share{}).first;
        Share& own = found->second;
        while (!own.order.empty() && own.order.front().at + remembered < now)
            forget_oldest(own);
        if (!own.taken.insert(key_of(signature)).second) return;
        own.order.push_back({now, key_of(signature)});
        if (++size_ > most) forget_oldest(largest(own));
    }
    [[nodiscard]] std::size_t size() const { return size_; }

  private:
    struct Taken {
        Clock::time_point at;
        std::uint64_t key;
    };
    struct Share {
        std::unordered_set<std::uint64_t> taken;
        std::deque<Taken> order;
    };
    static std::uint64_t key_of(std::span<const std::uint8_t> signature) {
        std::uint64_t key = 0;
        for (const std::uint8_t octet : signature.first(sizeof key))
            key = key << 8U | octet;
        return key;
    }
    void forget_oldest(Share& share) {
        share.taken.erase(share.order.front().key);
        share.order.pop_front();
        --size_;
    }
    Share& largest(Share& own) {
        const auto found =
            std::max_element(shares_.begin(), shares_.end(), [](const auto& a, const auto& b) {
                return a.second.order.size() < b.second.order.size();
            });
        return found->second.order.size() > own.order.size() ? found->second : own;
    }

    std::map<std::string, Share, std::less<>> shares_;  // of users that are configured: not many
    std::size_t size_ = 0;
};

}  // namespace snmp_mib
