#include "agent/lrad/refusal_watch.hpp"

#include "test/support/catch.hpp"

using namespace agent::lrad;
using agent::core::Instant;

TEST_CASE("refusals are too many when a minute has more of them than is allowed") {
    RefusalWatch watch;
    CHECK_FALSE(watch.look(Instant{0}, {{"wrong_key", 0}}, 60));
    CHECK_FALSE(watch.look(Instant{1'000}, {{"wrong_key", 60}}, 60));
    const auto told = watch.look(Instant{2'000}, {{"wrong_key", 61}, {"dropped_source", 2}}, 60);
    REQUIRE(told);
    CHECK(told->too_many);
    CHECK(told->words == "63 in the last minute: 2 dropped_source, 61 wrong_key");
    CHECK_FALSE(watch.look(Instant{3'000}, {{"wrong_key", 500}}, 60));
}

TEST_CASE("it is over when a whole minute had fewer, and can begin again") {
    RefusalWatch watch;
    CHECK_FALSE(watch.look(Instant{0}, {}, 10));
    REQUIRE(watch.look(Instant{1'000}, {{"wrong_key", 100}}, 10));
    for (std::int64_t at = 2'000; at < 61'000; at += 1'000)
        CHECK_FALSE(watch.look(Instant{at}, {{"wrong_key", 105}}, 10));
    const auto over = watch.look(Instant{62'000}, {{"wrong_key", 105}}, 10);
    REQUIRE(over);
    CHECK_FALSE(over->too_many);
    CHECK(watch.look(Instant{63'000}, {{"wrong_key", 120}}, 10)->too_many);
}

TEST_CASE("an alarm from before a restart is ended by a quiet minute") {
    RefusalWatch watch;
    CHECK_FALSE(watch.look(Instant{0}, {}, 10));
    CHECK_FALSE(watch.look(Instant{59'999}, {}, 10));
    const auto over = watch.look(Instant{60'000}, {}, 10);
    REQUIRE(over);
    CHECK_FALSE(over->too_many);
    CHECK(over->words == "0 in the last minute");
    CHECK_FALSE(watch.look(Instant{61'000}, {}, 10));
}

TEST_CASE("a count that starts at nothing again takes nothing away from the others") {
    RefusalWatch watch;
    CHECK_FALSE(watch.look(Instant{0}, {{"mib_wrong_key", 1'000}, {"wrong_key", 0}}, 10));
    const auto told = watch.look(Instant{1'000}, {{"mib_wrong_key", 3}, {"wrong_key", 11}}, 10);
    REQUIRE(told);
    CHECK(told->words == "11 in the last minute: 11 wrong_key");
}
