#pragma once

// What this node may do, written by the loop and read by every thread that is about to send a
// command to a device.

#include <algorithm>
#include <mutex>

#include "agent/pair/acting_right.hpp"

namespace agent::pair_node {

class RightBoard {
  public:
    explicit RightBoard(const pair::ActingRight& right = {}) : right_(right) {}

    void set(const pair::ActingRight& right) {
        const std::lock_guard lock(mutex_);
        right_ = right;
    }
    // Takes away what `right` does not have, and gives nothing.
    void lower(const pair::ActingRight& right) {
        const std::lock_guard lock(mutex_);
        if (right.epoch != right_.epoch) right_ = {};
        right_.may_claim = right_.may_claim && right.may_claim;
        right_.may_act = right_.may_act && right.may_act;
        right_.until = std::min(right_.until, right.until);
    }
    [[nodiscard]] pair::ActingRight get() const {
        const std::lock_guard lock(mutex_);
        return right_;
    }

  private:
    mutable std::mutex mutex_;  // guards what is below
    pair::ActingRight right_;
};

}  // namespace agent::pair_node
