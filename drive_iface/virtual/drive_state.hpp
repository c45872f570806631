#pragma once

// Everything one virtual drive knows. The command handlers work on it; Drive keeps it.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "drive_iface/scsi/log_page.hpp"
#include "drive_iface/virtual/reservations.hpp"
#include "drive_iface/virtual/target_device.hpp"
#include "drive_iface/virtual/unit_attentions.hpp"

namespace drive_iface::virtual_library {

struct DriveIdentity {
    std::string vendor;
    std::string product;
    std::string serial;
    std::uint16_t element_address = 0;
};

struct Nexus {
    agent::core::InitiatorPort port;
    UnitAttentions attentions;
    bool prevents_removal = false;  // PREVENT ALLOW MEDIUM REMOVAL
    // The last command that could come in the way of somebody else's.
    std::optional<std::uint8_t> last_use;
};

struct DriveState {
    DriveIdentity identity;
    Reservations reservations;
    std::map<NexusId, Nexus> nexuses;

    bool medium_loaded = true;
    bool host_unloaded = false;      // a host sent UNLOAD
    std::uint32_t block_length = 0;  // 0: variable

    bool forced_offline = false;
    std::string forced_offline_reason;

    // Whose use was in the way of a refused command, newest last (log page 11h). Emptied with each
    // change of the reservation: it tells about the one there is.
    std::vector<scsi::PotentialConflict> potential_conflicts;
    static constexpr std::size_t potential_conflicts_max = 16;
};

}  // namespace drive_iface::virtual_library
