#pragma once

#include "agent/shell/command_output.hpp"

namespace agent::shell {

// Shows write sessions when they begin, change and end, and every two seconds how far the active
// ones are. Until Ctrl-C, which is how it ends well, or until the daemon goes away.
[[nodiscard]] runtime::ExitCode follow_write_sessions(const Request& request,
                                                      const Destination& destination,
                                                      const Output& output);

}  // namespace agent::shell
