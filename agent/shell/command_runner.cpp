#include "agent/shell/command_runner.hpp"

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "agent/shell/administrative_data.hpp"
#include "agent/shell/command_output.hpp"
#include "agent/shell/daemon_link.hpp"
#include "agent/shell/interruption.hpp"
#include "agent/shell/job_progress.hpp"
#include "agent/shell/key_creation.hpp"
#include "agent/shell/mount_progress.hpp"
#include "agent/shell/session_following.hpp"
#include "agent/shell/support_bundle.hpp"
#include "agent/shell/view.hpp"

namespace agent::shell {

using nlohmann::json;
using runtime::ControlError;
using runtime::ControlErrorCode;
using runtime::ExitCode;

namespace {

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

ExitCode own_failure(const Request& request, const std::string& what, const std::string& message,
                     const Output& output) {
    const json object = {{"error", {{"message", message}, {"exit_status", 1}}}};
    print(output.errors, request.options.json ? rendered_json(object, false)
                                              : "lractl: " + what + ": " + message + "\n");
    return ExitCode::failure;
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
    if (!created) return own_failure(request, "key create", created.error().message, output);
    print(output.results, request.options.json ? rendered_json({{"file", file}}, false)
                                               : file + ": written, mode 0600\n");
    return ExitCode::ok;
}

ExitCode bundle_up(const Request& request, const Output& output) {
    BundleRequest wanted;
    wanted.timeout = request.options.timeout;
    for (const Argument& argument : request.arguments) {
        const std::string& text = std::get<std::string>(argument.value);
        if (argument.name == "file") wanted.file = text;
        if (argument.name == "configuration") wanted.configuration = text;
        if (argument.name == "sockets") wanted.sockets = text;
    }
    const auto made = make_support_bundle(wanted);
    if (!made) return own_failure(request, "support bundle", made.error().message, output);
    if (request.options.json) {
        print(output.results,
              rendered_json(
                  {{"file", wanted.file}, {"files", made->files}, {"problems", made->problems}},
                  false));
        return ExitCode::ok;
    }
    std::string text =
        wanted.file + ": written, mode 0600, " + std::to_string(made->files.size()) + " files\n";
    for (const std::string& problem : made->problems)
        text += "  left out: " + problem + "\n";
    print(output.results,
          text + "It names hosts, ports and drives: look into it before you send it.\n");
    return ExitCode::ok;
}

}  // namespace

ExitCode run_request(const Request& request, Daemon preferred, const Output& output) {
    if (request.command->served_by.front() == Daemon::none) {
        return request.command->noun == "support" ? bundle_up(request, output)
                                                  : create_key(request, output);
    }
    const Destination destination = destination_of(request, preferred);
    const std::string method = method_of(*request.command);
    if (method == "event.follow") return follow_events(request, destination, output);
    if (method == "session.follow") return follow_write_sessions(request, destination, output);
    const auto answer =
        method == "library.fetch" ? fetch_administrative_data(request, destination.socket)
        : method == "volume.mount" || method == "volume.unmount"
            ? ask_for_mount(request, destination.socket, output)
        : is_long_job(method)
            ? ask_with_progress(request, destination.socket, output)
            : ask(destination.socket, method, params_of(request), request.options.timeout);
    if (const auto* error = std::get_if<ControlError>(&answer)) {
        return report_error(*error, request, destination, output);
    }
    const auto& result = std::get<json>(answer);
    show(request, result, output);
    // A check that came back with bad news: the command ran, and not all is as it should be.
    const auto is_false = [&](const char* key) {
        return result.is_object() && result.contains(key) && result[key] == false;
    };
    const bool as_wished = !is_false("ok") && !is_false("sound");
    return as_wished ? ExitCode::ok : ExitCode::state_differs;
}

}  // namespace agent::shell
