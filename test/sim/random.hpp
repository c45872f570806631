#pragma once

#include <cstdint>

namespace sim {

// SplitMix64. Draw one number per statement: the order in which arguments are evaluated differs
// between compilers.
class Random {
  public:
    explicit Random(std::uint64_t seed) : state_(seed) {}

    [[nodiscard]] std::uint64_t next() {
        state_ += 0x9e3779b97f4a7c15U;
        std::uint64_t z = state_;
        z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
        z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
        return z ^ (z >> 31U);
    }
    // 0 .. count - 1.
    [[nodiscard]] std::uint64_t below(std::uint64_t count) { return (next() >> 16U) % count; }
    [[nodiscard]] std::int64_t between(std::int64_t low, std::int64_t high) {
        return low + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(high - low + 1)));
    }
    [[nodiscard]] bool chance(std::uint64_t per_100k) { return below(100'000) < per_100k; }

  private:
    std::uint64_t state_;
};

}  // namespace sim
