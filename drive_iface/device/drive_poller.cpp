#include "drive_iface/device/drive_poller.hpp"

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

#include "drive_iface/device/drive_looker.hpp"
#include "drive_iface/device/left_thread.hpp"

namespace drive_iface {

using namespace agent::core;
using Clock = std::chrono::steady_clock;

namespace {

constexpr std::size_t jobs_max = 16;
constexpr auto stop_patience = std::chrono::seconds(2);

constexpr auto worth_a_word = std::chrono::seconds(1);

Instant instant(Clock::time_point at) {
    return {std::chrono::duration_cast<std::chrono::milliseconds>(at.time_since_epoch()).count()};
}

PollTimes poll_times(Duration poll, const DrivePollerOptions& options) {
    return with_sane_order(
        {poll,
         options.poll_fast.ms > 0 ? options.poll_fast
                                  : Duration{std::min<std::int64_t>(poll.ms / 4, 1'000)},
         options.poll_busy.ms > 0 ? options.poll_busy
                                  : Duration{std::min<std::int64_t>(poll.ms * 4, 10'000)}});
}

}  // namespace

// Who owns what: `looker_` and what is around it belong to whoever has the turn, the drive's own
// thread, or the desk and its worker one after the other; `mutex_` guards what is between them and
// the loop; the rest belongs to the loop.
class DrivePoller::State : public std::enable_shared_from_this<DrivePoller::State>,
                           public DeskGuest {
  public:
    State(asio::io_context& loop, DrivePollerOptions options, std::unique_ptr<Transport> transport,
          std::function<void(const DriveLook&)> handler)
        : loop_(loop),
          handler_(std::move(handler)),
          supervisor_(loop),
          delayed_(loop),
          desk_(std::exchange(options.desk, nullptr)),
          unresponsive_after_(options.unresponsive_after),
          serial_(options.serial),
          times_(poll_times(options.poll, options)),
          options_(std::move(options)),
          looker_(options_, std::move(transport)) {}

    void start();
    void begin_to_stop();
    void stop();
    std::uint64_t look_now();
    void look_after(Duration delay);
    void set_poll(Duration poll);
    void submit(DriveJob job);
    DrivePollerCounters counters();
    std::optional<DriveIdentity> identity();
    std::optional<DriveCapabilities> capabilities();

    // As a guest of the desk.
    bool is_stopping() override;
    DeskGuest::Clock::time_point due() override;
    Next begin() override;
    OpenPath& path() override { return looker_.path(); }
    [[nodiscard]] Duration patience() const override { return options_.command_timeout; }
    Next heard(Result<ScsiReply> reply) override;
    bool work() override;

  private:
    void start_thread();
    void wake();
    void run();
    bool wait_for_turn();
    bool begin_turn();
    void leave();
    void note(DriveLooker::Looked looked);
    bool run_jobs();
    void tell_done(DriveJob job, Outcome outcome);
    void probe_when_due();
    void remember_capabilities();
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
    std::shared_ptr<LookDesk> desk_;  // null: it has a thread of its own; null after stop()
    LookDesk::Seat seat_ = 0;
    Duration unresponsive_after_;
    DriveSerial serial_;
    std::uint64_t reported_hung_ = 0;  // number of the look that was reported as hung

    std::mutex mutex_;
    std::condition_variable changed_;
    PollTimes times_;
    bool stop_ = false;
    Clock::time_point stop_by_{};  // nobody waits longer for its end
    bool ended_ = false;
    std::uint64_t ticket_ = 0;        // newest given out
    std::uint64_t ticket_taken_ = 0;  // newest that a look has begun for
    std::uint64_t look_number_ = 0;
    bool silence_told_ = false;  // since the last look that was told
    std::optional<Clock::time_point> looking_since_;
    DrivePollerCounters counters_;
    std::optional<DriveIdentity> identity_;
    std::optional<DriveCapabilities> capabilities_;
    std::deque<DriveJob> jobs_;

    DrivePollerOptions options_;
    DriveLooker looker_;
    Duration backoff_{0};
    Clock::time_point next_look_{};
    std::uint64_t turn_ = 0;  // the ticket that the turn under way took
};

// ---- the loop's side
// ------------------------------------------------------------------------------------------------

void DrivePoller::State::start() {
    if (!desk_) return start_thread();
    seat_ = desk_->join(shared_from_this());
    supervise();
}

void DrivePoller::State::start_thread() {
    // The thread holds its own share: a hung command may outlive the poller.
    const int error = leave_to_thread([self = shared_from_this()] { self->run(); });
    if (error == 0) return supervise();
    ended_ = true;
    asio::post(loop_, [self = shared_from_this(), error] {
        self->deliver({Error{"no thread for polling: error " + std::to_string(error)}, 0});
    });
}

void DrivePoller::State::begin_to_stop() {
    handler_ = nullptr;
    supervisor_.reset();
    delayed_.reset();
    const std::lock_guard lock(mutex_);
    if (stop_) return;
    stop_ = true;
    stop_by_ = Clock::now() + stop_patience;
    wake();
}

void DrivePoller::State::stop() {
    begin_to_stop();
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, stop_by_, [this] { return ended_; });
    lock.unlock();
    desk_.reset();  // a drive that hangs does not keep it
}

// Whoever looks at this drive has a reason to begin now.
void DrivePoller::State::wake() {
    if (desk_) {
        desk_->wake(seat_);
    } else {
        changed_.notify_all();
    }
}

std::uint64_t DrivePoller::State::look_now() {
    const std::lock_guard lock(mutex_);
    ++ticket_;
    wake();
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
    times_ = poll_times(poll, options_);
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
    wake();
}

DrivePollerCounters DrivePoller::State::counters() {
    const std::lock_guard lock(mutex_);
    auto counters = counters_;
    if (looking_since_ && Clock::now() - *looking_since_ > worth_a_word)
        counters.lasting = instant(Clock::now()) - instant(*looking_since_);
    return counters;
}

std::optional<DriveIdentity> DrivePoller::State::identity() {
    const std::lock_guard lock(mutex_);
    return identity_;
}

std::optional<DriveCapabilities> DrivePoller::State::capabilities() {
    const std::lock_guard lock(mutex_);
    return capabilities_;
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
                self->silence_told_ = true;
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

void DrivePoller::State::run() {
    while (wait_for_turn()) {
        static_cast<void>(begin_turn());
        if (!work()) return;
    }
    leave();
}

bool DrivePoller::State::wait_for_turn() {
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, next_look_, [this] { return stop_ || ticket_ != ticket_taken_; });
    return !stop_;
}

// True: the turn is not only a look, or the poller is stopping.
bool DrivePoller::State::begin_turn() {
    const std::lock_guard lock(mutex_);
    turn_ = ticket_taken_ = ticket_;
    ++look_number_;
    looking_since_ = Clock::now();
    return stop_ || !jobs_.empty();
}

// What is left of a turn that has begun.
bool DrivePoller::State::work() {
    // A look that was begun quietly is older than jobs that came since.
    if (is_stopping() || (!looker_.is_halfway() && !run_jobs())) {
        leave();
        return false;
    }
    note(looker_.look(turn_));
    probe_when_due();
    return true;
}

void DrivePoller::State::leave() {
    looker_.let_go();
    const std::lock_guard lock(mutex_);
    ended_ = true;
    changed_.notify_all();
}

// ---- at the desk

bool DrivePoller::State::is_stopping() {
    const std::lock_guard lock(mutex_);
    return stop_;
}

DeskGuest::Clock::time_point DrivePoller::State::due() {
    const std::lock_guard lock(mutex_);
    return stop_ || ticket_ != ticket_taken_ ? Clock::time_point::min() : next_look_;
}

DeskGuest::Next DrivePoller::State::begin() {
    return begin_turn() || !looker_.begin_quietly() ? Next::works : Next::asked;
}

DeskGuest::Next DrivePoller::State::heard(Result<ScsiReply> reply) {
    switch (looker_.take_reply(std::move(reply), turn_)) {
        case DriveLooker::Quietly::more:
            return Next::asked;
        case DriveLooker::Quietly::no:
            return Next::works;
        case DriveLooker::Quietly::done:
            break;
    }
    note(looker_.taken());
    return Next::waits;
}

// ---- what a turn does

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
        auto outcome = looker_.run(job);
        const std::lock_guard lock(mutex_);
        identity_ = looker_.identity();
        if (stop_) return false;  // the loop may be gone
        tell_done(std::move(job), std::move(outcome));
    }
    return true;
}

// With the mutex held, which keeps the loop alive.
void DrivePoller::State::tell_done(DriveJob job, Outcome outcome) {
    asio::post(loop_, [self = shared_from_this(), done = std::move(job.done),
                       outcome = std::move(outcome)] {
        if (self->handler_ && done) done(outcome);
    });
}

void DrivePoller::State::note(DriveLooker::Looked looked) {
    const auto& reading = looked.look.reading;
    const std::lock_guard lock(mutex_);
    looking_since_.reset();
    identity_ = looker_.identity();
    ++counters_.looks;
    if (reading) {
        counters_.commands += reading->commands;
        backoff_ = delay_of(looker_.pace(), times_);
    } else {
        ++counters_.failures;
        backoff_ =
            std::clamp(backoff_ * 2, times_.poll, std::max(times_.poll, options_.backoff_max));
    }
    counters_.pace = looker_.pace();
    next_look_ = Clock::time_point(
        std::chrono::milliseconds(look_together(instant(Clock::now()), backoff_).ms));
    // Whoever waits for the state to have lasted is told as soon as it has.
    if (const auto settled = looker_.settles_at(); settled && *settled > Clock::now())
        next_look_ = std::min(next_look_, *settled);
    if (stop_) return;  // the loop may be gone
    // Whoever has heard that it hangs has to hear that it does not.
    if (!looked.is_news && !silence_told_) return;
    silence_told_ = false;
    ++counters_.told;
    asio::post(loop_,
               [self = shared_from_this(), look = std::move(looked.look)] { self->deliver(look); });
}

// After a look, so that nobody waits for it.
void DrivePoller::State::probe_when_due() {
    if (looker_.probe_is_due()) {
        {
            const std::lock_guard lock(mutex_);
            if (stop_) return;
            looking_since_ = Clock::now();
        }
        const auto commands = looker_.probe();
        const std::lock_guard lock(mutex_);
        looking_since_.reset();
        counters_.commands += commands;
    }
    remember_capabilities();
}

// The reader learns on its own as well.
void DrivePoller::State::remember_capabilities() {
    const auto& known = looker_.capabilities();
    const std::lock_guard lock(mutex_);
    if (stop_ || known.revision.empty() || capabilities_ == known) return;
    capabilities_ = known;
    if (!options_.capabilities_learnt) return;
    asio::post(loop_, [self = shared_from_this(), known] {
        if (self->handler_) self->options_.capabilities_learnt(known);
    });
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
void DrivePoller::begin_to_stop() {
    state_->begin_to_stop();
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
std::optional<DriveCapabilities> DrivePoller::capabilities() const {
    return state_->capabilities();
}

}  // namespace drive_iface
