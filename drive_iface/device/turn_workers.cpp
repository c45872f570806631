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

constexpr std::size_t few = 4;                               // that are started without being stuck
constexpr auto stuck_after = std::chrono::milliseconds(20);  // without one turn begun
constexpr auto idle_for = std::chrono::seconds(2);

}  // namespace

class TurnWorkers::Room : public std::enable_shared_from_this<TurnWorkers::Room> {
  public:
    void run(std::function<void()> turn) {
        const std::lock_guard lock(mutex_);
        if (turns_.empty()) moved_at_ = Clock::now();
        turns_.push_back(std::move(turn));
        if (idle_ >= turns_.size())
            changed_.notify_one();
        else if (workers_ < few)
            start_one();
    }
    std::optional<Clock::time_point> tend_at() {
        const std::lock_guard lock(mutex_);
        if (turns_.empty()) return std::nullopt;
        return moved_at_ + stuck_after;
    }
    // Twice as many each time: a rack of dead drives is got out of the way in a few steps.
    void tend(Clock::time_point now) {
        const std::lock_guard lock(mutex_);
        if (turns_.empty() || now - moved_at_ < stuck_after) return;
        moved_at_ = now;
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
        auto turn = std::move(turns_.front());
        turns_.pop_front();
        moved_at_ = Clock::now();
        return turn;
    }

    std::mutex mutex_;  // guards all of it
    std::condition_variable changed_;
    std::deque<std::function<void()>> turns_;
    std::size_t workers_ = 0;
    std::size_t idle_ = 0;          // of them
    Clock::time_point moved_at_{};  // when a turn was begun last, or came to an empty room
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
