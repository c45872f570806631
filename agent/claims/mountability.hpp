#pragma once

// Can this volume be mounted at all? Asked before any drive is looked for (VOLUME_NOT_MOUNTABLE).

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/claims/claim.hpp"
#include "agent/claims/media_reach.hpp"

namespace agent::claims {

enum class NotMountable : std::uint8_t {
    unknown,           // no such volume in the table
    not_in_library,    // known, and the changer does not show it
    in_another_drive,  // or on its way to or from one
    inaccessible,      // in an import/export element, or in the picker
    disabled,          // by an administrator
    quarantined,       // failed in two drives
    cleaning,          // a cleaning cartridge
    wrong_generation,  // no drive of this library can use it
};
[[nodiscard]] std::string_view to_text(NotMountable value);

struct MountRefusal {
    NotMountable why;
    std::string words;  // what it is, and what helps
    bool operator==(const MountRefusal&) const = default;
};

// `claimed_by`: the claim that has the volume or waits for it, of another request. `drives`: every
// drive of the library, in whatever state.
[[nodiscard]] std::optional<MountRefusal> why_not_mountable(const std::string& barcode,
                                                            const std::optional<Volume>& volume,
                                                            const std::optional<Claim>& claimed_by,
                                                            Access access,
                                                            const std::vector<DriveRow>& drives,
                                                            const MediaTable& media);

}  // namespace agent::claims
