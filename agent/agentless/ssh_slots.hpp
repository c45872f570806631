#pragma once

// How many ssh clients run at a time, for all hosts together and for one of them.

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

namespace agent::agentless {

// A call waits for its turn; each that has begun gives its place back once. One thread: the loop's.
class SshSlots {
  public:
    SshSlots(std::size_t running_max, std::size_t of_one_host_max)
        : running_max_(running_max), of_one_host_max_(of_one_host_max) {}

    // Held by a call from its begin to its end; giving it up lets the next one begin.
    class Slot {
      public:
        Slot(SshSlots& slots, std::string host) : slots_(&slots), host_(std::move(host)) {}
        ~Slot() { slots_->give_back(host_); }
        Slot(const Slot&) = delete;
        Slot& operator=(const Slot&) = delete;

      private:
        SshSlots* slots_;  // outlives its slots
        std::string host_;
    };
    using Begin = std::function<void(std::shared_ptr<Slot>)>;  // shared: stays with the callbacks

    // `host` is its address and port. `begin` is called now, or when a slot is free and few enough
    // run on `host`, those of one host in turn; never after `alive` has expired. False, and nothing
    // happens: 1024 calls wait already.
    [[nodiscard]] bool enter(std::weak_ptr<int> alive, std::string host, Begin begin);

    [[nodiscard]] std::size_t running() const { return running_; }
    [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }

  private:
    struct Waiting {
        std::weak_ptr<int> alive;
        std::string host;
        Begin begin;
    };
    void give_back(const std::string& host);
    [[nodiscard]] std::deque<Waiting>::iterator next_that_may();
    void begin_next();

    std::size_t running_max_;
    std::size_t of_one_host_max_;
    std::size_t running_ = 0;
    std::map<std::string, std::size_t> of_host_;  // that run there
    std::deque<Waiting> waiting_;
};

}  // namespace agent::agentless
