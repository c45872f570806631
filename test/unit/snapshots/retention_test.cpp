#include "drive_iface/snapshots/retention.hpp"

#include "test/support/catch.hpp"

using namespace drive_iface::snapshots;

namespace {

constexpr std::int64_t day = 86'400'000;

std::vector<Snapshot> one_a_day(std::uint32_t count) {
    std::vector<Snapshot> all(count);
    for (std::uint32_t i = 0; i < count; ++i) {
        all[i].number = i + 1;
        all[i].taken_ms = i * day;
    }
    return all;
}
using Numbers = std::vector<std::uint32_t>;

}  // namespace

TEST_CASE("the newest are kept, as many as are wanted") {
    const auto all = one_a_day(5);
    CHECK(outlived(all, {.count = 5}, 4 * day, {}) == Numbers{});
    CHECK(outlived(all, {.count = 3}, 4 * day, {}) == Numbers{1, 2});
    CHECK(outlived(all, {.count = 1}, 4 * day, {}) == Numbers{1, 2, 3, 4});
    CHECK(outlived({}, {.count = 1}, 0, {}).empty());
}

TEST_CASE("what is older than so many days goes, but never the newest of all") {
    const auto all = one_a_day(5);
    CHECK(outlived(all, {.count = 99, .days = 2}, 4 * day, {}) == Numbers{1, 2});
    CHECK(outlived(all, {.count = 99, .days = 2}, 400 * day, {}) == Numbers{1, 2, 3, 4});
    CHECK(outlived(all, {.count = 99, .days = 2}, -day, {}).empty());  // the clock was set back
}

TEST_CASE("what somebody wants to keep, and what is mounted, stays and does not count") {
    auto all = one_a_day(6);
    all[0].kept = true;
    CHECK(outlived(all, {.count = 2, .days = 1}, 400 * day, {3}) == Numbers{2, 4, 5});
    all[5].kept = true;
    CHECK(outlived(all, {.count = 2}, 5 * day, {}) == Numbers{2, 3});
    CHECK(first_to_go(all, {2}) == 3);
    CHECK_FALSE(first_to_go(all, {2, 3, 4, 5}));
}
