#include "agent/postgres/server_programs.hpp"

#include <asio/io_context.hpp>
#include <chrono>
#include <optional>

#include "agent/host/command_runner.hpp"
#include "agent/postgres/server_process.hpp"

namespace agent::postgres {

using core::Duration;
using core::Error;
using core::Result;

std::string complaint_in(const std::string& text) {
    std::string last;
    std::string worst;
    for (std::size_t at = 0; at < text.size();) {
        const auto end = std::min(text.find('\n', at), text.size());
        const std::string line = text.substr(at, end - at);
        at = end + 1;
        if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
        last = line;
        const bool complains = line.find("error:") != std::string::npos ||
                               line.find("fatal:") != std::string::npos ||
                               line.find("FATAL:") != std::string::npos;
        if (complains && worst.empty()) worst = line;
    }
    return (worst.empty() ? last : worst).substr(0, 400);
}

Result<std::string> ServerPrograms::run(std::vector<std::string> words, Duration within,
                                        const Interrupted& interrupted) const {
    const std::string name = words.front();
    host::Command command;
    // One that works on alone would write into what is made anew after it.
    command.argv = words_before(folder_.owner(), "KILL");
    words.front() = programs_ + "/" + name;
    command.argv.insert(command.argv.end(), words.begin(), words.end());
    command.environment = {"PATH=" + programs_ + ":/usr/bin:/bin", "LC_ALL=C", "TZ=UTC",
                           "PGPASSFILE=" + folder_.paths().password, "PGCONNECT_TIMEOUT=5"};
    command.timeout = within;

    asio::io_context loop;
    host::CommandRunner runner(loop);
    std::optional<host::CommandOutcome> outcome;
    runner.run(std::move(command), [&](host::CommandOutcome ended) { outcome = std::move(ended); });
    while (!outcome) {
        loop.run_one_for(std::chrono::milliseconds(50));
        if (!outcome && interrupted && interrupted()) return Error{name + ": given up"};
    }
    const bool good =
        outcome->end == host::CommandOutcome::End::exited && outcome->exit_status == 0;
    if (good) return outcome->output;
    const auto complaint = complaint_in(outcome->error_output);
    return Error{name + ": " + host::describe(*outcome) +
                 (complaint.empty() ? "" : ": " + complaint)};
}

Result<std::string> ServerPrograms::version() const {
    const auto printed = run({"postgres", "--version"}, {10'000});
    if (!printed) return printed.error();
    // "postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)"
    const auto begin = printed->find_first_of("0123456789");
    if (begin == std::string::npos) return Error{"postgres --version says " + one_line(*printed)};
    const auto end = printed->find_first_not_of("0123456789", begin);
    return printed->substr(begin, end - begin);
}

Result<std::string> ServerPrograms::control_report() const {
    return run({"pg_controldata", "-D", folder_.paths().data}, {10'000});
}

}  // namespace agent::postgres
