#pragma once

#include <memory>

namespace agent::shell {

// While it lives, Ctrl-C (SIGINT) is noted and does not end the program. Afterwards it does again
// what it did before. One thread; may be nested.
class InterruptionGuard {
  public:
    InterruptionGuard();
    ~InterruptionGuard();
    InterruptionGuard(const InterruptionGuard&) = delete;
    InterruptionGuard& operator=(const InterruptionGuard&) = delete;

    [[nodiscard]] static bool interrupted();
    static void forget();

  private:
    struct Before;
    std::unique_ptr<Before> before_;
};

}  // namespace agent::shell
