#include "agent/shell/command_output.hpp"

#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "agent/shell/screen.hpp"
#include "agent/shell/view.hpp"

namespace agent::shell {

using nlohmann::json;
using runtime::ControlError;
using runtime::ExitCode;

namespace {

std::string name_of(const Command& command) {
    return std::string{command.noun} + " " + std::string{command.verb};
}

// For people at a terminal in lines that fit; elsewhere a message stays in one line, so that it can
// be searched for.
std::string error_lines(std::string_view text, std::size_t indent, const Output& output) {
    if (terminal(output.errors)) {
        return paragraph(printable(text), indent, screen_of(::fileno(output.errors)));
    }
    return std::string(indent, ' ') + printable(text) + "\n";
}

// The first line of a message says what is wrong, the others, indented, what would be right.
std::string usage_text(std::string_view message, const Output& output) {
    std::size_t end = std::min(message.find('\n'), message.size());
    std::string text = error_lines("lractl: " + std::string{message.substr(0, end)}, 0, output);
    while (end < message.size()) {
        message.remove_prefix(end + 1);
        end = std::min(message.find('\n'), message.size());
        text += error_lines(message.substr(0, end), 2, output);
    }
    return text;
}

}  // namespace

bool terminal(std::FILE* stream) {
    return ::isatty(::fileno(stream)) != 0;
}

ExitCode report_error(const ControlError& error, const Request& request,
                      const Destination& destination, const Output& output) {
    const ExitCode code = runtime::exit_code(error.code);
    const std::string help = remedy(error, request, destination);
    if (request.options.json) {
        json object = {{"error",
                        {{"code", static_cast<int>(error.code)},
                         {"message", error.message},
                         {"command", name_of(*request.command)},
                         {"socket", destination.socket},
                         {"help", help},
                         {"exit_status", runtime::number(code)}}}};
        const json data = json::parse(error.data, nullptr, false);
        if (!data.is_discarded()) object["error"]["data"] = data;
        print(output.errors, rendered_json(object, terminal(output.errors)));
        return code;
    }
    std::string text = "lractl: " + name_of(*request.command) + ": ";
    if (error.message.find(destination.socket) == std::string::npos) {
        text += destination.socket + ": ";
    }
    print(output.errors, error_lines(text + error.message, 0, output));
    if (!help.empty()) print(output.errors, error_lines(help, 2, output));
    return code;
}

void show(const Request& request, const json& result, const Output& output) {
    if (request.options.json)
        return print(output.results, rendered_json(result, terminal(output.results)));
    print(output.results,
          rendered(request.command->view, result, screen_of(::fileno(output.results))));
    // Facts have it among the others.
    const bool elsewhere = result.is_object() && result.contains("answered_by") &&
                           result["answered_by"].is_string() &&
                           request.command->view != View::facts;
    if (elsewhere) {
        print(output.results, "answered by controller " +
                                  printable(result["answered_by"].get<std::string>()) + "\n");
    }
}

void print(std::FILE* stream, std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), stream);
}

ExitCode report_usage(const UsageError& error, bool json_wanted, const Output& output) {
    if (json_wanted) {
        const json object = {{"error", {{"message", error.message}, {"exit_status", 2}}}};
        print(output.errors, rendered_json(object, terminal(output.errors)));
    } else {
        print(output.errors, usage_text(error.message, output));
    }
    return ExitCode::usage;
}

}  // namespace agent::shell
