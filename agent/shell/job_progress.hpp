#pragma once

// Work that takes a daemon minutes: how far it is, and how Ctrl-C ends it.

#include <string>
#include <string_view>

#include "agent/runtime/control_protocol.hpp"
#include "agent/shell/command_output.hpp"

namespace agent::shell {

// cartridge.check, .import and .export, snapshot.export
[[nodiscard]] bool is_long_job(std::string_view method);

// Asks and waits as long as it takes, a day at most. On a terminal it shows on `output.errors` how
// far the work is. Ctrl-C has the daemon give it up, and the answer says so.
[[nodiscard]] runtime::ControlAnswer ask_with_progress(const Request& request,
                                                       const std::string& socket,
                                                       const Output& output);

}  // namespace agent::shell
