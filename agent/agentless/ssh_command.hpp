#pragma once

// The system's ssh client, called so that nothing but the configuration decides what happens: no
// configuration file of ssh, no ssh-agent, no password, no key that is not pinned, nothing
// forwarded.

#include <string>
#include <vector>

#include "agent/core/result.hpp"
#include "agent/host/command.hpp"
#include "agent/runtime/agentless_configuration.hpp"

namespace agent::agentless {

// Where connections wait for the next command: a Unix socket in `folder` (mode 0700), named after
// everything that makes a connection what it is. Empty: connections can not be kept, since the name
// would be longer than a socket's can be, or ssh would read it in its own way.
[[nodiscard]] std::string control_path_in(const std::string& folder,
                                          const runtime::SshConfiguration& ssh);

// Options and destination, up to where the remote command goes.
[[nodiscard]] std::vector<std::string> ssh_argv(const runtime::SshConfiguration& ssh,
                                                const std::string& control_path);

// `remote_line` as the remote login shell gets it. The client is given `limit` for the command and
// its own time for the connection and the way back.
[[nodiscard]] host::Command ssh_command(const runtime::SshConfiguration& ssh,
                                        const std::string& control_path,
                                        const std::string& remote_line, core::Duration limit);

// Ends a connection that is kept. Harmless when there is none.
[[nodiscard]] host::Command ssh_close_command(const runtime::SshConfiguration& ssh,
                                              const std::string& control_path);

// What of the local side would keep ssh from working: the key file's owner and mode, the
// known_hosts file.
[[nodiscard]] core::Outcome local_files_will_do(const runtime::SshConfiguration& ssh);

}  // namespace agent::agentless
