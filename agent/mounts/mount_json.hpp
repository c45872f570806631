#pragma once

// Claims, volumes and rows of the drive table as the control socket shows them (docs/CONTROL.md).

#include <nlohmann/json_fwd.hpp>

#include "agent/mounts/mount_service.hpp"

namespace agent::mounts {

[[nodiscard]] nlohmann::json claim_json(const ClaimView& view);
[[nodiscard]] nlohmann::json volume_json(const claims::Volume& volume);
[[nodiscard]] nlohmann::json drive_row_json(const claims::DriveRow& drive);
[[nodiscard]] nlohmann::json counts_json(const claims::DriveCounts& counts);

}  // namespace agent::mounts
