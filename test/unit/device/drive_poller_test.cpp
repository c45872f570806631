#include "drive_iface/device/drive_poller.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "drive_iface/scsi/inquiry.hpp"
#include "drive_iface/scsi/log_page.hpp"
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
    int bell = -1;  // of a transport whose command hangs, asked without waiting
    std::uint64_t quiet_commands = 0;
    RecordedTransport answers;

    void let_go() {
        const std::lock_guard lock(mutex);
        hangs = false;
        changed.notify_all();
        if (bell >= 0) ::eventfd_write(std::exchange(bell, -1), 1);
    }
};

// How a poller is run: each rule below holds for all of them.
enum class Way {
    own_thread,
    desk,     // with a path that can only be waited for
    quietly,  // at the desk, with one that can be asked without waiting
};
#define EACH_WAY GENERATE(Way::own_thread, Way::desk, Way::quietly)

class BenchTransport : public drive_iface::Transport, private OpenPath {
  public:
    BenchTransport(std::shared_ptr<Bench> bench, Way way)
        : bench_(std::move(bench)), way_(way), bell_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
    ~BenchTransport() override { ::close(bell_); }
    BenchTransport(const BenchTransport&) = delete;
    BenchTransport& operator=(const BenchTransport&) = delete;

    Result<ScsiReply> execute(const ScsiCommand& command, Duration timeout) override {
        std::unique_lock lock(bench_->mutex);
        bench_->hanging = bench_->hangs;
        bench_->changed.notify_all();
        bench_->changed.wait(lock, [this] { return !bench_->hangs; });
        bench_->hanging = false;
        return bench_->answers.execute(command, timeout);
    }

    OpenPath* open_path() override { return way_ == Way::quietly ? this : nullptr; }

