#pragma once

#include <functional>

#include "agent/core/drive_sharing_agent_io.hpp"

namespace agent::host {

// The door to a backup application: real programs (command_application_runner.hpp), or a test's
// own.
class ApplicationRunner {
  public:
    using Answered = std::function<void(const core::ApplicationAnswered&)>;

    virtual ~ApplicationRunner() = default;

    // `answered` is called exactly once, from the event loop, never before run() returns.
    virtual void run(const core::DriveSerial& drive, core::ApplicationAction action,
                     Answered answered) = 0;
};

}  // namespace agent::host
