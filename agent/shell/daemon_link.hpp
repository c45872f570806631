#pragma once

#include <string>

#include "agent/runtime/control_client.hpp"
#include "agent/shell/command_line.hpp"

namespace agent::shell {

// Where a request goes: --socket; otherwise `preferred` if it serves the command; otherwise the
// first daemon serving it whose socket exists, so that `drive list` on a backup host asks dsad;
// otherwise the first daemon serving it.
struct Destination {
    Daemon daemon = Daemon::none;
    std::string socket;
};
[[nodiscard]] Destination destination_of(const Request& request, Daemon preferred);

[[nodiscard]] nlohmann::json params_of(const Request& request);

// Connects, asks, and hangs up: a daemon that was restarted meanwhile makes no difference.
[[nodiscard]] runtime::ControlAnswer ask(const std::string& socket, const std::string& method,
                                         const nlohmann::json& params, core::Duration timeout);

// What an operator can do about it; empty when the error says it all.
[[nodiscard]] std::string remedy(const runtime::ControlError& error, const Request& request,
                                 const Destination& destination);

}  // namespace agent::shell
