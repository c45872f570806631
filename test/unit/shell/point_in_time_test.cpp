#include "agent/shell/point_in_time.hpp"

#include <cstdlib>
#include <ctime>

#include "test/support/catch.hpp"

using namespace agent::shell;
using agent::core::WallTime;

namespace {

const WallTime now{1'769'860'800'000};  // 2026-01-31T12:00:00Z

void live_in(const char* zone) {
    ::setenv("TZ", zone, 1);
    ::tzset();
}

std::int64_t seconds_ago(std::string_view text) {
    const auto at = point_in_time_from_text(text, now);
    REQUIRE(at);
    return (now.ms - at->ms) / 1000;
}

}  // namespace

TEST_CASE("times are written in the local time zone") {
    live_in("CET-1");
    CHECK(local_time(now) == "2026-01-31 13:00:00");
    CHECK(short_local_time(now, now) == "13:00:00");
    CHECK(short_local_time({now.ms - 86'400'000}, now) == "01-30 13:00:00");
    live_in("UTC");
    CHECK(local_time({-1}) == "1969-12-31 23:59:59");
}

TEST_CASE("an age is one number and its unit") {
    CHECK(age(now, now) == "0 s");
    CHECK(age({now.ms - 59'999}, now) == "59 s");
    CHECK(age({now.ms - 60'000}, now) == "1 min");
    CHECK(age({now.ms - 47 * 3'600'000LL}, now) == "47 h");
    CHECK(age({now.ms - 48 * 3'600'000LL}, now) == "2 d");
    CHECK(age({now.ms + 4'000}, now) == "in 4 s");
}

TEST_CASE("people say when in several ways") {
    live_in("CET-1");
    CHECK(seconds_ago("90s") == 90);
    CHECK(seconds_ago("10m") == 600);
    CHECK(seconds_ago("2h") == 7200);
    CHECK(seconds_ago("3d") == 3 * 86'400);
    CHECK(seconds_ago("2026-01-31T11:59:00Z") == 60);
    CHECK(seconds_ago("2026-01-31 12:59") == 60);
    CHECK(seconds_ago("2026-01-31 12:59:30") == 30);
    CHECK(seconds_ago("12:58") == 120);
    live_in("UTC");
}

TEST_CASE("what is no time is refused") {
    for (const char* text : {"", "m", "-1m", "10", "10x", "99999999d", "25:00", "2026-13-01 00:00",
                             "12:00 ", "yesterday", "1.5h"}) {
        INFO(text);
        CHECK_FALSE(point_in_time_from_text(text, now));
    }
}
