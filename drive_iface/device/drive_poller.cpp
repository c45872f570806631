#include "drive_iface/device/drive_poller.hpp"

#include <pthread.h>

#include <algorithm>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "drive_iface/device/drive.hpp"

namespace drive_iface {

using namespace agent::core;
using Clock = std::chrono::steady_clock;

namespace {

constexpr std::size_t stack_size = 512 * 1024;
constexpr std::size_t jobs_max = 16;
constexpr auto stop_patience = std::chrono::seconds(2);

Instant instant(Clock::time_point at) {
    return {std::chrono::duration_cast<std::chrono::milliseconds>(at.time_since_epoch()).count()};
}

}  // namespace

// Who owns what: `looker_` and what is below it belong to the thread; `mutex_` guards what is
// between it and the loop; the rest belongs to the loop.
class DrivePoller::State : public std::enable_shared_from_this<DrivePoller::State> {
  public:
    State(asio::io_context& loop, DrivePollerOptions options, std::unique_ptr<Transport> transport,
          std::function<void(const DriveLook&)> handler)
        : loop_(loop),
          handler_(std::move(handler)),
          supervisor_(loop),
          delayed_(loop),
          unresponsive_after_(options.unresponsive_after),
          serial_(options.serial),
          poll_(options.poll),
          options_(std::move(options)),
          transport_(std::move(transport)),
          reader_(options_.legacy_probe) {}

    void start();
    void stop();
    std::uint64_t look_now();
    void look_after(Duration delay);
    void set_poll(Duration poll);
    void submit(DriveJob job);
    DrivePollerCounters counters();
    std::optional<DriveIdentity> identity();

  private:
    static void* thread_main(void* state);
    void run();
    bool wait_for_turn();
    void look(std::uint64_t ticket);
    bool run_jobs();
    Outcome run_job(const DriveJob& job);
    void tell_done(DriveJob job, Outcome outcome);
    Result<ReservationReading> read();
    Outcome check_identity();
    void supervise();
    void deliver(const DriveLook& look) {
        const auto handler = handler_;  // it may end us
        if (handler) handler(look);
    }

    asio::io_context& loop_;
    std::function<void(const DriveLook&)> handler_;  // empty after stop()
    // Gone after stop(): the thread may hold this object longer than the loop lives.
    std::optional<asio::steady_timer> supervisor_;
    std::optional<asio::steady_timer> delayed_;
    Duration unresponsive_after_;
    DriveSerial serial_;
    std::uint64_t reported_hung_ = 0;  // number of the look that was reported as hung

    std::mutex mutex_;
    std::condition_variable changed_;
    Duration poll_;
    bool stop_ = false;
    bool ended_ = false;
    std::uint64_t ticket_ = 0;        // newest given out
    std::uint64_t ticket_taken_ = 0;  // newest that a look has begun for
    std::uint64_t look_number_ = 0;
    std::optional<Clock::time_point> looking_since_;
    DrivePollerCounters counters_;
    std::optional<DriveIdentity> identity_;
    std::deque<DriveJob> jobs_;

    DrivePollerOptions options_;
    std::unique_ptr<Transport> transport_;
    ReservationReader reader_;
    bool identified_ = false;
    Duration backoff_{0};
    Clock::time_point next_look_{};
};

// ---- the loop's side
// ------------------------------------------------------------------------------------------------

void DrivePoller::State::start() {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, stack_size);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    // The thread holds its own share: a hung command may outlive the poller.
    auto share = std::make_unique<std::shared_ptr<State>>(shared_from_this());
    pthread_t thread;
    const int error = pthread_create(&thread, &attributes, &State::thread_main, share.get());
    pthread_attr_destroy(&attributes);
    if (error == 0) {
        static_cast<void>(share.release());  // the thread's now
        return supervise();
    }
    ended_ = true;
    asio::post(loop_, [self = shared_from_this(), error] {
        self->deliver({Error{"no thread for polling: error " + std::to_string(error)}, 0});
    });
}

