#include "agent/claims/mountability.hpp"

#include <algorithm>

#include "agent/core/enumerator_names.hpp"

namespace agent::claims {

namespace {

constexpr core::EnumeratorName<NotMountable> not_mountable_names[] = {
    {NotMountable::unknown, "unknown"},
    {NotMountable::not_in_library, "not_in_library"},
    {NotMountable::in_another_drive, "in_another_drive"},
    {NotMountable::inaccessible, "inaccessible"},
    {NotMountable::disabled, "disabled"},
    {NotMountable::quarantined, "quarantined"},
    {NotMountable::cleaning, "cleaning"},
    {NotMountable::wrong_generation, "wrong_generation"},
};

std::string because(const std::string& reason) {
    return reason.empty() ? "" : " (" + reason + ")";
}

MountRefusal in_use(const std::string& barcode, const Claim& claim) {
    const std::string id = std::to_string(claim.id);
    if (!claim.drive) {
        return {NotMountable::in_another_drive, "volume " + barcode + " is waited for by claim " +
                                                    id + "; `lractl claim show " + id +
                                                    "` tells by whom"};
    }
    return {NotMountable::in_another_drive,
            "volume " + barcode + " is in use in drive " + *claim.drive + " by claim " + id +
                (claim.host.empty() ? "" : " of host " + claim.host) + "; `lractl unmount " +
                barcode + "` ends that"};
}

std::optional<MountRefusal> refusal_of_place(const Volume& volume) {
    const std::string name = "volume " + volume.barcode;
    const std::string element = std::to_string(volume.element);
    switch (volume.place) {
        case Place::slot:
            return std::nullopt;
        case Place::drive:
            return MountRefusal{
                NotMountable::in_another_drive,
                name + " is in " +
                    (volume.drive ? "drive " + *volume.drive : "the drive at element " + element) +
                    " without a claim: somebody else has moved it there; move it "
                    "back to a slot, or unmount it in the application that did"};
        case Place::import_export:
            return MountRefusal{NotMountable::inaccessible, name + " is in import/export element " +
                                                                element + "; move it to a slot"};
        case Place::picker:
            return MountRefusal{NotMountable::inaccessible,
                                name + " is in the library's picker (element " + element +
                                    "); look at the library"};
        case Place::missing:
            break;
    }
    return MountRefusal{NotMountable::not_in_library,
                        name +
                            " is known, and the changer does not show it; put it back, then "
                            "`lractl volume scan`"};
}

}  // namespace

std::string_view to_text(NotMountable value) {
    return core::name_of(not_mountable_names, value);
}

std::optional<MountRefusal> why_not_mountable(const std::string& barcode,
                                              const std::optional<Volume>& volume,
                                              const std::optional<Claim>& claimed_by, Access access,
                                              const std::vector<DriveRow>& drives,
                                              const MediaTable& media) {
    const std::string name = "volume " + barcode;
    if (!volume) {
        return MountRefusal{NotMountable::unknown,
                            name +
                                " is unknown; `lractl volume list` shows those there are, "
                                "`lractl volume scan` asks the changer again"};
    }
    if (volume->kind == MediumKind::cleaning)
        return MountRefusal{NotMountable::cleaning, name + " is a cleaning cartridge"};
    if (volume->state == VolumeState::disabled) {
        return MountRefusal{NotMountable::disabled,
                            name + " is disabled" + because(volume->reason) +
                                "; `lractl volume enable " + barcode + " --reason TEXT` ends that"};
    }
    if (volume->state == VolumeState::quarantined) {
        return MountRefusal{NotMountable::quarantined,
                            name + " is quarantined" + because(volume->reason) +
                                "; when it is known to be good, `lractl volume enable " + barcode +
                                " --reason TEXT`"};
    }
    if (claimed_by) return in_use(barcode, *claimed_by);
    if (auto refusal = refusal_of_place(*volume)) return refusal;
    const bool some_drive = std::any_of(drives.begin(), drives.end(), [&](const DriveRow& drive) {
        return suffices(reach_of(media, drive.generation, volume->generation), access);
    });
    if (some_drive) return std::nullopt;
    return MountRefusal{NotMountable::wrong_generation,
                        "no drive of this library can " +
                            std::string(access == Access::read ? "read " : "write ") + name +
                            " of generation " + volume->generation};
}

}  // namespace agent::claims
