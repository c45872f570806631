#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "agent/host/command.hpp"

namespace asio {
class io_context;
}

namespace agent::host {

class RunningCommand;

// Runs programs without ever blocking the event loop. A program gets a process group of its own,
// /dev/null as stdin, / as working directory, no descriptor of ours, default signal dispositions.
// What it leaves behind in its group when it ends is killed, so that nothing works on after the
// answer. One thread: the loop's.
class CommandRunner {
  public:
    using Done = std::function<void(CommandOutcome)>;

    explicit CommandRunner(asio::io_context& loop);
    // Kills what still runs; its callbacks are not called.
    ~CommandRunner();
    CommandRunner(const CommandRunner&) = delete;
    CommandRunner& operator=(const CommandRunner&) = delete;

    // `done` is called exactly once, from the loop, never before run() returns.
    void run(Command command, Done done);

    // Includes programs that do not die of SIGKILL; nobody waits for those any more.
    [[nodiscard]] std::size_t running() const;

  private:
    asio::io_context& loop_;
    std::vector<std::weak_ptr<RunningCommand>> commands_;
};

}  // namespace agent::host
