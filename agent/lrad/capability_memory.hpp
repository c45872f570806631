#pragma once

// What drives can do, kept over restarts and shown by `lractl drive show`.

#include <optional>

#include <nlohmann/json_fwd.hpp>

#include "agent/runtime/store.hpp"
#include "drive_iface/device/drive_capabilities.hpp"

namespace agent::lrad {

// Keys as docs/LRACTL.md has them; abilities are "yes", "no" or "unknown".
[[nodiscard]] nlohmann::json capabilities_json(const drive_iface::DriveCapabilities& known);
// Nothing when it is not what capabilities_json() makes.
[[nodiscard]] std::optional<drive_iface::DriveCapabilities> capabilities_from_json(
    const nlohmann::json& value);

// As last remembered for this drive, whatever its firmware: `revision` says which.
[[nodiscard]] std::optional<drive_iface::DriveCapabilities> recall_capabilities(
    const runtime::Store& store, const core::DriveSerial& drive);
// A store that can not keep them costs a probe at the next start; that is logged, not returned.
void remember_capabilities(runtime::Store& store, const core::DriveSerial& drive,
                           const drive_iface::DriveCapabilities& known);

}  // namespace agent::lrad
