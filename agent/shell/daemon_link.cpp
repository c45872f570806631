#include "agent/shell/daemon_link.hpp"

#include <unistd.h>

#include <cerrno>

#include <nlohmann/json.hpp>

namespace agent::shell {

using nlohmann::json;
using runtime::ControlAnswer;
using runtime::ControlError;
using runtime::ControlErrorCode;

Destination destination_of(const Request& request, Daemon preferred) {
    if (!request.options.socket.empty()) {
        return {request.command->served_by.front(), request.options.socket};
    }
    if (serves(preferred, *request.command)) return {preferred, default_socket(preferred)};
    for (const Daemon daemon : request.command->served_by) {
        if (daemon == Daemon::none) continue;
        std::string socket = default_socket(daemon);
        if (::access(socket.c_str(), F_OK) == 0) return {daemon, std::move(socket)};
    }
    const Daemon first = request.command->served_by.front();
    return {first, default_socket(first)};
}

json params_of(const Request& request) {
    json params = json::object();
    for (const Argument& argument : request.arguments) {
        std::visit([&](const auto& value) { params[std::string{argument.name}] = value; },
                   argument.value);
    }
    return params;
}

ControlAnswer ask(const std::string& socket, const std::string& method, const json& params,
                  core::Duration timeout) {
    auto client = runtime::ControlClient::connect(socket, timeout);
    if (!client) return ControlError{ControlErrorCode::no_connection, client.error().message};
    return client.value().call(method, params, timeout);
}

namespace {

// Whether anybody answers there is not known then.
bool may_not_connect(const std::string& socket) {
    return ::access(socket.c_str(), W_OK) != 0 && (errno == EACCES || errno == EPERM);
}

}  // namespace

std::string remedy(const ControlError& error, const Request& request,
                   const Destination& destination) {
    const std::string name{to_text(destination.daemon)};
    switch (error.code) {
        case ControlErrorCode::no_connection:
            if (may_not_connect(destination.socket)) {
                return "be root or a member of the group lra (usermod -aG lra NAME), which counts "
                       "from the next login on";
            }
            return "is " + name + " running? systemctl status " + name;
        case ControlErrorCode::method_not_found:
            return "the daemon on this socket does not know '" + usage_of(*request.command) +
                   "'; it belongs to " + name + ": is this its socket?";
        case ControlErrorCode::busy:
            return "try again, with a longer --timeout when it did not answer in time";
        case ControlErrorCode::parse_error:
        case ControlErrorCode::invalid_request:
        case ControlErrorCode::internal_error:
            return "lractl and " + name + " may be of different versions; see: journalctl -u " +
                   name;
        case ControlErrorCode::invalid_params:
            return "usage: lractl " + usage_of(*request.command);
        case ControlErrorCode::failed:
        case ControlErrorCode::state_differs:
        case ControlErrorCode::partly_done:
        case ControlErrorCode::volume_not_mountable:
        case ControlErrorCode::no_drive_available:
        case ControlErrorCode::drive_failed:
        case ControlErrorCode::withdrawn:
            return {};
    }
    return {};  // a code of a newer daemon
}

}  // namespace agent::shell
