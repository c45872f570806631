#include "agent/shell/command_runner.hpp"

#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "agent/shell/daemon_link.hpp"
#include "agent/shell/interruption.hpp"
#include "agent/shell/key_creation.hpp"
#include "agent/shell/view.hpp"

namespace agent::shell {

using nlohmann::json;
using runtime::ControlError;
using runtime::ControlErrorCode;
using runtime::ExitCode;

namespace {

bool terminal(std::FILE* stream) {
    return ::isatty(::fileno(stream)) != 0;
}

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

ExitCode report_error(const ControlError& error, const Request& request,
                      const Destination& destination, const Output& output) {
    const ExitCode code = runtime::exit_code(error.code);
    const std::string help = remedy(error, request, destination);
    if (request.options.json) {
        const json object = {{"error",
                              {{"code", static_cast<int>(error.code)},
                               {"message", error.message},
                               {"command", name_of(*request.command)},
                               {"socket", destination.socket},
                               {"help", help},
                               {"exit_status", runtime::number(code)}}}};
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
    print(output.results, request.options.json ? rendered_json(result, terminal(output.results))
                                               : rendered(request.command->view, result,
                                                          screen_of(::fileno(output.results))));
}

void show_event(const Request& request, const json& event, const Output& output) {
    print(output.results, request.options.json
                              ? rendered_json(event, false)
                              : rendered_event(event, screen_of(::fileno(output.results))));
    std::fflush(output.results);
}

// Until Ctrl-C, which is how it ends well, or until the daemon goes away.
ExitCode follow_events(const Request& request, const Destination& destination,
                       const Output& output) {
    constexpr core::Duration look_at_interruption{200};
    const InterruptionGuard guard;
    auto client = runtime::ControlClient::connect(destination.socket, request.options.timeout);
    if (!client) {
        return report_error({ControlErrorCode::no_connection, client.error().message}, request,
                            destination, output);
    }
    const auto subscribed = client.value().call(method_of(*request.command), params_of(request),
                                                request.options.timeout);
    if (const auto* error = std::get_if<ControlError>(&subscribed)) {
        return report_error(*error, request, destination, output);
    }
    if (terminal(output.results) && !request.options.json) {
        print(output.errors,
              "following the events on " + destination.socket + "; Ctrl-C ends it\n");
    }
    while (!InterruptionGuard::interrupted()) {
        const auto answer = client.value().next_event(look_at_interruption);
        if (const auto* event = std::get_if<json>(&answer)) {
            show_event(request, *event, output);
            continue;
        }
        const auto& error = std::get<ControlError>(answer);
        if (error.code != ControlErrorCode::busy) {
            return report_error(error, request, destination, output);
        }
    }
    return ExitCode::ok;
}

ExitCode create_key(const Request& request, const Output& output) {
    std::string file;
    bool passphrase = false;
    for (const Argument& argument : request.arguments) {
        if (argument.name == "file") file = std::get<std::string>(argument.value);
        if (argument.name == "passphrase_from_stdin") passphrase = std::get<bool>(argument.value);
    }
    const auto created =
        passphrase ? create_passphrase_file(file, STDIN_FILENO) : create_master_key_file(file);
    if (!created) {
        const std::string& message = created.error().message;
        const json object = {{"error", {{"message", message}, {"exit_status", 1}}}};
        print(output.errors, request.options.json ? rendered_json(object, false)
                                                  : "lractl: key create: " + message + "\n");
        return ExitCode::failure;
    }
    print(output.results, request.options.json ? rendered_json({{"file", file}}, false)
                                               : file + ": written, mode 0600\n");
    return ExitCode::ok;
}

}  // namespace

void print(std::FILE* stream, std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), stream);
}

ExitCode run_request(const Request& request, Daemon preferred, const Output& output) {
    if (request.command->served_by.front() == Daemon::none) return create_key(request, output);
    const Destination destination = destination_of(request, preferred);
    const std::string method = method_of(*request.command);
    if (method == "event.follow") return follow_events(request, destination, output);
    const auto answer =
        ask(destination.socket, method, params_of(request), request.options.timeout);
    if (const auto* error = std::get_if<ControlError>(&answer)) {
        return report_error(*error, request, destination, output);
    }
    const auto& result = std::get<json>(answer);
    show(request, result, output);
    // A check that came back with bad news: the command ran, and not all is as it should be.
    const bool as_wished = !result.is_object() || !result.contains("ok") || result["ok"] != false;
    return as_wished ? ExitCode::ok : ExitCode::state_differs;
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
