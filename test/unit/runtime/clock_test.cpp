#include "agent/runtime/clock.hpp"

#include <random>

#include "test/support/catch.hpp"

using namespace agent::runtime;
using agent::core::WallTime;

TEST_CASE("a point in time is written in RFC 3339 with milliseconds") {
    CHECK(to_text(WallTime{0}) == "1970-01-01T00:00:00.000Z");
    CHECK(to_text(WallTime{1'769'860'800'123}) == "2026-01-31T12:00:00.123Z");
    CHECK(to_text(WallTime{951'782'400'000}) == "2000-02-29T00:00:00.000Z");
    CHECK(to_text(WallTime{-1}) == "1969-12-31T23:59:59.999Z");
}

TEST_CASE("a point in time is read with any fraction and offset") {
    CHECK(wall_time_from_text("2026-01-31T12:00:00Z") == WallTime{1'769'860'800'000});
    CHECK(wall_time_from_text("2026-01-31T12:00:00.1Z") == WallTime{1'769'860'800'100});
    CHECK(wall_time_from_text("2026-01-31T12:00:00.123456789Z") == WallTime{1'769'860'800'123});
    CHECK(wall_time_from_text("2026-01-31T14:30:00.123+02:30") == WallTime{1'769'860'800'123});
    CHECK(wall_time_from_text("2026-01-31 07:00:00-05:00") == WallTime{1'769'860'800'000});
}

TEST_CASE("what is not a point in time is refused") {
    for (const char* text :
         {"", "2026", "2026-01-31", "2026-01-31T12:00:00", "2026-13-01T00:00:00Z",
          "2026-04-31T00:00:00Z", "2026-02-29T00:00:00Z", "2026-01-31T24:00:00Z",
          "2026-01-31T12:60:00Z", "2026-01-31T12:00:00.Z", "2026-01-31T12:00:00.1234567890Z",
          "2026-01-31T12:00:00Zx", "2026-01-31T12:00:00+2:00", "yesterday"}) {
        INFO(text);
        CHECK_FALSE(wall_time_from_text(text));
    }
}

TEST_CASE("every millisecond from year 1 to 9999 survives writing and reading") {
    std::mt19937_64 random(7);
    for (int i = 0; i < 20'000; ++i) {
        const std::int64_t ms =
            static_cast<std::int64_t>(random() % 315'537'897'600'000) - 62'135'596'800'000;
        const auto again = wall_time_from_text(to_text(WallTime{ms}));
        REQUIRE(again == WallTime{ms});
    }
}
