#include "agent/postgres/order_line.hpp"

#include <asio/io_context.hpp>

#include "test/support/catch.hpp"

using namespace agent;
using namespace agent::postgres;
using pair::Step;

namespace {

constexpr std::chrono::milliseconds at_once{0};

pair::Order order(std::uint64_t number, Step step) {
    pair::Order order;
    order.number = number;
    order.step = step;
    return order;
}

}  // namespace

TEST_CASE("orders are taken as they were given, and each knows what has come since") {
    asio::io_context loop;
    OrderLine line(loop, {});
    CHECK_FALSE(line.take(at_once));
    line.put(order(1, Step::barrier), {});
    line.put(order(2, Step::stop_database), {});
    CHECK(line.take(at_once)->order.number == 1);
    CHECK(line.is_newer(1));
    CHECK(line.is_stop_newer(1));
    CHECK_FALSE(line.is_stop_at_once_newer(1));
    CHECK(line.take(at_once)->order.number == 2);
    CHECK_FALSE(line.is_newer(2));
    line.put(order(3, Step::follow_peer), {});
    CHECK(line.is_newer(2));
    CHECK_FALSE(line.is_stop_newer(2));
    line.put(order(4, Step::stop_database_at_once), {});
    CHECK(line.is_stop_at_once_newer(2));
    line.stop();
    CHECK_FALSE(line.take(at_once));
    CHECK(line.is_stop_newer(4));
    CHECK_FALSE(line.is_stop_at_once_newer(4));
}

TEST_CASE("an order too many, or after the end, is answered and not done") {
    asio::io_context loop;
    OrderLine line(loop, {});
    std::vector<pair::OrderAnswered> answers;
    const auto answered = [&](const pair::OrderAnswered& answer) { answers.push_back(answer); };
    for (std::uint64_t number = 1; number <= 65; ++number)
        line.put(order(number, Step::checkpoint), answered);
    CHECK(answers.empty());  // later, by the loop
    loop.run();
    REQUIRE(answers.size() == 1);
    CHECK(answers.front().number == 65);
    CHECK_FALSE(answers.front().done);
    line.stop();
    line.put(order(66, Step::checkpoint), answered);
    loop.restart();
    loop.run();
    CHECK(answers.size() == 2);
}

TEST_CASE("what is said to the loop is not heard any more when the line has ended") {
    asio::io_context loop;
    bool heard = false;
    {
        OrderLine line(loop, [&](core::Message, const auto&) { heard = true; });
        line.tell(core::Message::database_lost, {"why"});
    }
    loop.run();
    CHECK_FALSE(heard);
}
