#include "agent/shell/command_script.hpp"

#include <cerrno>
#include <fstream>
#include <iostream>

#include "agent/core/errno_text.hpp"
#include "agent/runtime/clock.hpp"
#include "agent/shell/command_words.hpp"

namespace agent::shell {

using runtime::ExitCode;

namespace {

ExitCode run_words(const std::vector<std::string>& words, const GlobalOptions& options,
                   const Output& output) {
    const CommandLine line =
        parse_command_line(words, options, WordSource::line, runtime::clock_now().wall);
    if (const auto* request = std::get_if<Request>(&line)) {
        return run_request(*request, Daemon::none, output);
    }
    if (const auto* text = std::get_if<TextWanted>(&line)) {
        print(output.results, text->text);
        return ExitCode::ok;
    }
    if (const auto* error = std::get_if<UsageError>(&line)) {
        return report_usage(*error, options.json, output);
    }
    return report_usage({"a command is missing: NOUN VERB"}, options.json, output);
}

ExitCode run_lines(std::istream& lines, const std::string& name, const GlobalOptions& options,
                   const Output& output) {
    std::string line;
    for (std::size_t number = 1; std::getline(lines, line); ++number) {
        const auto words = command_words(line);
        ExitCode code = ExitCode::ok;
        if (!words) {
            code = report_usage({words.error().message}, options.json, output);
        } else if (!words->empty()) {
            code = run_words(*words, options, output);
        }
        if (code != ExitCode::ok) {
            print(output.errors, "lractl: " + name + ":" + std::to_string(number) +
                                     ": stopped here, exit status " +
                                     std::to_string(runtime::number(code)) + "\n");
            return code;
        }
        std::fflush(output.results);
    }
    if (!lines.bad()) return ExitCode::ok;
    print(output.errors, "lractl: " + name + ": can not be read\n");
    return ExitCode::failure;
}

}  // namespace

ExitCode run_script(const std::string& file, const GlobalOptions& options, const Output& output) {
    if (file == "-") return run_lines(std::cin, "standard input", options, output);
    std::ifstream lines(file);
    if (!lines) {
        print(output.errors, "lractl: " + file + ": " + core::errno_text(errno) + "\n");
        return ExitCode::failure;
    }
    return run_lines(lines, file, options, output);
}

}  // namespace agent::shell
