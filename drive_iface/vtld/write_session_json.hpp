#pragma once

// Write sessions as the control socket tells them (docs/PARALLEL.md).

#include <nlohmann/json_fwd.hpp>

#include "drive_iface/sessions/tracking.hpp"

namespace drive_iface::vtld {

// What is not known has no key.
[[nodiscard]] nlohmann::json session_json(const sessions::Session& session);
[[nodiscard]] nlohmann::json record_json(const sessions::SessionRecord& record);

}  // namespace drive_iface::vtld
