#pragma once

// A trouble that goes away by itself mostly: it is told once when it has lasted, and its end only
// when it was told.

#include <optional>
#include <utility>

#include "agent/core/time.hpp"

namespace agent::lrad {

class LastingTrouble {
  public:
    explicit LastingTrouble(core::Duration patience) : patience_(patience) {}

    // It is there. True: it is to be told.
    bool is_there(core::Instant now) {
        if (!since_) since_ = now;
        return now - *since_ >= patience_ && !std::exchange(told_, true);
    }
    // It is not there. True: that is to be told.
    bool is_over() {
        since_.reset();
        return std::exchange(told_, false);
    }

  private:
    core::Duration patience_;
    std::optional<core::Instant> since_;
    bool told_ = false;
};

}  // namespace agent::lrad
