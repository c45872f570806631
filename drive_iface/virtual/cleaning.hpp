#pragma once

// A cleaning cartridge in a tape drive. There is no head to be cleaned: its work is done when the
// use is stored in its memory. Nothing can be read or written meanwhile and afterwards, until the
// robot takes it; UNLOAD lets go of it, and LOAD cleans once more.

#include <memory>

#include "drive_iface/virtual/tape_state.hpp"

namespace drive_iface::virtual_library {

// It was opened. One that was there when power came, and one that is used up, does not clean.
void begin_cleaning(TapeState& drive, std::unique_ptr<Cartridge> cartridge);
// While it is `cleaning`.
void go_on_cleaning(TapeState& drive);

}  // namespace drive_iface::virtual_library
