#pragma once

// Workers ask, the event loop answers: what belongs to the loop's thread is touched there only, and
// nobody waits for ever.

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

namespace asio {
class io_context;
}

namespace drive_iface::web {

class LoopQuestions {
  public:
    // Called on the loop until it is true, each time progress() is called and every few
    // milliseconds. Lives and ends on the loop.
    using Attempt = std::function<bool()>;

    LoopQuestions(asio::io_context& loop, std::chrono::milliseconds patience);
    ~LoopQuestions();  // as stop()
    LoopQuestions(const LoopQuestions&) = delete;
    LoopQuestions& operator=(const LoopQuestions&) = delete;

    // From a worker: what `attempt` returns at last, on the loop. Nothing: not in time, too much is
    // waiting already, or the end of the program.
    template <typename Value>
    [[nodiscard]] std::optional<Value> ask(std::function<std::optional<Value>()> attempt) {
        auto value = std::make_shared<std::optional<Value>>();
        const bool answered = wait_for([value, attempt = std::move(attempt)] {
            *value = attempt();
            return value->has_value();
        });
        // When it was not answered the loop may be writing it this very moment.
        return answered ? std::move(*value) : std::nullopt;
    }
    // From a worker: on the loop, soon; dropped at the end of the program.
    void tell(std::function<void()> message);

    // On the loop: what was waited for may have come.
    void progress();
    // On the loop: who waits gets nothing, now and from now on.
    void stop();

  private:
    class State;
    bool wait_for(Attempt attempt);
    std::shared_ptr<State> state_;  // shared with what is posted to the loop
};

}  // namespace drive_iface::web
