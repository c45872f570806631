#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace agent::mounts {

// One thread that does one job after the other.
class Worker {
  public:
    explicit Worker(std::size_t jobs_max) : jobs_max_(jobs_max), thread_([this] { work(); }) {}
    // Drops what waits and waits for the job under way.
    ~Worker();
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    // false: too many wait already, or stop() was called. Any thread.
    [[nodiscard]] bool post(std::function<void()> job);
    // Nothing further is begun. Any thread.
    void stop();

  private:
    void work();

    std::size_t jobs_max_;
    std::mutex mutex_;  // guards what is below
    std::condition_variable changed_;
    std::deque<std::function<void()>> jobs_;
    bool stopping_ = false;
    std::thread thread_;  // last: it uses the others
};

}  // namespace agent::mounts
