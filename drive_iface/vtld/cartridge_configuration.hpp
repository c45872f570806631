#pragma once

// The section "cartridges" of vtld.json: where cartridges are kept, and which there are at first.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/runtime/configuration.hpp"
#include "drive_iface/cartridge/metadata.hpp"

namespace drive_iface::vtld {

inline constexpr std::int64_t capacity_mib_max = 134'217'728;  // 128 TiB

struct CartridgeConfiguration {
    std::vector<std::string> folders;   // two or more
    std::uint64_t capacity = 0;         // bytes, of cartridges made from now on
    std::vector<std::string> barcodes;  // made at the first start that names them
    std::optional<cartridge::Placement> placement;
    bool configured = false;  // there is such a section
    bool operator==(const CartridgeConfiguration&) const = default;
};

[[nodiscard]] agent::runtime::ValueShape cartridges_shape();

// Without the section, one cartridge for each of `drives` in two folders below `state_dir`.
// Appends to `errors` what the shape could not see.
[[nodiscard]] CartridgeConfiguration cartridge_configuration(
    const agent::runtime::Configuration& configuration, const std::string& state_dir,
    std::size_t drives, agent::runtime::ConfigurationErrors& errors);

}  // namespace drive_iface::vtld
