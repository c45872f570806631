#pragma once

#include <compare>
#include <cstdint>

namespace agent::core {

// A length of time in milliseconds. No clock header anywhere in a pure room: time is a parameter.
struct Duration {
    std::int64_t ms = 0;
    auto operator<=>(const Duration&) const = default;
};

// A point on the caller's monotonic clock, in milliseconds from an origin of the caller's choice.
struct Instant {
    std::int64_t ms = 0;
    auto operator<=>(const Instant&) const = default;
};

// A point in calendar time, milliseconds since 1970-01-01T00:00:00Z. Written into records for
// people to read; no rule ever compares two of them, since wall clocks step.
struct WallTime {
    std::int64_t ms = 0;
    auto operator<=>(const WallTime&) const = default;
};

// What "now" means to a step of a state machine: one to decide with, one to write down.
struct Now {
    Instant monotonic;
    WallTime wall;
};

constexpr Instant operator+(Instant at, Duration by) {
    return {at.ms + by.ms};
}
constexpr Instant operator-(Instant at, Duration by) {
    return {at.ms - by.ms};
}
constexpr Duration operator-(Instant later, Instant earlier) {
    return {later.ms - earlier.ms};
}
constexpr Duration operator*(Duration d, std::int64_t times) {
    return {d.ms * times};
}

}  // namespace agent::core
