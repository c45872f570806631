#pragma once

// A mount or unmount in progress: its place in the line, its step, and how Ctrl-C gives it up.

#include <string>

#include "agent/runtime/control_protocol.hpp"
#include "agent/shell/command_output.hpp"

namespace agent::shell {

// Asks and waits as long as it takes. On a terminal it shows on `output.errors` what is being done.
// Ctrl-C cancels a mount that is not finished, and the answer says so.
[[nodiscard]] runtime::ControlAnswer ask_for_mount(const Request& request,
                                                   const std::string& socket, const Output& output);

}  // namespace agent::shell
