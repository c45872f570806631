#pragma once

// Which drive a volume is mounted in: a filter, then an order, over the drive table and what is
// known of each drive at this moment (NO_DRIVE_AVAILABLE).

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/claims/claim.hpp"
#include "agent/claims/media_reach.hpp"

namespace agent::claims {

// What the controller that chooses knows of a drive, apart from the table.
enum class DriveCondition : std::uint8_t {
    usable,
    no_path,         // this controller has no interface to it
    offline,         // forced offline, unprotected, or it does not answer
    reserved_other,  // a host holds it that is not the one asking
};

struct KnownDrive {
    std::string serial;
    DriveCondition condition = DriveCondition::usable;
    bool operator==(const KnownDrive&) const = default;
};

struct DriveWish {
    std::string generation;  // of the volume; empty: not known
    Access access = Access::write;
    std::uint16_t from = 0;              // the element the volume lies in
    std::vector<std::string> affinity;   // serials this host prefers, best first
    std::vector<std::string> not_these;  // failed for this request already
};

// Drives that can use the volume, and why each was passed over.
struct DriveCounts {
    std::size_t fitting = 0;  // by generation; the others are their parts
    std::size_t busy = 0;
    std::size_t offline = 0;
    std::size_t quarantined = 0;
    std::size_t reserved_other = 0;
    std::size_t no_path = 0;
    std::size_t tried = 0;
    bool operator==(const DriveCounts&) const = default;
};
// "4 drives fit: 2 busy, 1 offline, 1 reserved by another host"
[[nodiscard]] std::string to_text(const DriveCounts& counts);

struct DriveChoice {
    std::optional<std::string> serial;
    DriveCounts counts;
};

// Filter: free, this controller reaches it, its generation can do it, not offline, not in another
// host's hands. Order: the host's own preference, the volume's own generation, least recently used,
// fewer errors, nearer to the slot, serial number. A drive that `known` does not name has no path.
[[nodiscard]] DriveChoice choose_drive(const DriveWish& wish, const std::vector<DriveRow>& drives,
                                       const std::vector<KnownDrive>& known,
                                       const MediaTable& media);

}  // namespace agent::claims
