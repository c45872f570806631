#include "agent/lrad/row_troubles.hpp"

#include "test/support/catch.hpp"

using agent::lrad::RowTroubles;
using Word = agent::lrad::RowTroubles::Word;

TEST_CASE("a database that does nothing is told once, for all rows, and so is its end") {
    RowTroubles troubles({10'000});
    CHECK(troubles.failed("a", {0}) == Word::nothing);
    CHECK(troubles.failed("b", {5'000}) == Word::nothing);
    CHECK(troubles.failed("a", {10'000}) == Word::all_fail);
    CHECK(troubles.failed("b", {15'000}) == Word::nothing);
    CHECK(troubles.worked("b") == Word::all_work);
    CHECK(troubles.worked("a") == Word::nothing);
}

TEST_CASE("a row that fails is told while others work, once, and when it works again") {
    RowTroubles troubles({10'000});
    CHECK(troubles.worked("a") == Word::nothing);
    for (std::int64_t ms = 1'000; ms < 11'000; ms += 1'000) {
        CHECK(troubles.failed("b", {ms}) == Word::nothing);
        CHECK(troubles.worked("a") == Word::nothing);
    }
    CHECK(troubles.failed("b", {11'000}) == Word::this_one);
    CHECK(troubles.failed("b", {12'000}) == Word::nothing);
    CHECK(troubles.worked("a") == Word::nothing);
    CHECK(troubles.worked("b") == Word::works);
    CHECK(troubles.failed("b", {14'000}) == Word::nothing);
}

TEST_CASE("a row that goes on failing when all others work again is told by itself") {
    RowTroubles troubles({10'000});
    (void)troubles.failed("a", {0});
    CHECK(troubles.failed("b", {10'000}) == Word::all_fail);
    CHECK(troubles.worked("b") == Word::all_work);
    CHECK(troubles.failed("a", {12'000}) == Word::this_one);
    CHECK(troubles.worked("a") == Word::works);
}

TEST_CASE("whoever leaves service forgets what it waited for") {
    RowTroubles troubles({10'000});
    (void)troubles.failed("a", {0});
    troubles.forget();
    CHECK(troubles.failed("a", {20'000}) == Word::nothing);
    CHECK(troubles.worked("a") == Word::nothing);
}
