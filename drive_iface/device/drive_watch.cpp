#include "drive_iface/device/drive_watch.hpp"

#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <deque>
#include <utility>

#include "drive_iface/device/registrations.hpp"

namespace drive_iface {

using namespace agent::core;

class DriveWatch::State : public std::enable_shared_from_this<DriveWatch::State> {
  public:
    State(asio::io_context& loop, DriveWatchOptions options, bool polled, Handler handler)
        : loop_(loop),
          options_(std::move(options)),
          handler_(std::move(handler)),
          silence_(loop),
          settle_(loop),
          rules_(options_.poller.serial, polled, options_.event_grace) {
        rules_.own_key(options_.own_key);
        rules_.mount_keys(options_.mount_keys);
    }

    void start(std::unique_ptr<Transport> interface);
    void begin_to_stop();
    void stop();
    void remember(const Reservation& recorded, HolderEvidence evidence) {
        rules_.remember(recorded, evidence);
    }
    void event(const events::DriveEvent& event, std::function<void()> settled);
    void event_channel(bool connected);
    void look_now();
    void set_poll(Duration poll) {
        if (poller_) poller_->set_poll(poll);
    }
    void run(DriveJob job);
    Counters counters() const {
        return {poller_ ? poller_->counters() : DrivePollerCounters{}, rules_.counters()};
    }
    bool is_polled() const { return poller_ != nullptr; }
    std::optional<DriveIdentity> identity() const {
        return poller_ ? poller_->identity() : std::nullopt;
    }
    std::optional<DriveCapabilities> capabilities() const {
        return poller_ ? poller_->capabilities() : std::nullopt;
    }

  private:
    void carry_out(const ObservationRules::Step& step);
    void looked(const DriveLook& look);
    void observed(DriveObserved seen);
    void ask_drive_about_holder();
    void expect_silence_to_end();
    void settle();
    // Through the loop: the caller may be in the middle of something.
    void tell(ReservationAgentInput input) {
        ++inputs_queued_;
        asio::post(loop_, [self = shared_from_this(), input = std::move(input)] {
            --self->inputs_queued_;
            const auto handler = self->handler_;  // it may end us
            if (!handler) return;
            handler(input);
            const bool answered = std::holds_alternative<DriveObserved>(input);
            if (answered && self->inputs_queued_ == 0 && !self->rules_.events_pending())
                self->settle();
        });
    }