void DrivePoller::State::stop() {
    handler_ = nullptr;
    supervisor_.reset();
    delayed_.reset();
    std::unique_lock lock(mutex_);
    stop_ = true;
    changed_.notify_all();
    changed_.wait_for(lock, stop_patience, [this] { return ended_; });
}

std::uint64_t DrivePoller::State::look_now() {
    const std::lock_guard lock(mutex_);
    ++ticket_;
    changed_.notify_all();
    return ticket_;
}

void DrivePoller::State::look_after(Duration delay) {
    delayed_->expires_after(std::chrono::milliseconds(delay.ms));
    delayed_->async_wait([self = shared_from_this()](const std::error_code& error) {
        if (!error && self->handler_) self->look_now();
    });
}

void DrivePoller::State::set_poll(Duration poll) {
    const std::lock_guard lock(mutex_);
    poll_ = poll;
}

void DrivePoller::State::submit(DriveJob job) {
    const std::lock_guard lock(mutex_);
    if (ended_ || jobs_.size() >= jobs_max) {
        const std::string why = ended_ ? "its thread has ended"
                                       : std::to_string(jobs_max) + " jobs wait for it already";
        return tell_done(std::move(job), Error{"drive " + serial_.text + ": " + why});
    }
    jobs_.push_back(std::move(job));
    ++ticket_;  // a look behind it, and a reason to begin now
    changed_.notify_all();
}

DrivePollerCounters DrivePoller::State::counters() {
    const std::lock_guard lock(mutex_);
    return counters_;
}

std::optional<DriveIdentity> DrivePoller::State::identity() {
    const std::lock_guard lock(mutex_);
    return identity_;
}

// A look that hangs is reported from here, since its thread can not.
void DrivePoller::State::supervise() {
    const auto period = std::max<std::int64_t>(unresponsive_after_.ms / 4, 10);
    supervisor_->expires_after(std::chrono::milliseconds(period));
    supervisor_->async_wait([self = shared_from_this()](const std::error_code& error) {
        if (error || !self->handler_) return;
        std::optional<DriveLook> hung;
        {
            const std::lock_guard lock(self->mutex_);
            const auto limit = std::chrono::milliseconds(self->unresponsive_after_.ms);
            if (self->looking_since_ && self->look_number_ != self->reported_hung_ &&
                Clock::now() - *self->looking_since_ > limit) {
                self->reported_hung_ = self->look_number_;
                ++self->counters_.unresponsive;
                hung = DriveLook{
                    Error{"no answer for " + std::to_string(self->unresponsive_after_.ms) +
                          " ms, a command still hangs"},
                    self->ticket_taken_};
            }
        }
        if (hung) self->deliver(*hung);
        if (self->handler_) self->supervise();
    });
}

// ---- the thread's side
// ----------------------------------------------------------------------------------------------

void* DrivePoller::State::thread_main(void* state) {
    const std::unique_ptr<std::shared_ptr<State>> share(
        static_cast<std::shared_ptr<State>*>(state));
    (*share)->run();
    return nullptr;
}

void DrivePoller::State::run() {
    while (wait_for_turn()) {
        std::uint64_t ticket = 0;
        {
            const std::lock_guard lock(mutex_);
            ticket = ticket_taken_ = ticket_;
            ++look_number_;
            looking_since_ = Clock::now();
        }
        if (run_jobs()) look(ticket);
    }
    transport_.reset();  // logs out
    const std::lock_guard lock(mutex_);
    ended_ = true;
    changed_.notify_all();
}

bool DrivePoller::State::wait_for_turn() {
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, next_look_, [this] { return stop_ || ticket_ != ticket_taken_; });
    return !stop_;
}

