#pragma once

// Orders on their way from the event loop to the thread that carries them out, and what that thread
// has to say on its way back: the part that every DatabaseDoor has. put() and the end of this
// belong to the loop's thread, take() to the other one; the rest may be called from either.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/message_catalogue.hpp"
#include "agent/pair/controller_node_io.hpp"

namespace asio {
class io_context;
}

namespace agent::postgres {

// For the event log, in the loop's thread.
using Tell = std::function<void(core::Message message, const std::vector<std::string>& arguments)>;

[[nodiscard]] bool stops(pair::Step step);
[[nodiscard]] bool stops_at_once(const pair::Order& order);

class OrderLine {
  public:
    using Answered = std::function<void(const pair::OrderAnswered&)>;
    struct Job {
        pair::Order order;
        Answered answered;
    };

    OrderLine(asio::io_context& loop, Tell tell) : loop_(loop), tell_(std::move(tell)) {}

    // One too many is answered "not done".
    void put(const pair::Order& order, Answered answered);
    // What waits is dropped, and the thread woken up: it is to end.
    void stop();

    // The next one; none: nothing came in time, or it is to end.
    [[nodiscard]] std::optional<Job> take(std::chrono::milliseconds within);

    [[nodiscard]] bool is_stopping() const { return stopping_; }
    // Has anything been ordered since the order of this number, or is all to end? An order that
    // stops the database; one that does so at once, which the end of all is not.
    [[nodiscard]] bool is_newer(std::uint64_t number) const {
        return stopping_ || newest_ > number;
    }
    [[nodiscard]] bool is_stop_newer(std::uint64_t number) const {
        return stopping_ || newest_stop_ > number;
    }
    [[nodiscard]] bool is_stop_at_once_newer(std::uint64_t number) const {
        return newest_stop_at_once_ > number;
    }

    // In the loop's thread, unless this has ended by then.
    void post(std::function<void()> what);
    void answer(Answered answered, const pair::OrderAnswered& with);
    void tell(core::Message message, std::vector<std::string> arguments);

  private:
    asio::io_context& loop_;
    Tell tell_;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
    std::mutex mutex_;  // guards the jobs
    std::condition_variable changed_;
    std::deque<Job> jobs_;
    std::atomic<bool> stopping_ = false;
    std::atomic<std::uint64_t> newest_{0};
    std::atomic<std::uint64_t> newest_stop_{0};
    std::atomic<std::uint64_t> newest_stop_at_once_{0};
};

}  // namespace agent::postgres
