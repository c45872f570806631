#include "drive_iface/device/drive_poller.hpp"

#include <asio/io_context.hpp>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>

#include "test/unit/device/recorded_transport.hpp"

using namespace agent::core;
using namespace drive_iface;

namespace {

// What a test and the poller's thread share: a drive that can be made to hang, and answers for it.
struct Bench {
    std::mutex mutex;
    std::condition_variable changed;
    bool hangs = false;
    bool hanging = false;
    RecordedTransport answers;

    void let_go() {
        const std::lock_guard lock(mutex);
        hangs = false;
        changed.notify_all();
    }
};

class BenchTransport : public drive_iface::Transport {
  public:
    explicit BenchTransport(std::shared_ptr<Bench> bench) : bench_(std::move(bench)) {}
    Result<ScsiReply> execute(const ScsiCommand& command, Duration timeout) override {
        std::unique_lock lock(bench_->mutex);
        bench_->hanging = bench_->hangs;
        bench_->changed.notify_all();
        bench_->changed.wait(lock, [this] { return !bench_->hangs; });
        bench_->hanging = false;
        return bench_->answers.execute(command, timeout);
    }

  private:
    std::shared_ptr<Bench> bench_;
};

struct Polled {
    asio::io_context loop;
    std::shared_ptr<Bench> bench = std::make_shared<Bench>();
    std::vector<DriveLook> looks;
    std::unique_ptr<DrivePoller> poller;
    DrivePollerOptions options{.serial = {"DRV0001"}, .poll = {20}, .unresponsive_after = {50}};

    Polled() {
        bench->answers.on("INQUIRY", good(capture("lio-inquiry-std")))
            .on("VPD 80", good(capture("lio-vpd80")))
            .on("READ RESERVATION", good(capture("lio-readres-empty")))
            .on("REPORT CAPABILITIES", good(capture("lio-reportcap")));
    }
    ~Polled() { bench->let_go(); }
    void start() {
        poller =
            std::make_unique<DrivePoller>(loop, options, std::make_unique<BenchTransport>(bench),
                                          [this](const DriveLook& look) { looks.push_back(look); });
    }
    // Runs the loop until `enough`; the clock only bounds a broken test.
    bool run_until(const std::function<bool()>& enough) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (!enough()) {
            loop.restart();
            if (loop.run_one_until(end) == 0) return false;
        }
        return true;
    }
};

}  // namespace

TEST_CASE("a poller looks at once, and again after each period") {
    Polled polled;
    polled.start();
    REQUIRE(polled.run_until([&] { return polled.looks.size() >= 3; }));
    for (const auto& look : polled.looks) {
        REQUIRE(look.reading.ok());
        CHECK(look.reading->reservation.state == ReservationState::free);
    }
    CHECK(polled.poller->counters().looks >= 3);
    CHECK(polled.poller->counters().failures == 0);
}

TEST_CASE("look_now does not wait for the period, and its look is told by its ticket") {
    Polled polled;
    polled.options.poll = {3'600'000};
    polled.start();
    REQUIRE(polled.run_until([&] { return polled.looks.size() == 1; }));
    CHECK(polled.looks.back().ticket == 0);
    const auto ticket = polled.poller->look_now();
    REQUIRE(polled.run_until([&] { return polled.looks.size() == 2; }));
    CHECK(polled.looks.back().ticket == ticket);
    polled.poller->look_after({1});
    REQUIRE(polled.run_until([&] { return polled.looks.size() == 3; }));
    CHECK(polled.looks.back().ticket > ticket);
}

TEST_CASE("another drive on this path is refused in words") {
    Polled polled;
    polled.options.serial = {"DRV0002"};
    polled.start();
    REQUIRE(polled.run_until([&] { return !polled.looks.empty(); }));
    REQUIRE_FALSE(polled.looks[0].reading.ok());
    CHECK_THAT(polled.looks[0].reading.error().message,
               ContainsSubstring("leads to drive DRV0001") && ContainsSubstring("not to DRV0002"));
}

TEST_CASE("a drive that is exchanged after an error is noticed") {
    Polled polled;
    polled.start();
    REQUIRE(polled.run_until(
        [&] { return !polled.looks.empty() && polled.looks.back().reading.ok(); }));
    {
        const std::lock_guard lock(polled.bench->mutex);
        polled.bench->answers.instead("READ RESERVATION", Error{"connection lost"})
            .on("READ RESERVATION", good(capture("lio-readres-empty")))
            .instead("VPD 80", good({0x01, 0x80, 0x00, 0x02, 'X', '1'}));
    }
    REQUIRE(polled.run_until([&] {
        return !polled.looks.back().reading.ok() &&
               polled.looks.back().reading.error().message.find("drive X1") != std::string::npos;
    }));
}

TEST_CASE("a hanging drive is reported while it hangs, and heard again when it comes back") {
    Polled polled;
    {
        const std::lock_guard lock(polled.bench->mutex);
        polled.bench->hangs = true;
    }
    polled.start();
    REQUIRE(polled.run_until([&] { return !polled.looks.empty(); }));
    REQUIRE_FALSE(polled.looks[0].reading.ok());
    CHECK_THAT(polled.looks[0].reading.error().message, ContainsSubstring("hangs"));
    CHECK(polled.poller->counters().unresponsive == 1);
    polled.bench->let_go();
    REQUIRE(polled.run_until([&] { return polled.looks.back().reading.ok(); }));
    CHECK(polled.looks.size() == 2);  // one report for one hang
}

TEST_CASE("a hanging drive delays neither another drive nor the end of its poller for long") {
    auto bench = std::make_shared<Bench>();
    {
        Polled polled;
        polled.bench->hangs = true;
        bench = polled.bench;
        polled.start();
        {
            std::unique_lock lock(bench->mutex);
            REQUIRE(bench->changed.wait_for(lock, std::chrono::seconds(20),
                                            [&] { return bench->hanging; }));
        }
        Polled other;
        other.start();
        REQUIRE(other.run_until([&] { return other.looks.size() >= 2; }));
        polled.poller.reset();  // leaves the thread behind
        CHECK(polled.looks.empty());
    }
    bench->let_go();  // loop and poller are gone: the thread only ends
}

TEST_CASE("a drive that does not answer is asked less often, and at once when told to") {
    Polled polled;
    polled.options.poll = {1};
    polled.options.backoff_max = {3'600'000};
    polled.bench->answers.instead("INQUIRY", Error{"no route"});
    polled.start();
    REQUIRE(polled.run_until([&] { return polled.looks.size() == 6; }));
    {
        const std::lock_guard lock(polled.bench->mutex);
        polled.bench->answers.instead("INQUIRY", good(capture("lio-inquiry-std")));
    }
    const auto ticket = polled.poller->look_now();
    REQUIRE(polled.run_until([&] { return polled.looks.back().ticket == ticket; }));
    CHECK(polled.looks.back().reading.ok());
}