  private:
    Outcome send(const ScsiCommand& command) override {
        cdb_.assign(command.cdb.begin(), command.cdb.end());
        data_in_max_ = command.data_in_max;
        const std::lock_guard lock(bench_->mutex);
        ++bench_->quiet_commands;
        bench_->hanging = bench_->hangs;
        bench_->changed.notify_all();
        if (bench_->hangs) bench_->bell = bell_;
        if (!bench_->hangs) ::eventfd_write(bell_, 1);
        return Nothing{};
    }
    [[nodiscard]] int descriptor() const override { return bell_; }
    [[nodiscard]] short events() const override { return POLLIN; }
    std::optional<Result<ScsiReply>> receive(short ready) override {
        eventfd_t rung = 0;
        if ((ready & POLLIN) == 0 || ::eventfd_read(bell_, &rung) != 0) return std::nullopt;
        const std::lock_guard lock(bench_->mutex);
        bench_->hanging = false;
        return bench_->answers.execute({cdb_, {}, data_in_max_}, Duration{1'000});
    }
    Error give_up(Duration timeout) override {
        const std::lock_guard lock(bench_->mutex);
        bench_->bell = -1;
        bench_->hangs = false;
        return Error{"no answer within " + std::to_string(timeout.ms) + " ms"};
    }

    std::shared_ptr<Bench> bench_;
    Way way_;
    int bell_;  // rung when the drive answers
    std::vector<std::uint8_t> cdb_;
    std::size_t data_in_max_ = 0;
};

// All that are alive at a time share one.
std::shared_ptr<LookDesk> shared_desk() {
    static std::weak_ptr<LookDesk> open_now;
    auto desk = open_now.lock();
    if (!desk) {
        auto opened = LookDesk::open();
        REQUIRE(opened);
        desk = *opened;
        open_now = desk;
    }
    return desk;
}

struct Polled {
    asio::io_context loop;
    std::shared_ptr<Bench> bench = std::make_shared<Bench>();
    std::vector<DriveLook> looks;
    std::unique_ptr<DrivePoller> poller;
    Way way;
    DrivePollerOptions options{.serial = {"DRV0001"}, .poll = {20}, .unresponsive_after = {50}};

    explicit Polled(Way how) : way(how) {
        if (way != Way::own_thread) options.desk = shared_desk();
        options.tell_unchanged_every = {0};  // every look, unless a test says otherwise
        bench->answers.on("INQUIRY", good(capture("lio-inquiry-std")))
            .on("VPD 80", good(capture("lio-vpd80")))
            .on("READ RESERVATION", good(capture("lio-readres-empty")))
            .on("REPORT CAPABILITIES", good(capture("lio-reportcap")));
    }
    ~Polled() { bench->let_go(); }
    std::uint64_t quiet_commands() {
        const std::lock_guard lock(bench->mutex);
        return bench->quiet_commands;
    }
    // Looks again until the drive was asked what it can do, then once more, which hangs. Returns
    // its ticket.
    std::uint64_t hang_in_quiet_look() {
        do {
            const auto ticket = poller->look_now();
            REQUIRE(run_until([&] { return !looks.empty() && looks.back().ticket == ticket; }));
        } while (quiet_commands() == 0);
        {
            const std::lock_guard lock(bench->mutex);
            bench->hangs = true;
            bench->hanging = false;
        }
        const auto ticket = poller->look_now();
        std::unique_lock lock(bench->mutex);
        REQUIRE(bench->changed.wait_for(lock, std::chrono::seconds(20),
                                        [&] { return bench->hanging; }));
        return ticket;
    }
    void start() {
        poller = std::make_unique<DrivePoller>(
            loop, options, std::make_unique<BenchTransport>(bench, way),
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
    Polled polled(EACH_WAY);
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
    Polled polled(EACH_WAY);
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
    Polled polled(EACH_WAY);
    polled.options.serial = {"DRV0002"};
    polled.start();
    REQUIRE(polled.run_until([&] { return !polled.looks.empty(); }));
    REQUIRE_FALSE(polled.looks[0].reading.ok());
    CHECK_THAT(polled.looks[0].reading.error().message,
               ContainsSubstring("leads to drive DRV0001") && ContainsSubstring("not to DRV0002"));
}

TEST_CASE("a drive that is exchanged after an error is noticed") {
    Polled polled(EACH_WAY);
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
    Polled polled(EACH_WAY);
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
    const Way way = EACH_WAY;
    auto bench = std::make_shared<Bench>();
    {
        Polled polled(way);
        polled.bench->hangs = true;
        bench = polled.bench;
        polled.start();
        {
            std::unique_lock lock(bench->mutex);
            REQUIRE(bench->changed.wait_for(lock, std::chrono::seconds(20),
                                            [&] { return bench->hanging; }));
        }
        Polled other(way);
        other.start();
        REQUIRE(other.run_until([&] { return other.looks.size() >= 2; }));
        polled.poller.reset();  // leaves the thread behind
        CHECK(polled.looks.empty());
    }
    bench->let_go();  // loop and poller are gone: the thread only ends
}

TEST_CASE("a drive that does not answer is asked less often, and at once when told to") {
    Polled polled(EACH_WAY);
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

TEST_CASE("looks that say the same are not told, but a change is, and what was asked for") {
    Polled polled(EACH_WAY);
    polled.options.poll = {1};
    polled.options.tell_unchanged_every = {3'600'000};
    polled.start();
    // It settles first: every look is told for a second, and once more.
    REQUIRE(polled.run_until([&] { return polled.poller->counters().looks > 100; }));
    asio::steady_timer pause(polled.loop);
    const auto run_for = [&](std::uint64_t looks) {
        const auto end = polled.poller->counters().looks + looks;
        REQUIRE(polled.run_until([&] {
            pause.expires_after(std::chrono::milliseconds(5));
            pause.async_wait([](const std::error_code&) {});
            return polled.poller->counters().looks >= end;
        }));
    };
    run_for(1'200);
    const auto told = polled.looks.size();
    run_for(100);
    CHECK(polled.looks.size() == told);
    CHECK(polled.poller->counters().told == told);

    {
        const std::lock_guard lock(polled.bench->mutex);
        polled.bench->hangs = true;
    }
    REQUIRE(polled.run_until([&] { return !polled.looks.back().reading.ok(); }));
    polled.bench->let_go();
    REQUIRE(polled.run_until([&] { return polled.looks.back().reading.ok(); }));

    const auto ticket = polled.poller->look_now();
    REQUIRE(polled.run_until([&] { return polled.looks.back().ticket == ticket; }));
    {
        const std::lock_guard lock(polled.bench->mutex);
        polled.bench->answers.instead("READ RESERVATION", conflict());
    }
    REQUIRE(polled.run_until([&] {
        return polled.looks.back().reading->reservation.state == ReservationState::reserved;
    }));
}

TEST_CASE("a drive is asked once what it can do, and again when its firmware changes") {
    Polled polled(EACH_WAY);
    std::vector<DriveCapabilities> learnt;
    polled.options.capabilities_learnt = [&](const DriveCapabilities& known) {
        learnt.push_back(known);
    };
    polled.bench->answers.on("READ FULL STATUS", good(capture("lio-fullstatus-empty")));
    polled.start();
    REQUIRE(polled.run_until([&] { return !learnt.empty() && is_complete(learnt.back()); }));
    CHECK(learnt.back().full_status == Ability::yes);
    CHECK(polled.poller->capabilities() == learnt.back());
    const auto before = learnt.size();
    const auto revision = learnt.back().revision;
    CHECK_FALSE(revision.empty());

    auto updated = capture("lio-inquiry-std");
    updated[32] = 'N';
    {
        const std::lock_guard lock(polled.bench->mutex);
        polled.bench->answers.instead("INQUIRY", good(updated))
            .instead("READ FULL STATUS", check(5, 0x24, 0))
            .instead("READ RESERVATION", check(6, 0x3f, 0x01))
            .on("READ RESERVATION", good(capture("lio-readres-empty")));
    }
    REQUIRE(polled.run_until([&] {
        return learnt.size() > before && is_complete(learnt.back()) &&
               learnt.back().revision != revision;
    }));
    CHECK(learnt.back().full_status == Ability::no);
}

TEST_CASE("what is remembered of the same firmware is not asked again") {
    Polled polled(EACH_WAY);
    DriveCapabilities known;
    known.revision = "4.0";
    known.persistent_reserve_in = known.report_capabilities = known.full_status =
        known.compatible_reservation_handling = known.dt_device_status = Ability::yes;
    {
        auto inquiry = capture("lio-inquiry-std");
        const std::string revision = "4.0 ";
        std::copy(revision.begin(), revision.end(), inquiry.begin() + 32);
        polled.bench->answers.instead("INQUIRY", good(inquiry))
            .on("READ FULL STATUS", good(capture("lio-fullstatus-empty")));
    }
    polled.options.known_capabilities = known;
    polled.start();
    REQUIRE(polled.run_until([&] { return polled.looks.size() >= 3; }));
    const std::lock_guard lock(polled.bench->mutex);
    for (const auto& command : polled.bench->answers.sent) {
        CHECK(command != "REPORT CAPABILITIES");
        CHECK(command != "LOG 00");
    }
}

TEST_CASE("among many drives one that hangs and one that vanishes delay nobody") {
    const Way way = EACH_WAY;
    constexpr std::size_t drives = 48;
    Polled hung(way);
    Polled gone(way);
    hung.bench->hangs = true;
    gone.bench->answers.instead("INQUIRY", Error{"no route"});
    hung.start();
    gone.start();
    std::vector<std::unique_ptr<Polled>> others;
    for (std::size_t i = 0; i < drives; ++i) {
        others.push_back(std::make_unique<Polled>(way));
        others.back()->start();
    }
    // Counted, not timed: every other drive gets its looks while the hung one is still in its
    // first.
    const auto all_have = [&](std::uint64_t looks) {
        return std::all_of(others.begin(), others.end(), [&](const auto& other) {
            return other->poller->counters().looks >= looks;
        });
    };
    asio::steady_timer pause(hung.loop);
    REQUIRE(hung.run_until([&] {
        pause.expires_after(std::chrono::milliseconds(5));
        pause.async_wait([](const std::error_code&) {});
        return all_have(20) && hung.poller->counters().unresponsive == 1;
    }));
    CHECK(hung.poller->counters().looks == 0);
    CHECK(gone.poller->counters().failures == gone.poller->counters().looks);
    REQUIRE(hung.looks.size() == 1);
    CHECK_FALSE(hung.looks[0].reading.ok());
    for (const auto& other : others)
        CHECK(other->poller->counters().failures == 0);
}

TEST_CASE(
    "a job runs on the drive's own stream, after the drive was identified, and a look follows") {
    Polled polled(EACH_WAY);
    polled.options.poll = {3'600'000};
    polled.start();
    std::vector<std::string> order;
    const auto job = [&](const std::string& name, Outcome outcome) {
        return DriveJob{
            [name, outcome](drive_iface::Transport& drive, Duration) {
                static_cast<void>(drive.execute({scsi::inquiry_cdb(96), {}, 96}, Duration{1'000}));
                return outcome;
            },
            [&order, name](const Outcome& done) {
                order.push_back(name + (done ? " ok" : " " + done.error().message));
            }};
    };
    REQUIRE(polled.run_until([&] { return polled.looks.size() == 1; }));
    polled.poller->run(job("first", Nothing{}));
    polled.poller->run(job("second", Error{"refused"}));
    REQUIRE(polled.run_until([&] { return order.size() == 2 && polled.looks.size() >= 2; }));
    CHECK(order == std::vector<std::string>{"first ok", "second refused"});
    CHECK(polled.looks.back().reading.ok());
    CHECK(polled.poller->counters().jobs == 2);
}

TEST_CASE("a job is not begun on a path that leads to another drive") {
    Polled polled(EACH_WAY);
    polled.options.serial = {"DRV0002"};
    polled.options.poll = {3'600'000};
    polled.start();
    bool begun = false;
    std::optional<Outcome> ended;
    polled.poller->run({[&begun](drive_iface::Transport&, Duration) -> Outcome {
                            begun = true;
                            return Nothing{};
                        },
                        [&ended](const Outcome& outcome) { ended = outcome; }});
    REQUIRE(polled.run_until([&] { return ended.has_value(); }));
    CHECK_FALSE(begun);
    CHECK_THAT(ended->error().message, ContainsSubstring("leads to drive DRV0001"));
}

TEST_CASE("too many jobs for a hanging drive are refused, and a job that hangs is reported") {
    Polled polled(EACH_WAY);
    polled.start();
    REQUIRE(polled.run_until([&] { return !polled.looks.empty(); }));
    {
        const std::lock_guard lock(polled.bench->mutex);
        polled.bench->hangs = true;
    }
    int refused = 0;
    int done = 0;
    const auto job = [&] {
        return DriveJob{
            [](drive_iface::Transport& drive, Duration timeout) -> Outcome {
                const auto reply = drive.execute({scsi::inquiry_cdb(96), {}, 96}, timeout);
                return reply ? Outcome(Nothing{}) : reply.error();
            },
            [&](const Outcome& outcome) { ++(outcome ? done : refused); }};
    };
    for (int i = 0; i < 40; ++i)
        polled.poller->run(job());
    REQUIRE(polled.run_until([&] { return polled.poller->counters().unresponsive == 1; }));
    CHECK(refused >= 8);
    polled.bench->let_go();
    REQUIRE(polled.run_until([&] { return done + refused == 40; }));
    CHECK(done >= 16);
}

TEST_CASE(
    "at the desk a drive that says nothing new is asked without a worker, one that does is not") {
    Polled polled(Way::quietly);
    polled.options.poll = {5};
    polled.start();
    REQUIRE(polled.run_until([&] { return polled.quiet_commands() >= 20; }));
    const auto state = [&] { return polled.looks.back().reading->reservation.state; };
    CHECK(state() == ReservationState::free);

    // The first reply that says so is the look's, and is not asked for again.
    {
        const std::lock_guard lock(polled.bench->mutex);
        polled.bench->answers.instead("READ RESERVATION", check(6, 0x2a, 0x03))
            .on("READ RESERVATION", conflict());
    }
    REQUIRE(polled.run_until([&] { return state() == ReservationState::reserved; }));
    const auto reserved =
        std::find_if(polled.looks.begin(), polled.looks.end(),
                     [](const DriveLook& look) { return !look.reading->unit_attentions.empty(); });
    REQUIRE(reserved != polled.looks.end());
    CHECK(reserved->reading->commands == 2);
    CHECK(reserved->reading->unit_attentions.front().asc == 0x2a);

    // And what is reserved is quiet again.
    const auto before = polled.quiet_commands();
    REQUIRE(polled.run_until([&] { return polled.quiet_commands() >= before + 20; }));
    CHECK(state() == ReservationState::reserved);
    CHECK(polled.looks.back().reading->unit_attentions.empty());
    CHECK(polled.poller->counters().failures == 0);
}

TEST_CASE(
    "a command that is asked quietly and not answered in its time is an error, and the next look "
    "works") {
    Polled polled(Way::quietly);
    polled.options.command_timeout = {30};
    polled.options.unresponsive_after = {3'600'000};
    polled.start();
    REQUIRE(polled.run_until([&] { return polled.looks.size() >= 3; }));
    {
        const std::lock_guard lock(polled.bench->mutex);
        polled.bench->hangs = true;
    }
    REQUIRE(polled.run_until([&] { return !polled.looks.back().reading.ok(); }));
    CHECK_THAT(polled.looks.back().reading.error().message, ContainsSubstring("within 30 ms"));
    REQUIRE(polled.run_until([&] { return polled.looks.back().reading.ok(); }));
    CHECK(polled.poller->counters().failures == 1);
}

TEST_CASE("what a drive is doing is asked without a worker, too") {
    Polled polled(Way::quietly);
    polled.options.poll = {5};
    polled.options.tell_unchanged_every = {3'600'000};
    const auto doing = [](std::uint8_t activity) {
        scsi::DtDeviceStatus status;
        status.very_high_frequency.emplace().activity = activity;
        return good(scsi::encode_dt_device_status(status));
    };
    polled.bench->answers.on("LOG 00", good({0x00, 0x00, 0x00, 0x02, 0x00, 0x11}))
        .on("LOG 11", doing(0))
        .on("READ FULL STATUS", good(capture("lio-fullstatus-empty")));
    polled.start();
    const auto asked = [&] {
        const std::lock_guard lock(polled.bench->mutex);
        return std::count(polled.bench->answers.sent.begin(), polled.bench->answers.sent.end(),
                          "LOG 11");
    };
    REQUIRE(polled.run_until([&] { return asked() >= 4; }));
    // A tape that moves is news.
    {
        const std::lock_guard lock(polled.bench->mutex);
        polled.bench->answers.instead("LOG 11", doing(2));
    }
    REQUIRE(polled.run_until([&] {
        return polled.looks.back().device_status &&
               polled.looks.back().device_status->activity == 2;
    }));
}

TEST_CASE("a job that comes while a look is asked quietly has a look behind it that began later") {
    Polled polled(Way::quietly);
    polled.options.poll = {3'600'000};
    polled.options.unresponsive_after = {3'600'000};
    polled.start();
    const auto asked = polled.hang_in_quiet_look();
    const auto before = polled.looks.size();
    {
        const std::lock_guard lock(polled.bench->mutex);
        polled.bench->answers.instead("READ RESERVATION", conflict());
    }
    std::vector<std::size_t> looks_at_job;
    polled.poller->run({[](drive_iface::Transport&, Duration) { return Outcome(Nothing{}); },
                        [&](const Outcome&) { looks_at_job.push_back(polled.looks.size()); }});
    polled.bench->let_go();
    REQUIRE(polled.run_until([&] { return polled.looks.size() >= before + 2; }));
    CHECK(looks_at_job == std::vector<std::size_t>{before + 1});
    CHECK(polled.looks[before].ticket == asked);
    CHECK(polled.looks[before + 1].ticket == asked + 1);
}

TEST_CASE("a drive that is stopped while it is asked quietly is not waited for") {
    std::vector<std::unique_ptr<Polled>> drives;
    for (int i = 0; i < 16; ++i) {
        auto& polled = *drives.emplace_back(std::make_unique<Polled>(Way::quietly));
        polled.options.poll = {3'600'000};
        polled.options.unresponsive_after = {3'600'000};
        polled.start();
        static_cast<void>(polled.hang_in_quiet_look());
    }
    for (auto& polled : drives) {
        polled->poller.reset();
        const std::lock_guard lock(polled->bench->mutex);
        CHECK_FALSE(polled->bench->hangs);  // the path was given up
    }
}
