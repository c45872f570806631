#pragma once

// The tape that carries a data set. Values in, a cartridge out.

#include <memory>
#include <string>
#include <vector>

#include "agent/core/result.hpp"
#include "drive_iface/admin_volumes/data_set.hpp"
#include "drive_iface/admin_volumes/data_set_text.hpp"
#include "drive_iface/virtual/memory_cartridge.hpp"

namespace drive_iface::admin_volumes {

// `barcode` tells the type; `data` is that one data set, or all of them for the archive. The
// cartridge is write protected and belongs to nobody else. Errors: a barcode that names no type, or
// data of another.
[[nodiscard]] agent::core::Result<std::unique_ptr<virtual_library::Cartridge>>
administrative_volume(const std::string& barcode, const std::vector<DataSet>& data,
                      const Occasion& occasion);

}  // namespace drive_iface::admin_volumes
