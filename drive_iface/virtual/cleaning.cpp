#include "drive_iface/virtual/cleaning.hpp"

#include <utility>

#include "drive_iface/virtual/cleaning_cartridge.hpp"
#include "drive_iface/virtual/medium_attributes.hpp"

namespace drive_iface::virtual_library {

using MediumState = TapeState::MediumState;

void begin_cleaning(TapeState& drive, std::unique_ptr<Cartridge> cartridge) {
    drive.cleaner = std::move(cartridge);
    drive.alerts.raise(TapeAlert::cleaning_media);
    Cartridge& cleaner = *drive.cleaner;
    const Cleanings cleanings = cleanings_of(cleaner.attributes());
    const bool cleaned_before = std::exchange(drive.cleaned_before, false);
    drive.medium = MediumState::cleaned;
    if (cleaned_before) return;
    if (cleanings.used_up()) {
        drive.cleaner_used_up = true;
        drive.alerts.raise(TapeAlert::expired_cleaning_media);
        drive.trouble =
            "cleaning cartridge " + drive.barcode +
            " is used up (cleanings it was good for: " + std::to_string(cleanings.permitted) + ")";
        return;
    }
    // A use that can not be stored is not counted, and the flag says that something is wrong.
    if (cleaner.facts().write_protected) {
        drive.alerts.raise(TapeAlert::memory_chip);
        return;
    }
    if (drive.progress) cleaner.on_progress(drive.progress);
    MediumAttributes attributes = cleaner.attributes();
    note_load(attributes, drive.vendor, drive.serial);
    cleaner.set_attributes(std::move(attributes));
    cleaner.synchronise();
    drive.medium = MediumState::cleaning;
    go_on_cleaning(drive);
}

void go_on_cleaning(TapeState& drive) {
    const bool failed = drive.cleaner->take_fault().has_value();
    if (!failed && !drive.cleaner->synchronised()) return;
    if (failed || !drive.cleaner->attributes_stored()) drive.alerts.raise(TapeAlert::memory_chip);
    drive.medium = MediumState::cleaned;
}

}  // namespace drive_iface::virtual_library
