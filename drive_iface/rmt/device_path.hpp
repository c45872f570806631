#pragma once

// What a client may open: [n]DRIVE[/VOLUME], /LIBRARY/[n]DRIVE[/VOLUME], or adm/NAME for an
// administrative volume without a drive.

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "drive_iface/rmt/drive_error.hpp"

namespace drive_iface::rmt {

struct DevicePath {
    std::string drive;  // serial; empty: an administrative volume that needs no drive
    std::optional<std::string> volume;  // barcode
    bool rewinds_on_close = true;
    bool operator==(const DevicePath&) const = default;
};

struct KnownDevices {
    std::string library;              // serial
    std::vector<std::string> drives;  // serials; their numbers from 0 are names too
};

// ENODEV: the library has no such drive, or is another one. EINVAL: no path at all.
[[nodiscard]] std::variant<DevicePath, Refusal> device_path(std::string_view text,
                                                            const KnownDevices& known);

}  // namespace drive_iface::rmt
