#pragma once

// What a Linux host has: its own ports on the way to tape drives, and the tape drives that its
// kernel sees, read from sysfs. No command is sent to any drive and no tape node is opened: an open
// st or nst node sends commands and takes unit attentions that the backup application waits for.

#include <functional>
#include <string>
#include <vector>

#include "agent/core/reservation.hpp"
#include "agent/core/result.hpp"

namespace agent::host {

struct FoundPort {
    core::InitiatorPort port;
    std::string where;  // as an administrator finds it again: "fc_host/host3"
    bool operator==(const FoundPort&) const = default;
};

// One drive, on however many ways: each way is a tape node and an sg node of its own.
struct FoundTapeDrive {
    core::DriveSerial serial;
    std::string vendor;
    std::string product;
    std::vector<std::string> tape_nodes;     // non-rewinding ones, "/dev/nst0"
    std::vector<std::string> generic_nodes;  // "/dev/sg3"
    bool operator==(const FoundTapeDrive&) const = default;
};

struct HostDevices {
    std::vector<FoundPort> ports;        // each once, in the order of their names
    std::vector<FoundTapeDrive> drives;  // in the order of their serials
    std::vector<std::string> troubles;   // what was seen and could not be used, and why
    bool operator==(const HostDevices&) const = default;
};

struct HostPlaces {
    std::string sys = "/sys";
    std::string iscsi_name_file = "/etc/iscsi/initiatorname.iscsi";
};

// Asks the drive behind an sg node for its serial number by INQUIRY, for drives whose unit serial
// number page (VPD page 80h) the kernel does not show. Null: such drives stay unknown.
using AskSerial = std::function<core::Result<core::DriveSerial>(const std::string& generic_node)>;

// Blocks for as long as reading sysfs takes, and for `ask_serial`. Never an error: a host without
// tape drives has none.
[[nodiscard]] HostDevices look_at_host(const HostPlaces& places, const AskSerial& ask_serial);

}  // namespace agent::host
