#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "agent/core/drive_sharing_agent.hpp"
#include "agent/runtime/dsad_configuration.hpp"

namespace agent::dsad {

// A drive as a host sees it: the keys that `drive list` has everywhere, as the newest notice said
// them, and
// {"application_name","application_state","busy","result","newest","ledger"}.
[[nodiscard]] nlohmann::json drive_json(const core::HostDriveView& view,
                                        const runtime::DsadConfiguration& configuration);

// What the backup application calls the drive.
[[nodiscard]] std::string application_name(const runtime::DsadConfiguration& configuration,
                                           const core::DriveSerial& drive);

// An argv as JSON, whatever bytes it has.
[[nodiscard]] nlohmann::json shown(const std::vector<std::string>& argv);

}  // namespace agent::dsad
