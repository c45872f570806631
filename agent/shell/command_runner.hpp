#pragma once

#include <cstdio>
#include <string_view>

#include "agent/runtime/exit_code.hpp"
#include "agent/shell/command_line.hpp"

namespace agent::shell {

// Where results and errors go, for people or for programs; the streams are borrowed.
struct Output {
    std::FILE* results = stdout;
    std::FILE* errors = stderr;
};

// Asks the daemon and shows what it says, or why there is no answer. `preferred` decides between
// daemons that serve the same command.
[[nodiscard]] runtime::ExitCode run_request(const Request& request, Daemon preferred,
                                            const Output& output);

// A usage error, with "lractl: " in front or as JSON.
[[nodiscard]] runtime::ExitCode report_usage(const UsageError& error, bool json,
                                             const Output& output);

void print(std::FILE* stream, std::string_view text);

}  // namespace agent::shell
