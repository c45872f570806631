#pragma once

// The command line that every daemon has: --config FILE --check-config --print-schema --version
// --help.

#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "agent/runtime/configuration.hpp"
#include "agent/runtime/exit_code.hpp"

namespace agent::runtime {

// A question on the command line that only one program answers: it prints and ends.
struct ProgramQuestion {
    std::string option;      // "--print-profile"
    std::string value_name;  // "NAME"; empty: the option has no value
    std::string help;
    std::function<ExitCode(const std::string& configuration_file, const std::string& value)> answer;
};

struct ProgramDescription {
    std::string name;                   // "lrad"
    std::string purpose;                // one sentence for --help
    std::string default_configuration;  // "/etc/lra/lrad.json"
    const ConfigurationSchema* schema = nullptr;
    std::vector<ProgramQuestion> questions;
    // Before and behind the name of an instance (--instance): "/etc/lra/dsad-" and ".json". Empty:
    // there is one of it on a host.
    std::string instance_configuration_begins;
    std::string instance_configuration_ends;
};

struct ProgramOptions {
    std::string configuration_file;
    bool check_only = false;  // --check-config: read the configuration, say what is wrong, end
};

// Either what to do, or how to end: --help, --version and --print-schema are answered on stdout,
// mistakes on stderr.
[[nodiscard]] std::variant<ProgramOptions, ExitCode> read_program_options(
    int argc, const char* const* argv, const ProgramDescription& description);

// Prints every error to stderr, one a line, and answers ExitCode::configuration.
[[nodiscard]] ExitCode report(const ConfigurationErrors& errors);

// What --check-config says when all is well ("FILE: the configuration is valid"), on stdout.
[[nodiscard]] ExitCode report_valid(const std::string& file);

// Runs `body` and turns what it throws (memory, bugs) into a line on stderr and ExitCode::failure:
// the last line of every main().
[[nodiscard]] int run_program(ExitCode (*body)(int argc, char** argv), int argc, char** argv);

}  // namespace agent::runtime
