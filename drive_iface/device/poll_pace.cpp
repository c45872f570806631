#include "drive_iface/device/poll_pace.hpp"

#include <algorithm>

namespace drive_iface {

using namespace agent::core;

namespace {

constexpr Duration fast_min{50};

}  // namespace

std::string_view to_text(PollPace pace) {
    switch (pace) {
        case PollPace::fast:
            return "fast";
        case PollPace::steady:
            return "steady";
        case PollPace::busy:
            return "busy";
    }
    return "steady";
}

PollTimes with_sane_order(PollTimes times) {
    times.fast = std::min(std::max(times.fast, fast_min), times.poll);
    times.busy = std::max(times.busy, times.poll);
    return times;
}

Duration delay_of(PollPace pace, const PollTimes& times) {
    switch (pace) {
        case PollPace::fast:
            return times.fast;
        case PollPace::steady:
            return times.poll;
        case PollPace::busy:
            return times.busy;
    }
    return times.poll;
}

Instant look_together(Instant now, Duration delay) {
    const std::int64_t grid_ms = std::max<std::int64_t>(delay.ms / 8, 1);
    const Instant wanted = now + delay;
    return {wanted.ms - wanted.ms % grid_ms};
}

bool asks_for_activity(const PollRhythm& rhythm) {
    switch (rhythm.pace) {
        case PollPace::fast:
            return false;
        case PollPace::steady:
            return rhythm.looks_without_activity >= PollRhythm::activity_every;
        case PollPace::busy:
            return true;
    }
    return false;
}

PollRhythm after_look(PollRhythm rhythm, const PaceReport& report) {
    rhythm.looks_without_activity =
        report.moves_tape ? 1
                          : std::min(rhythm.looks_without_activity + 1, PollRhythm::activity_every);
    if (report.changed || report.asked_for) {
        rhythm.pace = PollPace::fast;
        rhythm.fast_looks_left = PollRhythm::fast_looks;
        return rhythm;
    }
    if (rhythm.fast_looks_left > 0) --rhythm.fast_looks_left;
    if (rhythm.fast_looks_left > 0) return rhythm;  // still fast
    if (rhythm.pace == PollPace::fast) {
        rhythm.pace = PollPace::steady;
        rhythm.looks_without_activity = PollRhythm::activity_every;
        return rhythm;
    }
    if (report.moves_tape)
        rhythm.pace = report.reserved && *report.moves_tape ? PollPace::busy : PollPace::steady;
    if (!report.reserved) rhythm.pace = PollPace::steady;
    return rhythm;
}

}  // namespace drive_iface
