#pragma once

// Threads for what may have to wait for a drive: as many as are needed, and none when nothing is.
// A few work through what there is; when a turn has waited for its beginning too long, because they
// are stuck with drives that do not answer or have too many that are slow, others come, so that
// nobody waits for somebody else's drive for long.

#include <chrono>
#include <functional>
#include <memory>
#include <optional>

namespace drive_iface {

class TurnWorkers {
  public:
    using Clock = std::chrono::steady_clock;

    TurnWorkers();
    // Does not wait: whoever works ends when it has done with its turn. What has not begun never
    // does.
    ~TurnWorkers();
    TurnWorkers(const TurnWorkers&) = delete;
    TurnWorkers& operator=(const TurnWorkers&) = delete;

    // Runs it on one of the threads, after what was given before. Any thread.
    void run(std::function<void()> turn);

    // When to call tend(); nothing while nothing waits. Any thread, as tend().
    [[nodiscard]] std::optional<Clock::time_point> tend_at() const;
    // Starts threads when the oldest turn has waited too long for those that are there.
    void tend(Clock::time_point now);

  private:
    class Room;
    std::shared_ptr<Room> room_;  // shared with the threads, which may outlive this
};

}  // namespace drive_iface
