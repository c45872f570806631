// What every actuator owes to whoever gives it orders, held against those there are and a double of
// one to come.

#include "drive_iface/device/offline_actuator.hpp"

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <set>

#include "test/support/catch.hpp"

using namespace agent::core;
using namespace drive_iface;

namespace {

// Stands for the automation interface of a drive bay: it has a session of its own, answers late,
// and takes the logical unit away from hosts (ADC over iADT would be such a one).
class BayActuator : public OfflineActuator {
  public:
    explicit BayActuator(asio::io_context& loop) : loop_(loop) {}
    void force(const DriveSerial& drive, const std::string&, Done done) override {
        order(drive, true, std::move(done));
    }
    void lift(const DriveSerial& drive, Done done) override {
        order(drive, false, std::move(done));
    }
    [[nodiscard]] bool is_offline(const DriveSerial& drive) const {
        return offline_.contains(drive);
    }
    bool answers = true;

  private:
    void order(const DriveSerial& drive, bool offline, Done done) {
        auto answered = std::make_shared<asio::steady_timer>(loop_, std::chrono::milliseconds(1));
        answered->async_wait([this, answered, drive, offline, done = std::move(done),
                              alive = std::weak_ptr<int>(alive_)](const asio::error_code&) {
            if (alive.expired()) return;
            if (!answers) return done(Error{"drive " + drive.text + ": its bay does not answer"});
            if (offline) offline_.insert(drive);
            if (!offline) offline_.erase(drive);
            done(Nothing{});
        });
    }
    asio::io_context& loop_;
    std::set<DriveSerial> offline_;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

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
    SECTION("one of a later day") {
        owes_what_all_owe(loop, std::make_unique<BayActuator>(loop), true);
    }
}

TEST_CASE("an actuator of a later day says in words why a drive may be in either state") {
    asio::io_context loop;
    BayActuator bay(loop);
    REQUIRE(answer_to(loop, bay, true).ok());
    CHECK(bay.is_offline({"VT00000001"}));
    bay.answers = false;
    CHECK_THAT(answer_to(loop, bay, false).error().message,
               ContainsSubstring("VT00000001: its bay does not answer"));
    CHECK(bay.is_offline({"VT00000001"}));
    bay.answers = true;
    REQUIRE(answer_to(loop, bay, false).ok());
    CHECK_FALSE(bay.is_offline({"VT00000001"}));
}
