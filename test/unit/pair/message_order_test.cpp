#include "agent/pair/message_order.hpp"

#include "test/support/catch.hpp"

using agent::core::Duration;
using agent::core::Instant;
using agent::pair::MessageOrder;
using HeardAs = MessageOrder::Verdict;

namespace {

constexpr Duration silence{10'000};

}  // namespace

TEST_CASE("of one life only what counts higher is heard") {
    MessageOrder order;
    CHECK(order.take(7, 5, Instant{0}, silence) == HeardAs::news);
    CHECK(order.take(7, 5, Instant{1}, silence) == HeardAs::late);
    CHECK(order.take(7, 4, Instant{99'000}, silence) == HeardAs::late);
    CHECK(order.take(7, 6, Instant{99'000}, silence) == HeardAs::news);
}

TEST_CASE("a restarted sender is heard at once, and not its life before") {
    MessageOrder order;
    CHECK(order.take(7, 5, Instant{0}, silence) == HeardAs::news);
    CHECK(order.take(8, 105, Instant{1}, silence) == HeardAs::news);
    CHECK(order.take(7, 6, Instant{2}, silence) == HeardAs::late);
    CHECK(order.take(7, 1'000, Instant{10'000}, silence) == HeardAs::late);
    CHECK(order.take(8, 106, Instant{10'000}, silence) == HeardAs::news);
}

TEST_CASE("a sender with a new state folder is heard when the old one was silent long enough") {
    MessageOrder order;
    CHECK(order.take(7, 500, Instant{0}, silence) == HeardAs::news);
    CHECK(order.take(8, 1, Instant{9'999}, silence) == HeardAs::late);
    CHECK(order.take(8, 2, Instant{10'000}, silence) == HeardAs::anew);
    CHECK(order.take(8, 3, Instant{10'001}, silence) == HeardAs::news);
    // However high the old one had counted.
    CHECK(order.take(7, 501, Instant{10'002}, silence) == HeardAs::late);
}

TEST_CASE("who repeats an old life's message in a silence keeps the present one out for a while") {
    MessageOrder order;
    CHECK(order.take(8, 500, Instant{0}, silence) == HeardAs::news);
    CHECK(order.take(7, 100, Instant{10'000}, silence) == HeardAs::anew);
    CHECK(order.take(8, 501, Instant{10'001}, silence) == HeardAs::late);
    CHECK(order.take(7, 100, Instant{10'001}, silence) == HeardAs::late);
    // What was said before the silence stays late.
    CHECK(order.take(8, 500, Instant{20'000}, silence) == HeardAs::late);
    CHECK(order.take(8, 511, Instant{20'000}, silence) == HeardAs::anew);
}

TEST_CASE("two machines that talk in one name do not take turns") {
    MessageOrder order;
    CHECK(order.take(7, 500, Instant{0}, silence) == HeardAs::news);
    for (std::int64_t at = 1'000; at <= 60'000; at += 1'000) {
        const auto count = static_cast<std::uint64_t>(at / 1'000);
        CHECK(order.take(8, count, Instant{at}, silence) == HeardAs::late);
        CHECK(order.take(7, 500 + count, Instant{at}, silence) == HeardAs::news);
    }
}
