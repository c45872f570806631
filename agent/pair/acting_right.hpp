#pragma once

// What a controller node may do at this moment. Everybody who writes claims or sends commands to
// changers and drives asks this, and nothing else: how the right came about is the pair's business.

#include <cstdint>

#include "agent/core/time.hpp"

namespace agent::pair {

struct ActingRight {
    // Goes into every row and every reservation key. Rises whenever the acting node may have
    // changed; a row or a key of an older epoch belongs to somebody who may not act any more.
    std::uint64_t epoch = 0;
    bool may_claim = false;  // new requests are taken; false: SHUTTING_DOWN, BUSY or SYSTEM_OFFLINE
    bool may_act = false;    // work for claims that are committed goes on

    // Compared with the monotonic clock right before each command goes to a device, not once for a
    // series: a process that was suspended in between must see that its time is over. Never
    // prolong it by hand.
    core::Instant until{};

    bool operator==(const ActingRight&) const = default;
};

inline constexpr core::Instant for_ever{INT64_MAX};

// May one command be sent to a device now?
[[nodiscard]] constexpr bool may_send(const ActingRight& right, core::Instant now) {
    return right.may_act && now < right.until;
}

// A controller without a peer always acts. Its epoch is the one it raised on disk at this start.
[[nodiscard]] constexpr ActingRight right_of_single_controller(std::uint64_t epoch) {
    return {epoch, true, true, for_ever};
}

}  // namespace agent::pair
