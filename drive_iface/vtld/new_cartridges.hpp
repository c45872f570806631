#pragma once

// What a cartridge that is made is to be: as an operator says, or the configuration.

#include <cstdint>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "agent/core/result.hpp"
#include "drive_iface/cartridge/file_shelf.hpp"

namespace drive_iface::vtld {

// Of cartridge.create ("capacity_mb", "worm", "cleaning", "cleanings"): `capacity` in bytes is that
// of one for which nothing else is said. One whose barcode begins with CLN is a cleaning cartridge,
// and no other is. Errors name the parameter.
[[nodiscard]] agent::core::Result<cartridge::NewCartridge> new_cartridge(
    const std::string& barcode, const nlohmann::json& params, std::uint64_t capacity);

// Of cartridges.barcodes.
[[nodiscard]] cartridge::NewCartridge configured_cartridge(const std::string& barcode,
                                                           std::uint64_t capacity);

}  // namespace drive_iface::vtld
