#pragma once

// Who a drive is. Works over any Transport; one thread at a time.

#include <cstdint>
#include <string>

#include "agent/core/reservation.hpp"
#include "agent/core/result.hpp"
#include "agent/core/time.hpp"
#include "drive_iface/device/transport.hpp"

namespace drive_iface {

struct DriveIdentity {
    agent::core::DriveSerial serial;  // VPD page 80h
    std::string vendor;
    std::string product;
    std::string revision;
    std::uint8_t device_type = 0;
    std::string logical_unit_name;  // NAA designator of the logical unit (VPD page 83h), hex
                                    // digits; may be empty
    bool operator==(const DriveIdentity&) const = default;
};

// INQUIRY, VPD pages 80h and 83h: always allowed, whoever reserves the drive. Page 83h may be
// missing. Errors: transport, the device refuses, it has no serial number.
[[nodiscard]] agent::core::Result<DriveIdentity> identify(Transport& drive,
                                                          agent::core::Duration timeout);

}  // namespace drive_iface