    asio::io_context& loop_;
    DriveWatchOptions options_;
    Handler handler_;
    asio::steady_timer silence_;
    asio::steady_timer settle_;
    std::size_t inputs_queued_ = 0;
    static constexpr std::size_t unsettled_max = 64;
    std::deque<std::function<void()>> unsettled_;  // oldest first
    ObservationRules rules_;
    std::unique_ptr<DrivePoller> poller_;
    std::optional<DriveObserved> unexplained_;  // waits for what the drive says about its holder
    bool connected_ = false;
};

void DriveWatch::State::start(std::unique_ptr<Transport> interface) {
    if (interface == nullptr) return expect_silence_to_end();
    const std::weak_ptr<State> weak = weak_from_this();
    poller_ = std::make_unique<DrivePoller>(loop_, options_.poller, std::move(interface),
                                            [weak](const DriveLook& look) {
                                                if (const auto self = weak.lock())
                                                    self->looked(look);
                                            });
}

void DriveWatch::State::event(const events::DriveEvent& event, std::function<void()> settled) {
    if (unsettled_.empty()) {
        settle_.expires_after(std::chrono::milliseconds(options_.settle_within.ms));
        settle_.async_wait([self = shared_from_this()](const std::error_code& error) {
            if (!error) self->settle();
        });
    }
    unsettled_.push_back(std::move(settled));
    if (unsettled_.size() > unsettled_max) {
        asio::post(loop_, std::move(unsettled_.front()));
        unsettled_.pop_front();
    }
    if (!options_.events) return settle();
    carry_out(rules_.event(event));
}

void DriveWatch::State::settle() {
    settle_.cancel();
    for (auto& settled : std::exchange(unsettled_, {}))
        asio::post(loop_, std::move(settled));
}

void DriveWatch::State::begin_to_stop() {
    handler_ = nullptr;
    settle_.cancel();
    unsettled_.clear();
    silence_.cancel();
    if (poller_) poller_->begin_to_stop();
}

void DriveWatch::State::stop() {
    begin_to_stop();
    poller_.reset();
}

void DriveWatch::State::looked(const DriveLook& look) {
    if (!look.reading) {
        DriveUnreachable unreachable{options_.poller.serial, look.reading.error().message};
        if (look.other_drive)
            unreachable.other = {look.other_drive->path, {look.other_drive->serial}};
        return tell(std::move(unreachable));
    }
    // First: with the observation that follows whoever waits for this look is done.
    tell(examined(options_.poller.serial, look));
    carry_out(rules_.look(*look.reading, look.ticket));
}

void DriveWatch::State::carry_out(const ObservationRules::Step& step) {
    if (step.look_now && poller_) rules_.looking(poller_->look_now());
    if (step.look_after && poller_) poller_->look_after(*step.look_after);
    if (step.observed) observed(*step.observed);
}

// Told when everything that can be found out at once has been.
void DriveWatch::State::observed(DriveObserved seen) {
    unexplained_.reset();  // old by now
    HolderLadder* ladder = options_.ladder.get();
    if (ladder == nullptr || seen.held_by_controller) return tell(std::move(seen));
    if (!HolderLadder::needed_for(seen)) {
        ladder->forget();
        return tell(std::move(seen));
    }
    DriveObserved complete = seen;
    ladder->complete(complete);
    if (!HolderLadder::needed_for(complete) || !poller_) return tell(std::move(complete));
    const Instant now{std::chrono::duration_cast<std::chrono::milliseconds>(
                          std::chrono::steady_clock::now().time_since_epoch())
                          .count()};
    if (ladder->begin_asking(seen, identity(), now)) {
        unexplained_ = std::move(seen);
        return ask_drive_about_holder();
    }
    if (ladder->asking()) {
        unexplained_ = std::move(seen);
        return;
    }
    tell(std::move(complete));
}

void DriveWatch::State::ask_drive_about_holder() {
    // Straight to the poller: what is told of it comes before the end of any later job of run().
    poller_->run({[ladder = options_.ladder](Transport& drive, Duration timeout) {
                      return ladder->ask_drive(drive, timeout);
                  },
                  [this](const Outcome&) {
                      options_.ladder->answered(
                          {std::chrono::duration_cast<std::chrono::milliseconds>(
                               std::chrono::steady_clock::now().time_since_epoch())
                               .count()});
                      if (!unexplained_) return;
                      options_.ladder->complete(*unexplained_);
                      tell(*std::exchange(unexplained_, std::nullopt));
                  }});
}

void DriveWatch::State::look_now() {
    if (poller_) poller_->look_now();
}

// A look before the job goes through the loop twice, once from the poller and once from tell(), and
// so does the job's end: what it changed is never reported before what there was.
void DriveWatch::State::run(DriveJob job) {
    job.done = [weak = weak_from_this(), done = std::move(job.done)](const Outcome& outcome) {
        const auto self = weak.lock();
        if (!self) return;
        asio::post(self->loop_, [self, done, outcome] {
            if (self->handler_ && done) done(outcome);
        });
    };
    if (poller_) return poller_->run(std::move(job));
    asio::post(loop_, [done = std::move(job.done), serial = options_.poller.serial] {
        done(Error{"drive " + serial.text +
                   " has no interface in the configuration: no command can be sent to it"});
    });
}

void DriveWatch::State::event_channel(bool connected) {
    if (!options_.events) return;
    connected_ = connected;
    rules_.connected(connected);
    if (!poller_ && !connected) expect_silence_to_end();
    if (connected) silence_.cancel();
}

// Only for drives without an interface: nobody else would notice that they are gone.
void DriveWatch::State::expect_silence_to_end() {
    silence_.expires_after(std::chrono::milliseconds(options_.silent_after.ms));
    silence_.async_wait([self = shared_from_this()](const std::error_code& error) {
        if (error || self->connected_ || !self->handler_) return;
        self->tell(DriveUnreachable{
            self->options_.poller.serial,
            "it has no interface to be asked through and is not connected to the drive event "
            "channel"});
    });
}

DriveWatch::DriveWatch(asio::io_context& loop, DriveWatchOptions options,
                       std::unique_ptr<Transport> interface, Handler handler)
    : state_(std::make_shared<State>(loop, std::move(options), interface != nullptr,
                                     std::move(handler))) {
    state_->start(std::move(interface));
}
void DriveWatch::begin_to_stop() {
    state_->begin_to_stop();
}
DriveWatch::~DriveWatch() {
    state_->stop();
}

void DriveWatch::remember(const Reservation& recorded, HolderEvidence evidence) {
    state_->remember(recorded, evidence);
}
void DriveWatch::event(const events::DriveEvent& event, std::function<void()> settled) {
    state_->event(event, std::move(settled));
}
void DriveWatch::event_channel(bool connected) {
    state_->event_channel(connected);
}
void DriveWatch::look_now() {
    state_->look_now();
}
void DriveWatch::set_poll(Duration poll) {
    state_->set_poll(poll);
}
void DriveWatch::run(DriveJob job) {
    state_->run(std::move(job));
}
DriveWatch::Counters DriveWatch::counters() const {
    return state_->counters();
}
bool DriveWatch::is_polled() const {
    return state_->is_polled();
}
std::optional<DriveIdentity> DriveWatch::identity() const {
    return state_->identity();
}
std::optional<DriveCapabilities> DriveWatch::capabilities() const {
    return state_->capabilities();
}

}  // namespace drive_iface
