// What every actuator owes to whoever gives it orders. What the rules make of one that answers late
// or fails: test/unit/core/reservation_agent_protection_test.

#include "drive_iface/device/offline_actuator.hpp"

#include <asio/io_context.hpp>
#include <chrono>
#include <memory>

#include "test/support/catch.hpp"

using namespace agent::core;
using namespace drive_iface;

namespace {

// Runs the loop until an order has been answered; the clock only bounds a broken test.
Outcome answer_to(asio::io_context& loop, OfflineActuator& actuator, bool offline) {
    int answers = 0;
    Outcome outcome = Error{"no answer"};
    const auto done = [&](Outcome result) {
        ++answers;
        outcome = std::move(result);
    };
    if (offline) actuator.force({"VT00000001"}, "no confirmation", done);
    if (!offline) actuator.lift({"VT00000001"}, done);
    CHECK(answers == 0);  // never from within
    loop.restart();
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (answers == 0 && loop.run_one_until(end) != 0) {
    }
    loop.restart();
    loop.poll();
    CHECK(answers == 1);
    return outcome;
}

void owes_what_all_owe(asio::io_context& loop, std::unique_ptr<OfflineActuator> actuator,
                       bool can_force) {
    for (const bool offline : {true, true, false, false, true}) {
        INFO((offline ? "offline" : "online"));
        CHECK(answer_to(loop, *actuator, offline).ok() == (can_force || !offline));
    }
    bool called = false;
    actuator->lift({"VT00000001"}, [&](const Outcome&) { called = true; });
    actuator.reset();
    loop.restart();
    loop.run_for(std::chrono::milliseconds(20));
    CHECK_FALSE(called);
}

}  // namespace

TEST_CASE("every actuator answers each order once, from the loop, and not when it is gone") {
    asio::io_context loop;
    SECTION("the one that leaves it to people") {
        owes_what_all_owe(loop, make_alarm_actuator(loop), false);
    }
    SECTION("a program of the site") {
        auto program = make_command_actuator(loop, {"/bin/true"}, Duration{20'000});
        REQUIRE(program.ok());
        owes_what_all_owe(loop, std::move(program).value(), true);
    }
}
