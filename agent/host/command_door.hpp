#pragma once

#include <functional>

#include "agent/host/command.hpp"

namespace agent::host {

// Where programs are run: on this host (command_runner.hpp), or on another one
// (agent/agentless/ssh_commands.hpp). One thread: the loop's.
class CommandDoor {
  public:
    using Done = std::function<void(CommandOutcome)>;

    virtual ~CommandDoor() = default;

    // `done` is called exactly once, from the loop, never before run() returns, and not at all when
    // the door is destroyed first.
    virtual void run(Command command, Done done) = 0;
};

}  // namespace agent::host
