#pragma once

// What a host says about its ports and tape drives when it is asked over ssh, and the scripts that
// make it say so. Pure.
//
// Own scripts (host_report.cpp) begin with a line `lra-host 1 linux` or `lra-host 1 aix`, before
// which a login shell may print what it likes, and close with `end`: half a report is none, since a
// port that is missing in it would make the host's own drives look foreign. A program of the site
// prints nothing but
//
//   port PORT                 fc:2100000e1e09a1b0, sas:..., iscsi:...
//   drive SERIAL [DEVICE]
//
// and blank lines and lines that begin with '#'; that it was complete its exit status 0 says.

#include <string>
#include <string_view>

#include "agent/core/result.hpp"
#include "agent/host/host_devices.hpp"
#include "agent/runtime/agentless_configuration.hpp"

namespace agent::agentless {

inline constexpr std::size_t report_bytes_max = std::size_t{256} * 1024;

// For `sh -c`. Linux: sysfs and /etc/iscsi/initiatorname.iscsi, as host_devices.hpp reads them;
// drives whose serial number the kernel does not show are troubles. AIX: lsdev, lscfg -vl, lsattr.
// With RemoteSystem::commands there is none: empty.
[[nodiscard]] std::string_view discovery_script(runtime::RemoteSystem system);

// Ports and drives sorted as look_at_host() gives them. Errors name the line. More than 256 ports,
// 1024 drives or 64 troubles are an error, as is everything that is not as it should be.
[[nodiscard]] core::Result<host::HostDevices> read_host_report(runtime::RemoteSystem system,
                                                               std::string_view text);

}  // namespace agent::agentless
