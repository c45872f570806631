#include "drive_iface/device/look_desk.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agent/core/errno_text.hpp"
#include "drive_iface/device/left_thread.hpp"
#include "drive_iface/device/turn_workers.hpp"

namespace drive_iface {

using agent::core::Error;
using agent::core::Outcome;
using agent::core::Result;

namespace {

using Clock = DeskGuest::Clock;

constexpr std::uint64_t the_bell = 0;  // in place of a seat: somebody has left word

// Owns a file descriptor.
class Descriptor {
  public:
    explicit Descriptor(int number) : number_(number) {}
    ~Descriptor() {
        if (number_ >= 0) ::close(number_);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    [[nodiscard]] int get() const { return number_; }

  private:
    int number_;
};

// poll(2) and epoll_ctl(2) have the same numbers for these.
static_assert(EPOLLIN == 1 && EPOLLOUT == 4 && EPOLLERR == 8 && EPOLLHUP == 16);

}  // namespace

// What others leave for the thread is below the mutex; the rest is the thread's.
class LookDesk::Core : public std::enable_shared_from_this<LookDesk::Core> {
  public:
    Core()
        : events_(::epoll_create1(EPOLL_CLOEXEC)),
          bell_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

    Outcome start();
    Seat join(std::shared_ptr<DeskGuest> guest);
    void wake(Seat seat);
    void close();

  private:
    enum class Doing : std::uint8_t { waits, asked, works };
    struct Drive {
        std::shared_ptr<DeskGuest> guest;
        Doing doing = Doing::waits;
        Clock::time_point at{};  // when it is due, or when the time of its command is up
    };
    struct Word {  // of one seat
        Seat seat = 0;
        std::shared_ptr<DeskGuest> joins{};
        bool has_worked = false;
        bool leaves = false;
    };

    void run();
    void leave_word(Word word);
    bool read_words();
    void take(Word word);
    void take_replies(int count);
    void take_what_is_due(Clock::time_point now);
    void go_on(Seat seat, Drive& drive, DeskGuest::Next next);
    void await_reply(Seat seat, Drive& drive);
    void hand_over(Seat seat, Drive& drive);
    void set_time(Seat seat, Drive& drive, Clock::time_point at);
    [[nodiscard]] int ms_to_wait() const;

    Descriptor events_;
    Descriptor bell_;
    std::array<epoll_event, 64> ready_{};
    std::map<Seat, Drive> drives_;
    std::set<std::pair<Clock::time_point, Seat>> times_;  // of those that do not work
    TurnWorkers workers_;