// Those that wait now; what comes meanwhile has a turn of its own, so that looks go on. False: the
// poller is stopping.
bool DrivePoller::State::run_jobs() {
    std::deque<DriveJob> jobs;
    {
        const std::lock_guard lock(mutex_);
        jobs.swap(jobs_);
        counters_.jobs += jobs.size();
        if (stop_) return false;
    }
    for (auto& job : jobs) {
        auto outcome = run_job(job);
        const std::lock_guard lock(mutex_);
        if (stop_) return false;  // the loop may be gone
        tell_done(std::move(job), std::move(outcome));
    }
    return true;
}

Outcome DrivePoller::State::run_job(const DriveJob& job) {
    if (!identified_) {
        if (const auto right_drive = check_identity(); !right_drive) return right_drive;
        identified_ = true;
        reader_ = ReservationReader(options_.legacy_probe);
    }
    auto outcome = job.work(*transport_, options_.command_timeout);
    // After an error the path may lead to another drive.
    if (!outcome) identified_ = false;
    return outcome;
}

// With the mutex held, which keeps the loop alive.
void DrivePoller::State::tell_done(DriveJob job, Outcome outcome) {
    asio::post(loop_, [self = shared_from_this(), done = std::move(job.done),
                       outcome = std::move(outcome)] {
        if (self->handler_ && done) done(outcome);
    });
}

void DrivePoller::State::look(std::uint64_t ticket) {
    auto reading = read();
    {
        const std::lock_guard lock(mutex_);
        looking_since_.reset();
        ++counters_.looks;
        if (reading) {
            counters_.commands += reading->commands;
            backoff_ = poll_;
        } else {
            ++counters_.failures;
            backoff_ = std::clamp(backoff_ * 2, poll_, std::max(poll_, options_.backoff_max));
        }
        next_look_ = Clock::now() + std::chrono::milliseconds(backoff_.ms);
        if (stop_) return;  // the loop may be gone
        asio::post(loop_, [self = shared_from_this(),
                           look = DriveLook{std::move(reading), ticket}] { self->deliver(look); });
    }
}

Result<ReservationReading> DrivePoller::State::read() {
    if (!identified_) {
        if (const auto right_drive = check_identity(); !right_drive) return right_drive.error();
        identified_ = true;
        reader_ = ReservationReader(options_.legacy_probe);
    }
    auto reading = reader_.read(*transport_, instant(Clock::now()), options_.command_timeout);
    // After an error the path may lead to another drive.
    if (!reading) identified_ = false;
    return reading;
}

Outcome DrivePoller::State::check_identity() {
    const auto identity = identify(*transport_, options_.command_timeout);
    if (!identity) return identity.error();
    if (identity->serial == options_.serial) {
        const std::lock_guard lock(mutex_);
        identity_ = *identity;
        return Nothing{};
    }
    return Error{"this path leads to drive " + identity->serial.text + " (" + identity->vendor +
                 " " + identity->product + "), not to " + options_.serial.text +
                 ": correct the interface of the drive in the configuration"};
}

// ---- the class as others see it
// -------------------------------------------------------------------------------------

DrivePoller::DrivePoller(asio::io_context& loop, DrivePollerOptions options,
                         std::unique_ptr<Transport> transport,
                         std::function<void(const DriveLook&)> handler)
    : state_(std::make_shared<State>(loop, std::move(options), std::move(transport),
                                     std::move(handler))) {
    state_->start();
}
DrivePoller::~DrivePoller() {
    state_->stop();
}

std::uint64_t DrivePoller::look_now() {
    return state_->look_now();
}
void DrivePoller::look_after(Duration delay) {
    state_->look_after(delay);
}
void DrivePoller::set_poll(Duration poll) {
    state_->set_poll(poll);
}
void DrivePoller::run(DriveJob job) {
    state_->submit(std::move(job));
}
DrivePollerCounters DrivePoller::counters() const {
    return state_->counters();
}
std::optional<DriveIdentity> DrivePoller::identity() const {
    return state_->identity();
}

}  // namespace drive_iface
