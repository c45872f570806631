#pragma once

// How many ssh clients run at a time, for all hosts together.

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>

namespace agent::agentless {

// A call waits for its turn; each that has begun gives its place back once. One thread: the loop's.
class SshSlots {
  public:
    explicit SshSlots(std::size_t running_max) : running_max_(running_max) {}

    // Held by a call from its begin to its end; giving it up lets the next one begin.
    class Slot {
      public:
        explicit Slot(SshSlots& slots) : slots_(&slots) {}
        ~Slot() { slots_->give_back(); }
        Slot(const Slot&) = delete;
        Slot& operator=(const Slot&) = delete;

      private:
        SshSlots* slots_;  // outlives its slots
    };
    using Begin = std::function<void(std::shared_ptr<Slot>)>;  // shared: stays with the callbacks

    // `begin` is called now, or when a slot is free; never after `alive` has expired. False, and
    // nothing happens: 1024 calls wait already.
    [[nodiscard]] bool enter(std::weak_ptr<int> alive, Begin begin);

    [[nodiscard]] std::size_t running() const { return running_; }
    [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }

  private:
    struct Waiting {
        std::weak_ptr<int> alive;
        Begin begin;
    };
    void give_back();
    void begin_next();

    std::size_t running_max_;
    std::size_t running_ = 0;
    std::deque<Waiting> waiting_;
};

}  // namespace agent::agentless
