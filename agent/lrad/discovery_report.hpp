#pragma once

// What discovery found, as JSON, as text and as configuration. docs/CONTROL.md and
// docs/DISCOVERY.md describe them for users.

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "drive_iface/discovery/discovery.hpp"

namespace agent::lrad {

// {"drives": [...], "changers": [...], "problems": [...], "paths_asked": N}
[[nodiscard]] nlohmann::json discovered_json(const drive_iface::discovery::Discovered& discovered);

// The value of "drives" in lrad.json: every drive once, by sg where this host has a node, otherwise
// by iSCSI. Drives whose serial number is not unique come once. Real drives send no events, and
// nothing is done to them: whoever wants more chooses another actuator.
[[nodiscard]] nlohmann::json drives_to_paste(const drive_iface::discovery::Discovered& discovered);

// For people: a table, problems, and the configuration to paste, which is `drives`.
[[nodiscard]] std::string discovered_text(const drive_iface::discovery::Discovered& discovered,
                                          const nlohmann::json& drives);

}  // namespace agent::lrad
