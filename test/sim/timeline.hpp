#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

namespace sim {

// Simulated time: what happens, in order of time and then of scheduling.
class Timeline {
  public:
    using Happening = std::function<void()>;

    void after(std::int64_t delay_ms, Happening happening) {
        const std::int64_t delay = delay_ms < 0 ? 0 : delay_ms;
        queue_.push_back({now_ms_ + delay, sequence_++, std::move(happening)});
        std::push_heap(queue_.begin(), queue_.end(), later);
    }
    // False: nothing is left to happen.
    bool run_next() {
        if (queue_.empty()) return false;
        std::pop_heap(queue_.begin(), queue_.end(), later);
        Entry entry = std::move(queue_.back());
        queue_.pop_back();
        now_ms_ = entry.at_ms;
        entry.happening();
        return true;
    }
    [[nodiscard]] std::int64_t now_ms() const { return now_ms_; }

  private:
    struct Entry {
        std::int64_t at_ms;
        std::uint64_t sequence;
        Happening happening;
    };
    static bool later(const Entry& a, const Entry& b) {
        return std::pair(a.at_ms, a.sequence) > std::pair(b.at_ms, b.sequence);
    }
    std::int64_t now_ms_ = 0;
    std::uint64_t sequence_ = 0;
    std::vector<Entry> queue_;
};

}  // namespace sim
