// Takes a drive offline by a fence. Everything is sent from the drive's own thread; at most one job
// is on its way, and what is asked for meanwhile is done when it has ended, the newest word only.

#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <utility>

#include "drive_iface/device/fence.hpp"
#include "drive_iface/device/offline_actuator.hpp"

namespace drive_iface {

using namespace agent::core;

namespace {

class FenceActuator : public OfflineActuator {
  public:
    FenceActuator(asio::io_context& loop, FenceActuatorOptions options)
        : loop_(loop), options_(std::move(options)), patience_(loop) {}

    void force(const DriveSerial& drive, const std::string&, Done done) override {
        order(drive, Wanted::raised, std::move(done));
    }
    void lift(const DriveSerial& drive, Done done) override {
        order(drive, Wanted::lifted, std::move(done));
    }

  private:
    enum class Wanted : std::uint8_t { raised, lifted };

    void order(const DriveSerial& drive, Wanted wanted, Done done);
    void begin();
    void ended(Wanted what, const Outcome& outcome, const FenceReport& report);
    void wait_for_drive();
    // Through the loop: the caller may be in the middle of something.
    void answer(Outcome outcome) {
        patience_.cancel();
        if (!done_) return;
        asio::post(loop_, [alive = std::weak_ptr<bool>(alive_), done = std::exchange(done_, {}),
                           outcome = std::move(outcome)] {
            if (!alive.expired()) done(outcome);
        });
    }

    asio::io_context& loop_;
    FenceActuatorOptions options_;
    asio::steady_timer patience_;
    DriveSerial drive_;
    Wanted wanted_ = Wanted::lifted;
    Done done_;  // of the newest order, unless it is answered
    bool busy_ = false;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

void FenceActuator::order(const DriveSerial& drive, Wanted wanted, Done done) {
    answer(Error{"a newer order came before this one was carried out"});
    drive_ = drive;
    wanted_ = wanted;
    done_ = std::move(done);
    wait_for_drive();
    if (!busy_) begin();
}

void FenceActuator::begin() {
    busy_ = true;
    const auto report = std::make_shared<FenceReport>();
    const bool raise = wanted_ == Wanted::raised;
    DriveJob job;
    job.work = [key = options_.key, raise, report](Transport& drive, Duration timeout) -> Outcome {
        auto done = raise ? raise_fence(drive, key, timeout) : lift_fence(drive, key, timeout);
        if (!done) return done.error();
        *report = std::move(done).value();
        return Nothing{};
    };
    job.done = [this, alive = std::weak_ptr<bool>(alive_), what = wanted_,
                report](const Outcome& outcome) {
        if (!alive.expired()) ended(what, outcome, *report);
    };
    options_.run(std::move(job));
}

void FenceActuator::ended(Wanted what, const Outcome& outcome, const FenceReport& report) {
    busy_ = false;
    if (outcome && options_.note && !report.steps.empty()) {
        options_.note("drive " + drive_.text + ": fence " +
                      (what == Wanted::raised ? "raised: " : "lifted: ") + to_text(report));
    }
    if (what != wanted_) return begin();
    answer(outcome);
}

// The rules are told after a while that it did not work, and try again; a job that hangs goes on.
void FenceActuator::wait_for_drive() {
    patience_.expires_after(std::chrono::milliseconds(options_.patience.ms));
    patience_.async_wait([this, alive = std::weak_ptr<bool>(alive_)](const std::error_code& error) {
        if (error || alive.expired()) return;
        answer(Error{"the drive has not answered within " + std::to_string(options_.patience.ms) +
                     " ms"});
    });
}

}  // namespace

std::unique_ptr<OfflineActuator> make_fence_actuator(asio::io_context& loop,
                                                     FenceActuatorOptions options) {
    return std::make_unique<FenceActuator>(loop, std::move(options));
}

}  // namespace drive_iface
