#pragma once

// What the control socket tells of all cartridges at once, and of what is being done with them.

#include <map>
#include <memory>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "drive_iface/cartridge/file_shelf.hpp"
#include "drive_iface/vtld/control_methods.hpp"

namespace drive_iface::vtld {

// Checks, imports and exports that run, by barcode.
struct CartridgeJob {
    std::string kind;  // "check", "import" or "export"
    cartridge::JobId id;
    cartridge::JobProgress progress;
};
using CartridgeJobs = std::map<std::string, CartridgeJob>;

[[nodiscard]] nlohmann::json cartridges_json(const Running& running, const CartridgeJobs& jobs);
[[nodiscard]] nlohmann::json jobs_json(const CartridgeJobs& jobs);

}  // namespace drive_iface::vtld
