#pragma once

// What a drive knows besides what every logical unit knows. The command handlers work on it; Drive
// keeps it.

#include <cstdint>

#include "drive_iface/virtual/tape_state.hpp"

namespace drive_iface::virtual_library {

struct DriveState {
    std::uint16_t element_address = 0;
    TapeState tape;
};

}  // namespace drive_iface::virtual_library
