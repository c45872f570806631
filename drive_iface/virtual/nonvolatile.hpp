#pragma once

// What drives and the changer remember without power, as text: a first line with the format, then
// one record a line, fields separated by tabs. Serial first, what it is, then the value:
//   VT00000001  offline       REASON
//   VT00000001  registration  KEY (16 hex digits)  PORT
//   VT00000001  reservation   TYPE                 PORT
// and of the changer
//   VL00000001  cartridge     BARCODE              PLACE    PLACE IT CAME FROM

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/result.hpp"
#include "drive_iface/virtual/changer_state.hpp"
#include "drive_iface/virtual/reservations.hpp"

namespace drive_iface::virtual_library {

struct NonvolatileDrive {
    std::optional<std::string> forced_offline_reason;  // present: it is forced offline
    std::vector<Reservations::Registration> registrations;
    std::optional<Reservations::Persistent> reservation;
    std::vector<PlacedCartridge> cartridges;
    bool operator==(const NonvolatileDrive&) const = default;
};

using NonvolatileDrives = std::map<std::string, NonvolatileDrive>;  // by serial

// Control characters in a reason become blanks.
[[nodiscard]] std::string to_text(const NonvolatileDrives& drives);
// Errors name the line.
[[nodiscard]] agent::core::Result<NonvolatileDrives> nonvolatile_from_text(std::string_view text);

}  // namespace drive_iface::virtual_library
