#pragma once

// Which SCSI devices this host's kernel has: read from sysfs, nothing is sent to any device.

#include <cstdint>
#include <string>
#include <vector>

#include "agent/core/result.hpp"

namespace drive_iface::discovery {

struct SgNode {
    std::string node;              // "/dev/sg3"
    std::string scsi_address;      // "3:0:0:1" (host, channel, target, LUN); may be empty
    std::uint8_t device_type = 0;  // SPC-4 6.4.2
    bool operator==(const SgNode&) const = default;
};

inline constexpr std::size_t sg_nodes_max = 4'096;

// Tape drives and medium changers, by number. Never an st node: opening one sends commands to the
// drive. `sysfs` is "/sys". Errors: the kernel offers no sg nodes at all.
[[nodiscard]] agent::core::Result<std::vector<SgNode>> tape_library_nodes(const std::string& sysfs);

}  // namespace drive_iface::discovery
