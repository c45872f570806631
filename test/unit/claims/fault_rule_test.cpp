#include "agent/claims/fault_rule.hpp"

#include "test/support/catch.hpp"

using namespace agent::claims;

TEST_CASE("one failure blames nobody") {
    CHECK(blame_for({"V1", "D1"}, {}, false) == Blame{});
    CHECK(blame_for({"V1", "D1"}, {{"V1", "D1"}, {"V2", "D2"}}, false) == Blame{});
}

TEST_CASE("a volume that failed in two drives is to blame") {
    CHECK(blame_for({"V1", "D2"}, {{"V1", "D1"}}, false) == Blame{.volume = true, .drive = false});
}

TEST_CASE("a drive that failed with two volumes is to blame, or one that says so itself") {
    CHECK(blame_for({"V2", "D1"}, {{"V1", "D1"}}, false) == Blame{.volume = false, .drive = true});
    CHECK(blame_for({"V1", "D1"}, {}, true) == Blame{.volume = false, .drive = true});
}
