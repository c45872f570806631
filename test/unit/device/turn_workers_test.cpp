#include "drive_iface/device/turn_workers.hpp"

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>

#include "test/support/catch.hpp"

using namespace drive_iface;

namespace {

// Turns that last until they are let go. Outlives the workers: a turn holds it.
struct Turns {
    std::mutex mutex;
    std::condition_variable changed;
    std::size_t begun = 0;
    std::size_t ended = 0;
    bool held = true;
    std::size_t may_end = 0;  // all the same

    bool wait_for(const std::size_t& count, std::size_t enough) {
        std::unique_lock lock(mutex);
        return changed.wait_for(lock, std::chrono::seconds(20), [&] { return count >= enough; });
    }
    void let_go() {
        const std::lock_guard lock(mutex);
        held = false;
        changed.notify_all();
    }
    void let_one_go() {
        const std::lock_guard lock(mutex);
        ++may_end;
        changed.notify_all();
    }
    static std::function<void()> one_of(const std::shared_ptr<Turns>& turns) {
        return [turns] {
            std::unique_lock lock(turns->mutex);
            ++turns->begun;
            turns->changed.notify_all();
            turns->changed.wait(lock, [&] { return !turns->held || turns->may_end > 0; });
            if (turns->may_end > 0) --turns->may_end;
            ++turns->ended;
            turns->changed.notify_all();
        };
    }
};

constexpr auto long_wait = std::chrono::milliseconds(20);

}  // namespace

TEST_CASE("a few threads begin, and more come in steps when turns wait for them") {
    auto turns = std::make_shared<Turns>();
    TurnWorkers workers;
    CHECK_FALSE(workers.tend_at());
    for (int i = 0; i < 20; ++i)
        workers.run(Turns::one_of(turns));
    REQUIRE(turns->wait_for(turns->begun, 4));
    REQUIRE(workers.tend_at());
    workers.tend(*workers.tend_at() - std::chrono::milliseconds(1));  // not yet
    CHECK(turns->begun == 4);
    for (const std::size_t after : {8U, 16U, 20U}) {
        workers.tend(workers.tend_at().value());
        REQUIRE(turns->wait_for(turns->begun, after));
        CHECK(turns->begun == after);
    }
    CHECK_FALSE(workers.tend_at());
    turns->let_go();
    CHECK(turns->wait_for(turns->ended, 20));
}

// Drives that answer late, one after the other: nobody is stuck, and the last would wait for all.
TEST_CASE("more threads come for turns that have waited, though others begin all the time") {
    auto turns = std::make_shared<Turns>();
    TurnWorkers workers;
    for (int i = 0; i < 20; ++i)
        workers.run(Turns::one_of(turns));
    const auto all_wait = TurnWorkers::Clock::now();
    REQUIRE(turns->wait_for(turns->begun, 4));
    turns->let_one_go();
    REQUIRE(turns->wait_for(turns->begun, 5));
    workers.tend(all_wait + long_wait);
    CHECK(turns->wait_for(turns->begun, 9));
    // Those that came are given as long before others do.
    turns->let_one_go();
    REQUIRE(turns->wait_for(turns->begun, 10));
    workers.tend(all_wait + long_wait + long_wait / 2);
    workers.tend(all_wait + 2 * long_wait);
    REQUIRE(turns->wait_for(turns->begun, 18));
    CHECK(turns->begun == 18);
    turns->let_go();
    CHECK(turns->wait_for(turns->ended, 20));
}

TEST_CASE("a thread that is idle takes the next turn, and no other is started for it") {
    auto turns = std::make_shared<Turns>();
    turns->held = false;
    TurnWorkers workers;
    for (std::size_t i = 1; i <= 50; ++i) {
        workers.run(Turns::one_of(turns));
        REQUIRE(turns->wait_for(turns->ended, i));
    }
    CHECK_FALSE(workers.tend_at());
}

TEST_CASE("turns that have not begun when the workers are let go never do, and nobody waits") {
    auto turns = std::make_shared<Turns>();
    {
        TurnWorkers workers;
        for (int i = 0; i < 10; ++i)
            workers.run(Turns::one_of(turns));
        REQUIRE(turns->wait_for(turns->begun, 4));
    }
    turns->let_go();
    REQUIRE(turns->wait_for(turns->ended, 4));
    CHECK(turns->begun == 4);
}
