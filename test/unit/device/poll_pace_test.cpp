#include "drive_iface/device/poll_pace.hpp"

#include <algorithm>
#include <set>

#include "test/support/catch.hpp"

using namespace drive_iface;
using agent::core::Instant;

namespace {

PollRhythm after_looks(PollRhythm rhythm, const PaceReport& report, std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i)
        rhythm = after_look(rhythm, report);
    return rhythm;
}

constexpr PaceReport quiet{};
constexpr PaceReport reserved_and_moving{.reserved = true, .moves_tape = true};

}  // namespace

TEST_CASE("a change is followed by eight fast looks, then the pace is steady again") {
    auto rhythm = after_look({}, {.changed = true});
    CHECK(rhythm.pace == PollPace::fast);
    rhythm = after_looks(rhythm, quiet, PollRhythm::fast_looks - 1);
    CHECK(rhythm.pace == PollPace::fast);
    CHECK(after_look(rhythm, quiet).pace == PollPace::steady);
    // Each change begins anew.
    rhythm = after_look(rhythm, {.asked_for = true});
    CHECK(after_looks(rhythm, quiet, PollRhythm::fast_looks - 1).pace == PollPace::fast);
}

TEST_CASE("a reserved drive that moves tape is looked at less often") {
    auto rhythm = after_look({}, reserved_and_moving);
    CHECK(rhythm.pace == PollPace::busy);
    CHECK(asks_for_activity(rhythm));
    SECTION("until it stands still") {
        CHECK(after_look(rhythm, {.reserved = true, .moves_tape = false}).pace == PollPace::steady);
    }
    SECTION("until it is free") {
        CHECK(after_look(rhythm, quiet).pace == PollPace::steady);
    }
    SECTION("until something happens") {
        CHECK(after_look(rhythm, {.changed = true, .reserved = true, .moves_tape = true}).pace ==
              PollPace::fast);
    }
    SECTION("also while its activity was not asked for") {
        CHECK(after_look(rhythm, {.reserved = true}).pace == PollPace::busy);
    }
}

TEST_CASE("a drive that moves tape for nobody is looked at as often as ever") {
    CHECK(after_look({}, {.moves_tape = true}).pace == PollPace::steady);
}

TEST_CASE("activity is asked for with one steady look in ten, never while the pace is fast") {
    PollRhythm rhythm;
    CHECK(asks_for_activity(rhythm));
    rhythm = after_look(rhythm, {.moves_tape = false});
    std::uint32_t between = 0;
    for (; !asks_for_activity(rhythm); ++between)
        rhythm = after_look(rhythm, quiet);
    CHECK(between == PollRhythm::activity_every - 1);
    rhythm = after_look(rhythm, {.changed = true});
    for (std::uint32_t i = 0; i < PollRhythm::fast_looks; ++i) {
        CHECK_FALSE(asks_for_activity(rhythm));
        rhythm = after_look(rhythm, quiet);
    }
    CHECK(asks_for_activity(rhythm));
}

TEST_CASE("drives are looked at in the same moments, never later than wanted") {
    for (const std::int64_t delay : {1, 7, 50, 125, 500, 1'000, 10'000}) {
        for (std::int64_t now = 1'000'000; now < 1'000'000 + 2 * delay; ++now) {
            const Instant at = look_together({now}, {delay});
            CHECK(at.ms <= now + delay);
            CHECK(at.ms > now + delay - std::max<std::int64_t>(delay / 8, 1));
            CHECK(at.ms > now);
        }
    }
    // Of a thousand drives that were looked at at any time, the looks are at nine moments.
    std::set<std::int64_t> moments;
    for (std::int64_t now = 5'000'300; now < 5'001'300; ++now)
        moments.insert(look_together({now}, {1'000}).ms);
    CHECK(moments.size() == 9);
    // A drive that has found its moment keeps its time, if its looks take a while.
    CHECK(look_together({5'000'003}, {1'000}).ms == 5'001'000);
    CHECK(look_together({5'001'017}, {1'000}).ms == 5'002'000);
}

TEST_CASE("no pace is slower than busy, nor steady slower than configured, whatever comes") {
    const PollTimes times = with_sane_order({{1'000}, {5}, {10}});
    CHECK(times == PollTimes{{1'000}, {50}, {1'000}});
    CHECK(with_sane_order({{20}, {5'000}, {0}}) == PollTimes{{20}, {20}, {20}});
    CHECK(delay_of(PollPace::fast, times).ms == 50);
    PollRhythm rhythm;
    for (int step = 0; step < 4'096; ++step) {
        PaceReport report;
        report.changed = (step & 1) != 0 && step % 17 == 0;
        report.asked_for = step % 31 == 0;
        report.reserved = (step & 4) != 0;
        if ((step & 8) != 0) report.moves_tape = (step & 16) != 0;
        rhythm = after_look(rhythm, report);
        CHECK(delay_of(rhythm.pace, times) <= times.busy);
        CHECK((rhythm.pace != PollPace::busy || report.reserved));
        CHECK((rhythm.pace == PollPace::fast) == (rhythm.fast_looks_left > 0));
    }
}
