#pragma once

// What stands at which address: docs/WEB.md.

#include <chrono>
#include <cstddef>
#include <memory>

#include "drive_iface/web/exchange_words.hpp"
#include "drive_iface/web/loop_questions.hpp"
#include "drive_iface/web/shown.hpp"

namespace drive_iface::web {

struct RouteLimits {
    std::size_t downloads_max = 4;              // at the same time; the next one is asked to wait
    std::chrono::milliseconds live_every{200};  // who asks sooner is told the same again
};

class Routes {
  public:
    // `questions` outlives it.
    Routes(LoopQuestions& questions, Shown shown, RouteLimits limits = {});
    ~Routes();
    Routes(const Routes&) = delete;
    Routes& operator=(const Routes&) = delete;

    // On a worker's thread; blocks until the event loop has answered. Never throws for what was
    // asked.
    [[nodiscard]] Answer answer(const Request& request);
    // On the loop: cartridges that are open for readers are closed.
    void close_all();

  private:
    class State;
    std::unique_ptr<State> state_;
};

}  // namespace drive_iface::web
