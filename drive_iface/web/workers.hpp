#pragma once

// A fixed number of threads for work that may block.

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace drive_iface::web {

class Workers {
  public:
    explicit Workers(std::size_t threads);
    ~Workers();  // as stop()
    Workers(const Workers&) = delete;
    Workers& operator=(const Workers&) = delete;

    // Done by the next thread that is free; how much may wait is the caller's to bound. Dropped
    // after stop().
    void take(std::function<void()> work);
    // Drops what waits, and returns when what was begun is done.
    void stop();

  private:
    void run();

    std::mutex mutex_;  // guards waiting_ and stopped_
    std::condition_variable changed_;
    std::deque<std::function<void()>> waiting_;
    bool stopped_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace drive_iface::web
