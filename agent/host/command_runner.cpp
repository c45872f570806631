#include "agent/host/command_runner.hpp"

#include <csignal>

#include <algorithm>
#include <utility>

#include "agent/host/running_command.hpp"

namespace agent::host {

CommandRunner::CommandRunner(asio::io_context& loop) : loop_(loop) {
    // Whoever started us may have had SIGCHLD ignored; exit statuses would then be lost.
    struct sigaction current {};
    if (sigaction(SIGCHLD, nullptr, &current) == 0 && current.sa_handler == SIG_IGN) {
        current.sa_handler = SIG_DFL;
        sigaction(SIGCHLD, &current, nullptr);
    }
}

CommandRunner::~CommandRunner() {
    for (const auto& one : commands_) {
        if (const auto command = one.lock()) command->cancel();
    }
}

void CommandRunner::run(Command command, Done done) {
    std::erase_if(commands_, [](const auto& one) { return one.expired(); });
    const auto running =
        std::make_shared<RunningCommand>(loop_, std::move(command), std::move(done));
    commands_.push_back(running);
    running->start();
}

std::size_t CommandRunner::running() const {
    return static_cast<std::size_t>(std::count_if(commands_.begin(), commands_.end(),
                                                  [](const auto& one) { return !one.expired(); }));
}

}  // namespace agent::host
