#include <asio/io_context.hpp>
#include <chrono>
#include <deque>

#include "drive_iface/device/fence.hpp"
#include "drive_iface/device/offline_actuator.hpp"
#include "test/unit/device/fence_bench.hpp"

using namespace agent::core;
using namespace drive_iface;

namespace {

// Jobs wait here until the test lets the drive get on with one.
struct FencedDrive {
    FenceBench bench;
    asio::io_context loop;
    std::deque<DriveJob> jobs;
    std::vector<std::string> notes;
    std::vector<std::string> answers;
    std::unique_ptr<OfflineActuator> actuator = make(Duration{60'000});

    std::unique_ptr<OfflineActuator> make(Duration patience) {
        return make_fence_actuator(
            loop, {.key = fence_bench_key,
                   .run = [this](DriveJob job) { jobs.push_back(std::move(job)); },
                   .patience = patience,
                   .note = [this](const std::string& text) { notes.push_back(text); }});
    }
    OfflineActuator::Done as(const std::string& name) {
        return [this, name](const Outcome& outcome) {
            answers.push_back(name + (outcome ? ": ok" : ": " + outcome.error().message));
        };
    }
    void force(const std::string& name) { actuator->force({"VT00000001"}, "test", as(name)); }
    void lift(const std::string& name) { actuator->lift({"VT00000001"}, as(name)); }
    void drive_works() {
        REQUIRE(jobs.size() == 1);
        const auto job = std::move(jobs.front());
        jobs.pop_front();
        job.done(job.work(*bench.controller, fence_bench_timeout));
        turn();
    }
    void turn() {
        loop.restart();
        loop.poll();
    }
    bool fenced() { return bench.held() && bench.held()->key == fence_bench_key; }
};

}  // namespace

TEST_CASE("the fence actuator fences a drive and gives it back, from the drive's own thread") {
    FencedDrive drive;
    drive.force("force");
    drive.turn();
    CHECK(drive.answers.empty());
    drive.drive_works();
    CHECK(drive.answers == std::vector<std::string>{"force: ok"});
    CHECK(drive.fenced());
    CHECK_THAT(drive.notes.at(0), ContainsSubstring("VT00000001") && ContainsSubstring("RESERVE"));
    drive.force("again");
    drive.drive_works();
    CHECK(drive.answers.back() == "again: ok");
    CHECK(drive.notes.size() == 1);
    drive.lift("lift");
    drive.drive_works();
    CHECK(drive.answers.back() == "lift: ok");
    CHECK_FALSE(drive.fenced());
}

TEST_CASE("of orders that come while the drive is busy the newest counts") {
    FencedDrive drive;
    drive.force("force");
    drive.lift("lift");
    drive.force("again");
    drive.lift("last");
    drive.turn();
    CHECK(drive.answers.size() == 3);
    CHECK_THAT(drive.answers[1], ContainsSubstring("lift: a newer order"));
    drive.drive_works();  // the first order
    CHECK(drive.fenced());
    CHECK(drive.answers.size() == 3);
    drive.drive_works();
    CHECK_FALSE(drive.fenced());
    CHECK(drive.answers.back() == "last: ok");
    CHECK(drive.jobs.empty());
}

TEST_CASE("a drive that does not answer is an error in time, and is fenced when it does") {
    FencedDrive drive;
    drive.actuator = drive.make(Duration{1});
    drive.force("force");
    drive.loop.run_for(std::chrono::seconds(20));
    REQUIRE(drive.answers.size() == 1);
    CHECK_THAT(drive.answers[0], ContainsSubstring("has not answered within 1 ms"));
    drive.actuator = drive.make(Duration{60'000});
    drive.jobs.clear();
    drive.force("second");
    drive.force("third");  // as the rules do while it is unprotected
    drive.drive_works();
    CHECK(drive.answers.back() == "third: ok");
    CHECK(drive.fenced());
}

TEST_CASE("why a drive could not be fenced is answered in words") {
    FencedDrive drive;
    drive.bench.controller = drive.bench.path("nobody", "00023d00000f");
    REQUIRE(drive.bench.library.force_offline("VT00000001", "test").ok());
    drive.force("force");
    drive.drive_works();
    CHECK_THAT(drive.answers.at(0), ContainsSubstring("4h/44h/00h"));
}

TEST_CASE("a fence actuator that is gone answers nobody") {
    FencedDrive drive;
    drive.force("force");
    const auto job = std::move(drive.jobs.front());
    drive.jobs.clear();
    drive.actuator.reset();
    job.done(job.work(*drive.bench.controller, fence_bench_timeout));
    drive.turn();
    CHECK(drive.answers.empty());
}
