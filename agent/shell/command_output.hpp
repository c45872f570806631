#pragma once

// How the outcome of a command reaches people, or programs.

#include <cstdio>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "agent/runtime/exit_code.hpp"
#include "agent/shell/daemon_link.hpp"

namespace agent::shell {

// Where results and errors go, for people or for programs; the streams are borrowed.
struct Output {
    std::FILE* results = stdout;
    std::FILE* errors = stderr;
};

[[nodiscard]] bool terminal(std::FILE* stream);

void show(const Request& request, const nlohmann::json& result, const Output& output);

// Says what went wrong and what helps; returns the exit status that goes with it.
[[nodiscard]] runtime::ExitCode report_error(const runtime::ControlError& error,
                                             const Request& request, const Destination& destination,
                                             const Output& output);

// A usage error, with "lractl: " in front or as JSON.
[[nodiscard]] runtime::ExitCode report_usage(const UsageError& error, bool json,
                                             const Output& output);

void print(std::FILE* stream, std::string_view text);

}  // namespace agent::shell
