#pragma once

// What one device says of itself, and a changer of its drives. Nothing here moves a medium, waits
// for one or changes anything: INQUIRY and READ ELEMENT STATUS alone are sent (docs/DISCOVERY.md).

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/result.hpp"
#include "agent/core/time.hpp"
#include "drive_iface/device/drive.hpp"
#include "drive_iface/device/transport.hpp"
#include "drive_iface/scsi/inquiry.hpp"

namespace drive_iface::discovery {

// A drive as its library knows it.
struct LibraryDrive {
    std::uint16_t element_address = 0;
    std::optional<scsi::Designator> identifier;  // not every library identifies its drives
    bool operator==(const LibraryDrive&) const = default;
};

struct DeviceSurvey {
    DriveIdentity identity;
    std::vector<scsi::Designator> designators;     // VPD page 83h, as seen through this path
    std::vector<scsi::ScsiPort> ports;             // VPD page 88h; empty: not told
    std::string manufacturer_serial;               // VPD page B1h
    std::string library_serial;                    // VPD page B3h
    std::optional<std::uint16_t> element_address;  // VPD page B4h
    std::vector<LibraryDrive> library_drives;      // of a changer
    std::vector<std::string> problems;             // what it did not tell, in words
};

// Tape drives and changers only: a device of another type is asked no further than INQUIRY, and its
// survey holds its vendor, product and type. Errors: as identify(). `timeout` is for one command.
[[nodiscard]] agent::core::Result<DeviceSurvey> survey_device(Transport& device,
                                                              agent::core::Duration timeout);

// INQUIRY page 80h alone: is this still the drive? Trimmed.
[[nodiscard]] agent::core::Result<std::string> serial_of(Transport& device,
                                                         agent::core::Duration timeout);

// READ ELEMENT STATUS with DVCID, of data transfer elements. First with CURDATA as well (answer
// from memory, move nothing), then without it for libraries that refuse the bit or leave the
// identifiers out.
[[nodiscard]] agent::core::Result<std::vector<LibraryDrive>> survey_changer(
    Transport& changer, agent::core::Duration timeout);

}  // namespace drive_iface::discovery
