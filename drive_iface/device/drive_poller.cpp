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
#include "drive_iface/device/patient_execute.hpp"
#include "drive_iface/scsi/opcodes.hpp"

namespace drive_iface {

using namespace agent::core;
using Clock = std::chrono::steady_clock;

namespace {

constexpr std::size_t stack_size = 512 * 1024;
constexpr std::size_t jobs_max = 16;
constexpr auto stop_patience = std::chrono::seconds(2);

constexpr auto probe_incomplete_after = std::chrono::minutes(1);
constexpr auto probe_missing_after = std::chrono::hours(1);
constexpr auto worth_a_word = std::chrono::seconds(1);
// The loop may be late: what it measures from when it hears of a change ends later than here.
constexpr auto settle_margin = std::chrono::seconds(1);
constexpr auto settle_slack = std::chrono::milliseconds(50);
// Header, and parameter 0000h of page 11h, which comes first.
constexpr std::uint16_t device_status_size = 12;

Instant instant(Clock::time_point at) {
    return {std::chrono::duration_cast<std::chrono::milliseconds>(at.time_since_epoch()).count()};
}

std::chrono::milliseconds chrono_of(Duration duration) {
    return std::chrono::milliseconds(duration.ms);
}

PollTimes poll_times(Duration poll, const DrivePollerOptions& options) {
    return with_sane_order(
        {poll,
         options.poll_fast.ms > 0 ? options.poll_fast
                                  : Duration{std::min<std::int64_t>(poll.ms / 4, 1'000)},
         options.poll_busy.ms > 0 ? options.poll_busy
                                  : Duration{std::min<std::int64_t>(poll.ms * 4, 10'000)}});
}

bool says_the_same(const ReservationReading& a, const ReservationReading& b) {
    return a.unit_attentions.empty() && b.unit_attentions.empty() && a.generation == b.generation &&
           a.evidence == b.evidence && a.reservation == b.reservation &&
           a.registrations == b.registrations;
}

// The firmware may be another one: new microcode, new INQUIRY data, or the reset that goes with it.
bool may_have_changed(const std::vector<scsi::AdditionalSense>& unit_attentions) {
    return std::any_of(unit_attentions.begin(), unit_attentions.end(), [](const auto& sense) {
        return sense.asc == 0x3f && (sense.ascq == 0x01 || sense.ascq == 0x03);
    });
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
          times_(poll_times(options.poll, options)),
          options_(std::move(options)),
          transport_(std::move(transport)),
          reader_(options_.legacy_probe,
                  options_.known_capabilities.value_or(DriveCapabilities{})) {}

    void start();
    void stop();
    std::uint64_t look_now();
    void look_after(Duration delay);
    void set_poll(Duration poll);
    void submit(DriveJob job);
    DrivePollerCounters counters();
    std::optional<DriveIdentity> identity();
    std::optional<DriveCapabilities> capabilities();

  private:
    static void* thread_main(void* state);
    void run();
    bool wait_for_turn();
    void look(std::uint64_t ticket);
    bool run_jobs();
    Outcome run_job(const DriveJob& job);
    void tell_done(DriveJob job, Outcome outcome);
    DriveLook read(std::uint64_t ticket);
    Outcome read_device_status(DriveLook& look);
    PaceReport pace_report(const DriveLook& look) const;
    bool worth_telling(const DriveLook& look);
    void probe_when_due();
    void remember_capabilities();
    Outcome identify_if_needed();
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
    PollTimes times_;
    bool stop_ = false;
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
    std::unique_ptr<Transport> transport_;
    ReservationReader reader_;
    bool identified_ = false;
    std::optional<OtherDrive> mismatch_;  // found by the look under way
    bool firmware_may_be_new_ = false;
    Duration backoff_{0};
    Clock::time_point next_look_{};
    PollRhythm rhythm_;
    Clock::time_point probe_at_{};
    Clock::time_point activity_at_{};
    std::optional<DriveLook> last_;  // nothing after an error
    std::uint64_t last_ticket_ = 0;
    std::optional<scsi::VeryHighFrequencyData> told_status_;
    Clock::time_point changed_at_{};
    Clock::time_point told_at_{};
    bool settled_ = false;
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
    changed_.notify_all();
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
        if (!run_jobs()) continue;
        look(ticket);
        probe_when_due();
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
    if (const auto right_drive = identify_if_needed(); !right_drive) return right_drive;
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
    mismatch_.reset();
    auto look = read(ticket);
    if (!look.reading) look.other_drive = mismatch_ ? mismatch_ : transport_->other_drive();
    const auto report = look.reading ? pace_report(look) : PaceReport{.changed = true};
    rhythm_ = after_look(rhythm_, report);
    const bool tell = worth_telling(look);
    {
        const std::lock_guard lock(mutex_);
        looking_since_.reset();
        ++counters_.looks;
        if (look.reading) {
            counters_.commands += look.reading->commands;
            backoff_ = delay_of(rhythm_.pace, times_);
        } else {
            ++counters_.failures;
            backoff_ =
                std::clamp(backoff_ * 2, times_.poll, std::max(times_.poll, options_.backoff_max));
        }
        counters_.pace = rhythm_.pace;
        next_look_ = Clock::now() + chrono_of(backoff_);
        // Whoever waits for the state to have lasted is told as soon as it has.
        const auto lasted = changed_at_ + chrono_of(options_.settle) + settle_slack;
        if (look.reading && options_.settle.ms > 0 && lasted > Clock::now())
            next_look_ = std::min(next_look_, lasted);
        if (stop_) return;  // the loop may be gone
        // Whoever has heard that it hangs has to hear that it does not.
        if (tell || silence_told_) {
            silence_told_ = false;
            ++counters_.told;
            asio::post(loop_, [self = shared_from_this(), look] { self->deliver(look); });
        }
    }
    last_ticket_ = ticket;
    last_ = std::move(look);
    if (!last_->reading) last_.reset();
}

DriveLook DrivePoller::State::read(std::uint64_t ticket) {
    if (const auto right_drive = identify_if_needed(); !right_drive)
        return {right_drive.error(), ticket, std::nullopt};
    DriveLook look{reader_.read(*transport_, instant(Clock::now()), options_.command_timeout),
                   ticket, std::nullopt};
    if (look.reading) {
        if (const auto done = read_device_status(look); !done) look.reading = done.error();
    }
    // After an error the path may lead to another drive.
    if (!look.reading) identified_ = false;
    if (look.reading && may_have_changed(look.reading->unit_attentions)) {
        identified_ = false;
        firmware_may_be_new_ = true;
    }
    return look;
}

// What the drive is doing, when it is time to ask and it can tell. Errors: the transport's.
Outcome DrivePoller::State::read_device_status(DriveLook& look) {
    const auto& known = reader_.capabilities();
    if (known.very_high_frequency != Ability::yes || !asks_for_activity(rhythm_)) return Nothing{};
    const auto now = Clock::now();
    if (now - activity_at_ < std::chrono::milliseconds(known.polling_delay_ms.value_or(0)))
        return Nothing{};
    activity_at_ = now;
    auto& reading = look.reading.value();
    const auto before = reading.unit_attentions.size();
    const auto cdb =
        scsi::log_sense_cdb(scsi::log_page_code::dt_device_status, 0, device_status_size);
    const auto reply = execute_patiently(*transport_, {cdb, {}, device_status_size},
                                         options_.command_timeout, &reading.unit_attentions);
    reading.commands += static_cast<std::uint32_t>(reading.unit_attentions.size() - before + 1);
    if (!reply) return reply.error().within("LOG SENSE page 11h");
    if (reply->status != scsi::status::good) return Nothing{};
    const auto status = scsi::decode_dt_device_status(reply->data_in);
    if (status) look.device_status = status->very_high_frequency;
    return Nothing{};
}

PaceReport DrivePoller::State::pace_report(const DriveLook& look) const {
    PaceReport report;
    report.changed = !look.reading->unit_attentions.empty() || !last_ ||
                     !says_the_same(*last_->reading, *look.reading);
    report.asked_for = look.ticket != last_ticket_;
    report.reserved = look.reading->reservation.state == ReservationState::reserved;
    if (look.device_status)
        report.moves_tape = look.device_status->activity != 0 || look.device_status->in_transition;
    return report;
}

// A look that says the same as the one before is seldom worth waking the loop for.
bool DrivePoller::State::worth_telling(const DriveLook& look) {
    const auto now = Clock::now();
    const bool same = last_ && look.reading && says_the_same(*last_->reading, *look.reading);
    bool tell = !same || look.ticket != last_ticket_;
    if (!same) {
        changed_at_ = now;
        settled_ = false;
    }
    if (!settled_) {
        tell = true;
        settled_ = now - changed_at_ > chrono_of(options_.settle) + settle_margin;
    }
    if (look.device_status) {
        const auto& status = *look.device_status;
        tell = tell || !told_status_ || told_status_->prevent_removal != status.prevent_removal ||
               (told_status_->activity != 0) != (status.activity != 0);
        told_status_ = status;
    }
    tell = tell || now - told_at_ >= chrono_of(options_.tell_unchanged_every);
    if (tell) told_at_ = now;
    return tell;
}

// After a look, so that nobody waits for it.
void DrivePoller::State::probe_when_due() {
    const auto now = Clock::now();
    if (!identified_ || now < probe_at_) return remember_capabilities();
    {
        const std::lock_guard lock(mutex_);
        if (stop_) return;
        looking_since_ = now;
    }
    auto capabilities = reader_.capabilities();
    if (is_complete(capabilities)) ask_again_for_what_is_missing(capabilities);
    const auto probe = probe_capabilities(*transport_, capabilities, options_.command_timeout);
    reader_.set_capabilities(capabilities);
    if (!probe) identified_ = false;
    probe_at_ = !is_complete(capabilities)      ? now + probe_incomplete_after
                : lacks_something(capabilities) ? now + probe_missing_after
                                                : Clock::time_point::max();
    remember_capabilities();
    const std::lock_guard lock(mutex_);
    looking_since_.reset();
    if (probe) counters_.commands += probe->commands;
}

// The reader learns on its own as well.
void DrivePoller::State::remember_capabilities() {
    const auto& known = reader_.capabilities();
    const std::lock_guard lock(mutex_);
    if (stop_ || known.revision.empty() || capabilities_ == known) return;
    capabilities_ = known;
    if (!options_.capabilities_learnt) return;
    asio::post(loop_, [self = shared_from_this(), known] {
        if (self->handler_) self->options_.capabilities_learnt(known);
    });
}

Outcome DrivePoller::State::identify_if_needed() {
    if (identified_) return Nothing{};
    if (const auto right_drive = check_identity(); !right_drive) return right_drive;
    identified_ = true;
    // Nothing but capabilities outlives a broken path, and they only with their firmware.
    auto capabilities = reader_.capabilities();
    if (firmware_may_be_new_ || capabilities.revision != identity_->revision) {
        capabilities = DriveCapabilities{};
        capabilities.revision = identity_->revision;
        probe_at_ = Clock::time_point{};
    }
    firmware_may_be_new_ = false;
    reader_ = ReservationReader(options_.legacy_probe, std::move(capabilities));
    return Nothing{};
}

Outcome DrivePoller::State::check_identity() {
    const auto identity = identify(*transport_, options_.command_timeout);
    if (!identity) return identity.error();
    if (identity->serial == options_.serial) {
        const std::lock_guard lock(mutex_);
        identity_ = *identity;
        return Nothing{};
    }
    mismatch_ = OtherDrive{"its interface", identity->serial.text};
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
std::optional<DriveCapabilities> DrivePoller::capabilities() const {
    return state_->capabilities();
}

}  // namespace drive_iface
