#pragma once

// The medium changer of the library, asked and commanded (SMC-3 MOVE MEDIUM, READ ELEMENT STATUS,
// INITIALIZE ELEMENT STATUS). Over any Transport; one thread at a time; each call blocks.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/claims/claim.hpp"
#include "agent/claims/media_reach.hpp"
#include "agent/claims/reconcile.hpp"
#include "agent/core/result.hpp"
#include "agent/core/time.hpp"
#include "drive_iface/device/transport.hpp"
#include "drive_iface/scsi/inquiry.hpp"

namespace agent::mounts {

// One drive as the changer shows it.
struct ChangerDrive {
    std::uint16_t element = 0;
    std::optional<drive_iface::scsi::Designator> identifier;  // of the drive
    std::string volume;  // its barcode; empty: none, or no label
    bool full = false;
    std::optional<std::uint16_t> source;
};

struct Inventory {
    std::vector<ChangerDrive> drives;
    std::vector<claims::Volume> volumes;  // `drive` not filled in; without those that have no label
    std::vector<std::uint16_t> empty_slots;
    std::uint16_t picker = 0;  // address of the medium transport element
};

// READ ELEMENT STATUS of everything, with volume tags and device identifiers.
[[nodiscard]] core::Result<Inventory> read_inventory(drive_iface::Transport& changer,
                                                     const claims::MediaTable& media,
                                                     core::Duration timeout);

// Does the changer mean the drive with this serial number?
[[nodiscard]] bool means_drive(const ChangerDrive& drive, const std::string& serial);

// INITIALIZE ELEMENT STATUS: the library looks for itself.
[[nodiscard]] core::Outcome take_stock(drive_iface::Transport& changer, core::Duration timeout);

// Where a volume is, for a claim on the drive at `drive_element`.
[[nodiscard]] claims::Whereabouts whereabouts_of(const Inventory& inventory,
                                                 const std::string& barcode,
                                                 std::uint16_t drive_element);
// The slot it lies in.
[[nodiscard]] std::optional<std::uint16_t> slot_of(const Inventory& inventory,
                                                   const std::string& barcode);

// What is in the drive at `drive_element` and is not this volume, in words; empty: the volume,
// nothing, or what may be it: a cartridge without a label while the volume is shown nowhere.
[[nodiscard]] std::string other_cartridge(const Inventory& inventory, const std::string& barcode,
                                          std::uint16_t drive_element);

struct Move {
    std::string volume;
    std::uint16_t drive = 0;            // element
    std::optional<std::uint16_t> home;  // slot
    bool into_drive = true;             // else back to a slot
};
struct MoveEnd {
    bool done = false;
    claims::Whereabouts medium = claims::Whereabouts::no_answer;  // where it is now
    std::optional<std::uint16_t> slot;                            // the one it lies in
    bool hardware = false;  // the changer or drive said HARDWARE ERROR
    bool gone = false;      // nothing was moved: somebody else has taken it out of the drive
    std::string words;      // why it is not done
};
// Asks where the volume is, moves it, and asks again. A volume that is there already is done. Back
// to its home, or to any empty slot when that is taken, and only from its own drive or the picker.
// When it is not found, and after "source empty" and "destination full", stock is taken and it is
// tried once more. Waits while the changer says "becoming ready".
[[nodiscard]] MoveEnd move_volume(drive_iface::Transport& changer, const Move& move,
                                  const claims::MediaTable& media, core::Duration move_timeout,
                                  core::Duration timeout);

}  // namespace agent::mounts
