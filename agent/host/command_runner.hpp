#pragma once

#include <memory>
#include <vector>

#include "agent/host/command_door.hpp"

namespace asio {
class io_context;
}

namespace agent::host {

class RunningCommand;

// Runs programs without ever blocking the event loop. A program gets a process group of its own,
// /dev/null as stdin, / as working directory, no descriptor of ours, default signal dispositions.
// What it leaves behind in its group when it ends is killed, so that nothing works on after the
// answer. One thread: the loop's.
class CommandRunner final : public CommandDoor {
  public:
    explicit CommandRunner(asio::io_context& loop);
    // Kills what still runs; its callbacks are not called.
    ~CommandRunner() override;
    CommandRunner(const CommandRunner&) = delete;
    CommandRunner& operator=(const CommandRunner&) = delete;

    void run(Command command, Done done) override;

    // Includes programs that do not die of SIGKILL; nobody waits for those any more.
    [[nodiscard]] std::size_t running() const;

  private:
    asio::io_context& loop_;
    std::vector<std::weak_ptr<RunningCommand>> commands_;
};

}  // namespace agent::host
