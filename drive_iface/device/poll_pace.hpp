#pragma once

// How soon a drive is looked at again. Decides only: no clock, no thread.
//
//   what the look told                                       | pace after it
//   ---------------------------------------------------------+--------------------------------------
//   the reservation changed, a unit attention came, or       | fast, for `fast_looks` looks
//     somebody asked for the look (event, trap, `drive poll`)|
//   reserved, nothing changed, and the drive moves tape      | busy
//   anything else                                            | steady
//
// A drive that can not tell its activity is never busy here. The longest time between two looks at
// a drive that answers is therefore PollTimes::busy, and PollTimes::poll unless it is reserved and
// moves tape.

#include <cstdint>
#include <optional>
#include <string_view>

#include "agent/core/time.hpp"

namespace drive_iface {

enum class PollPace : std::uint8_t { fast, steady, busy };
[[nodiscard]] std::string_view to_text(PollPace pace);

struct PollTimes {
    agent::core::Duration poll{500};  // steady
    agent::core::Duration fast{125};
    agent::core::Duration busy{2'000};
    bool operator==(const PollTimes&) const = default;
};
// fast at least 50 ms and at most poll; busy at least poll.
[[nodiscard]] PollTimes with_sane_order(PollTimes times);
[[nodiscard]] agent::core::Duration delay_of(PollPace pace, const PollTimes& times);
// When to look, `delay` after `now`: brought forward by less than an eighth of it, to a moment that
// other drives have too. One wake-up of the processor serves many then, and what one look needs is
// warm for the next.
[[nodiscard]] agent::core::Instant look_together(agent::core::Instant now,
                                                 agent::core::Duration delay);

// What one look told that matters for the next.
struct PaceReport {
    bool changed = false;    // reservation, holder, registrations or a unit attention
    bool asked_for = false;  // by an event or by somebody
    bool reserved = false;
    std::optional<bool> moves_tape;  // when this look asked for it
};

struct PollRhythm {
    static constexpr std::uint32_t fast_looks = 8;
    // Activity is asked for with one look in so many, and with each while the drive is busy, so
    // that the end of it is not missed.
    static constexpr std::uint32_t activity_every = 10;

    PollPace pace = PollPace::steady;
    std::uint32_t fast_looks_left = 0;
    std::uint32_t looks_without_activity = activity_every;  // the first steady look asks
    bool operator==(const PollRhythm&) const = default;
};

[[nodiscard]] bool asks_for_activity(const PollRhythm& rhythm);
[[nodiscard]] PollRhythm after_look(PollRhythm rhythm, const PaceReport& report);

}  // namespace drive_iface
