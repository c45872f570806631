#pragma once

// The mode parameters of a tape drive (SPC-4 7.5, SSC-3 8.3): header, block descriptor and pages as
// they are now. Block length, buffered mode, and of page 10h/01h WRITE MODE and the size of the
// programmable early warning zone can be changed.

#include <vector>

#include "drive_iface/scsi/mode.hpp"
#include "drive_iface/virtual/tape_state.hpp"

namespace drive_iface::virtual_library {

// As one nexus sees them; the block descriptor included. With `mode` the pages are those of it.
[[nodiscard]] scsi::ModeParameters tape_mode_parameters(const TapeState& drive, NexusId nexus,
                                                        const TapeMode& mode);
// The bits of a page that can be changed are set.
[[nodiscard]] Bytes changeable_bits(const scsi::ModePage& page);

// The values of one nexus; the defaults for one that never changed them.
[[nodiscard]] TapeMode mode_of(const TapeState& drive, NexusId nexus);

// What of a MODE SELECT list can not be so. Nothing: all of it can.
enum class ModeFault : std::uint8_t { density, block_length, buffered_mode, page };
[[nodiscard]] std::optional<ModeFault> fault_of(const TapeState& drive, NexusId nexus,
                                                const scsi::ModeParameters& wanted);
// Takes over what may be changed. True: something did.
[[nodiscard]] bool change_mode(TapeState& drive, NexusId nexus, const scsi::ModeParameters& wanted);

}  // namespace drive_iface::virtual_library
