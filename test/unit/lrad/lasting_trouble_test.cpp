#include "agent/lrad/lasting_trouble.hpp"

#include "test/support/catch.hpp"

using agent::lrad::LastingTrouble;

TEST_CASE("a trouble is told once, when it has lasted, and then its end") {
    LastingTrouble trouble({30'000});
    CHECK_FALSE(trouble.is_there({1'000}));
    CHECK_FALSE(trouble.is_there({30'999}));
    CHECK_FALSE(trouble.is_over());
    CHECK_FALSE(trouble.is_there({31'000}));  // counted anew
    CHECK(trouble.is_there({61'000}));
    CHECK_FALSE(trouble.is_there({200'000}));
    CHECK(trouble.is_over());
    CHECK_FALSE(trouble.is_over());
}