    std::mutex mutex_;
    std::vector<Word> words_;
    Seat newest_seat_ = the_bell;
    bool closing_ = false;
};

// ---- others' side

Outcome LookDesk::Core::start() {
    const auto trouble = [](const char* what, int error) {
        return Error{std::string("no desk for looks at drives: ") + what + ": " +
                     agent::core::errno_text(error)};
    };
    epoll_event bell{};
    bell.events = EPOLLIN;
    bell.data.u64 = the_bell;
    if (events_.get() < 0 || bell_.get() < 0 ||
        ::epoll_ctl(events_.get(), EPOLL_CTL_ADD, bell_.get(), &bell) != 0) {
        return trouble("epoll", errno);
    }
    const int error = leave_to_thread([core = shared_from_this()] { core->run(); });
    if (error != 0) return trouble("thread", error);
    return agent::core::Nothing{};
}

LookDesk::Seat LookDesk::Core::join(std::shared_ptr<DeskGuest> guest) {
    Seat seat = 0;
    {
        const std::lock_guard lock(mutex_);
        seat = ++newest_seat_;
    }
    leave_word({.seat = seat, .joins = std::move(guest)});
    return seat;
}

void LookDesk::Core::wake(Seat seat) {
    leave_word({.seat = seat});
}

void LookDesk::Core::close() {
    {
        const std::lock_guard lock(mutex_);
        closing_ = true;
    }
    leave_word({});
}

void LookDesk::Core::leave_word(Word word) {
    {
        const std::lock_guard lock(mutex_);
        words_.push_back(std::move(word));
        if (words_.size() > 1) return;  // the bell was rung for the first of them
    }
    ::eventfd_write(bell_.get(), 1);
}

// ---- the thread

void LookDesk::Core::run() {
    for (;;) {
        const int count = ::epoll_wait(events_.get(), ready_.data(),
                                       static_cast<int>(ready_.size()), ms_to_wait());
        take_replies(std::max(count, 0));
        if (!read_words()) break;
        const auto now = Clock::now();
        take_what_is_due(now);
        workers_.tend(now);
    }
    times_.clear();
    drives_.clear();
}

int LookDesk::Core::ms_to_wait() const {
    constexpr std::int64_t a_minute = 60'000;
    auto until = workers_.tend_at();
    if (!times_.empty() && (!until || times_.begin()->first < *until))
        until = times_.begin()->first;
    if (!until) return -1;
    const auto now = Clock::now();
    if (*until <= now) return 0;
    // Further away than a duration can tell: never.
    if (*until - now > std::chrono::milliseconds(a_minute)) return a_minute;
    return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(*until - now).count());
}

// False: the desk is closed.
bool LookDesk::Core::read_words() {
    std::vector<Word> words;
    {
        const std::lock_guard lock(mutex_);
        if (closing_) return false;
        if (words_.empty()) return true;
        words.swap(words_);
        eventfd_t rung = 0;
        ::eventfd_read(bell_.get(), &rung);
    }
    for (auto& word : words)
        take(std::move(word));
    return true;
}

void LookDesk::Core::take(Word word) {
    if (word.joins) drives_[word.seat].guest = std::move(word.joins);
    const auto found = drives_.find(word.seat);
    if (found == drives_.end()) return;
    Drive& drive = found->second;
    if (word.leaves) {
        drives_.erase(found);
        return;
    }
    if (word.has_worked) drive.doing = Doing::waits;
    if (drive.doing == Doing::asked && drive.guest->is_stopping()) {
        static_cast<void>(drive.guest->path().give_up(drive.guest->patience()));
        hand_over(word.seat, drive);
    }
    if (drive.doing == Doing::waits) set_time(word.seat, drive, drive.guest->due());
}

void LookDesk::Core::take_replies(int count) {
    for (int i = 0; i < count; ++i) {
        const auto& event = ready_[static_cast<std::size_t>(i)];
        const auto found = drives_.find(event.data.u64);
        if (found == drives_.end() || found->second.doing != Doing::asked) continue;
        Drive& drive = found->second;
        auto reply = drive.guest->path().receive(static_cast<short>(event.events & 0xffU));
        if (reply) {
            go_on(found->first, drive, drive.guest->heard(std::move(*reply)));
        } else {
            await_reply(found->first, drive);
        }
    }
}

void LookDesk::Core::take_what_is_due(Clock::time_point now) {
    // As many as there are now: whoever is due again at once waits for the others' replies.
    for (auto left = times_.size(); left > 0; --left) {
        const auto [at, seat] = *times_.begin();
        if (at > now) return;
        Drive& drive = drives_.at(seat);
        if (drive.doing == Doing::asked) {
            auto why = drive.guest->path().give_up(drive.guest->patience());
            go_on(seat, drive, drive.guest->heard(std::move(why)));
        } else {
            go_on(seat, drive, drive.guest->begin());
        }
    }
}

void LookDesk::Core::go_on(Seat seat, Drive& drive, DeskGuest::Next next) {
    switch (next) {
        case DeskGuest::Next::asked:
            drive.doing = Doing::asked;
            set_time(seat, drive,
                     Clock::now() + std::chrono::milliseconds(drive.guest->patience().ms));
            return await_reply(seat, drive);
        case DeskGuest::Next::waits:
            drive.doing = Doing::waits;
            return set_time(seat, drive, drive.guest->due());
        case DeskGuest::Next::works:
            return hand_over(seat, drive);
    }
}

// Heard of once, so that nobody listens while a worker uses the connection. A connection that is
// closed has left the kernel's list by itself: the next one is new there, with the same number or
// not.
void LookDesk::Core::await_reply(Seat seat, Drive& drive) {
    OpenPath& path = drive.guest->path();
    epoll_event event{};
    event.events = static_cast<std::uint32_t>(path.events()) | EPOLLONESHOT;
    event.data.u64 = seat;
    const int descriptor = path.descriptor();
    if (::epoll_ctl(events_.get(), EPOLL_CTL_MOD, descriptor, &event) == 0) return;
    if (errno == ENOENT && ::epoll_ctl(events_.get(), EPOLL_CTL_ADD, descriptor, &event) == 0)
        return;
    // No memory for it: a worker can ask without.
    auto why = path.give_up(drive.guest->patience());
    go_on(seat, drive, drive.guest->heard(std::move(why)));
}

void LookDesk::Core::hand_over(Seat seat, Drive& drive) {
    times_.erase({drive.at, seat});
    drive.doing = Doing::works;
    workers_.run([core = weak_from_this(), guest = drive.guest, seat] {
        const bool stays = guest->work();
        if (const auto there = core.lock())
            there->leave_word({.seat = seat, .has_worked = true, .leaves = !stays});
    });
}

void LookDesk::Core::set_time(Seat seat, Drive& drive, Clock::time_point at) {
    times_.erase({drive.at, seat});
    drive.at = at;
    times_.insert({at, seat});
}

// ---- the class as others see it

Result<std::shared_ptr<LookDesk>> LookDesk::open() {
    auto core = std::make_shared<Core>();
    if (const auto started = core->start(); !started) return started.error();
    return std::shared_ptr<LookDesk>(new LookDesk(std::move(core)));
}

LookDesk::~LookDesk() {
    core_->close();
}

LookDesk::Seat LookDesk::join(std::shared_ptr<DeskGuest> guest) {
    return core_->join(std::move(guest));
}

void LookDesk::wake(Seat seat) {
    core_->wake(seat);
}

}  // namespace drive_iface
