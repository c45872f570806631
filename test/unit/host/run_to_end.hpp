#pragma once

// Runs one program to its end on an event loop of its own, as tests need it.

#include <chrono>
#include <optional>

#include <asio/io_context.hpp>

#include "agent/host/application_profile.hpp"
#include "agent/host/command_runner.hpp"

namespace agent::host {

inline CommandOutcome run_to_end(Command command) {
    asio::io_context loop;
    CommandRunner runner(loop);
    std::optional<CommandOutcome> ended;
    runner.run(std::move(command), [&](CommandOutcome outcome) { ended = std::move(outcome); });
    loop.run_for(std::chrono::seconds(30));
    return ended ? std::move(*ended) : CommandOutcome{.why = "the callback was never called"};
}

inline Command command_of(std::vector<std::string> argv) {
    Command command;
    command.argv = std::move(argv);
    command.environment = default_environment();
    command.timeout = {10'000};
    return command;
}

}  // namespace agent::host
