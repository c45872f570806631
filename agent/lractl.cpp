// Field-service shell and command line for the control sockets: composes agent/shell, decides
// nothing.

#include <algorithm>
#include <clocale>
#include <cstdlib>
#include <string>
#include <vector>

#include "agent/runtime/clock.hpp"
#include "agent/runtime/program_options.hpp"
#include "agent/shell/command_line.hpp"
#include "agent/shell/command_runner.hpp"
#include "agent/shell/command_script.hpp"
#include "agent/shell/daemon_names.hpp"
#include "agent/shell/interactive_shell.hpp"
#include "agent/shell/shell_completion.hpp"

namespace {

using agent::runtime::ExitCode;
namespace shell = agent::shell;

ExitCode run(const shell::CommandLine& line, bool json_for_errors) {
    const shell::Output output;
    struct Visitor {
        const shell::Output& output;
        bool json;
        ExitCode operator()(const shell::Request& request) const {
            return run_request(request, shell::Daemon::none, output);
        }
        ExitCode operator()(const shell::ShellWanted& wanted) const {
            return run_shell(wanted.options, output);
        }
        ExitCode operator()(const shell::ScriptWanted& wanted) const {
            return run_script(wanted.file, wanted.options, output);
        }
        ExitCode operator()(const shell::TextWanted& wanted) const {
            shell::print(output.results, wanted.text);
            return ExitCode::ok;
        }
        ExitCode operator()(const shell::CompletionWanted& wanted) const {
            const auto completion =
                shell::complete_arguments(wanted.line, wanted.options, shell::names_at_once);
            for (const std::string& candidate : completion.candidates)
                shell::print(output.results, candidate + "\n");
            return ExitCode::ok;
        }
        ExitCode operator()(const shell::UsageError& error) const {
            return report_usage(error, json, output);
        }
    };
    return std::visit(Visitor{output, json_for_errors}, line);
}

ExitCode body(int argc, char** argv) {
    // libedit counts characters, not bytes. No other thread is there yet.
    std::setlocale(LC_CTYPE, "");  // NOLINT(concurrency-mt-unsafe)
    const std::vector<std::string> words(argv + 1, argv + argc);
    shell::GlobalOptions defaults;
    if (const char* socket = std::getenv("LRACTL_SOCKET")) defaults.socket = socket;
    const bool json = std::find(words.begin(), words.end(), "--json") != words.end();
    return run(shell::parse_command_line(words, defaults, shell::WordSource::program_arguments,
                                         agent::runtime::clock_now().wall),
               json);
}

}  // namespace

int main(int argc, char** argv) {
    return agent::runtime::run_program(body, argc, argv);
}
