#pragma once

// What the page is told, as JSON: docs/WEB.md. On the event loop.

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "drive_iface/web/shown.hpp"

namespace drive_iface::web {

using Json = nlohmann::json;

// Bytes from outside (names of hosts) that are no UTF-8 are replaced.
[[nodiscard]] std::string dumped(const Json& value);
[[nodiscard]] std::string time_text(std::int64_t ms);

[[nodiscard]] Json session_json(const sessions::Session& session);
[[nodiscard]] Json record_json(const sessions::SessionRecord& record);
[[nodiscard]] Json snapshot_json(const snapshots::Snapshot& snapshot);
[[nodiscard]] Json difference_json(const snapshots::SessionDifference& difference);

// Library, drives, sessions that are written now and the ones that ended last.
[[nodiscard]] Json live_json(const Shown& shown);
// `count` of all from number `first` on, in order of barcode.
[[nodiscard]] Json cartridges_json(const Shown& shown, std::uint64_t first, std::uint64_t count);

}  // namespace drive_iface::web
