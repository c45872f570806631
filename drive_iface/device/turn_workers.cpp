#include "drive_iface/device/turn_workers.hpp"

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <utility>

#include "drive_iface/device/left_thread.hpp"

namespace drive_iface {

namespace {

constexpr std::size_t few = 4;  // that are started before anybody has waited
constexpr auto long_wait = std::chrono::milliseconds(20);  // of a turn, before it begins
constexpr auto idle_for = std::chrono::seconds(2);

}  // namespace

class TurnWorkers::Room : public std::enable_shared_from_this<TurnWorkers::Room> {
  public:
    void run(std::function<void()> turn) {
        const std::lock_guard lock(mutex_);
        turns_.push_back({std::move(turn), Clock::now()});
        if (idle_ >= turns_.size()) {
            changed_.notify_one();
        } else if (workers_ < few) {
            start_one();
        }
    }
    std::optional<Clock::time_point> tend_at() {
        const std::lock_guard lock(mutex_);
        if (turns_.empty()) return std::nullopt;
        return late_at();
    }
    // Twice as many each time: a rack of dead drives is got out of the way in a few steps.
    void tend(Clock::time_point now) {
        const std::lock_guard lock(mutex_);
        if (turns_.empty() || now < late_at()) return;
        helped_at_ = now;
        const auto more = std::min(turns_.size(), std::max<std::size_t>(workers_, 1));
        for (std::size_t i = 0; i < more; ++i)
            start_one();
    }
    void close() {
        const std::lock_guard lock(mutex_);
        closing_ = true;
        turns_.clear();
        changed_.notify_all();
    }

  private:
    struct Turn {
        std::function<void()> work;
        Clock::time_point since;  // it waits
    };

    // With the mutex held, and turns. Those that were started last get as long to show.
    [[nodiscard]] Clock::time_point late_at() const {
        return std::max(turns_.front().since, helped_at_) + long_wait;
    }
    // With the mutex held. Where no thread can be had, tend() tries again.
    void start_one() {
        if (leave_to_thread([room = shared_from_this()] { room->work(); }) != 0) return;
        ++workers_;
    }
    void work() {
        while (auto turn = next_turn())
            turn();
    }
    // Empty: nothing to do any more.
    std::function<void()> next_turn() {
        std::unique_lock lock(mutex_);
        ++idle_;
        changed_.wait_for(lock, idle_for, [this] { return closing_ || !turns_.empty(); });
        --idle_;
        if (turns_.empty()) {
            --workers_;
            return {};
        }
        auto turn = std::move(turns_.front().work);
        turns_.pop_front();
        return turn;
    }

    std::mutex mutex_;  // guards all of it
    std::condition_variable changed_;
    std::deque<Turn> turns_;
    std::size_t workers_ = 0;
    std::size_t idle_ = 0;           // of them
    Clock::time_point helped_at_{};  // when tend() started some last
    bool closing_ = false;
};

TurnWorkers::TurnWorkers() : room_(std::make_shared<Room>()) {}
TurnWorkers::~TurnWorkers() {
    room_->close();
}
void TurnWorkers::run(std::function<void()> turn) {
    room_->run(std::move(turn));
}
std::optional<TurnWorkers::Clock::time_point> TurnWorkers::tend_at() const {
    return room_->tend_at();
}
void TurnWorkers::tend(Clock::time_point now) {
    room_->tend(now);
}

}  // namespace drive_iface
