#pragma once

// Where cartridges are in the library: its elements (SMC-3 4.2) and what is in them. The changer's
// commands work on it.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "drive_iface/virtual/cartridge.hpp"
#include "drive_iface/virtual/parallel.hpp"
#include "drive_iface/virtual/tape_alert.hpp"
#include "drive_iface/virtual/target_device.hpp"
#include "drive_iface/virtual/virtual_volumes.hpp"

namespace drive_iface::virtual_library {

class Drive;

// SMC-3 table 11.
enum class ElementType : std::uint8_t {
    transport = 1,
    storage = 2,
    import_export = 3,
    data_transfer = 4,
};

// Element addresses; those of drives are configured (docs/CHANGER.md).
constexpr std::uint16_t transport_address = 0;
constexpr std::uint16_t import_export_first = 16;
constexpr std::size_t import_export_max = 64;
constexpr std::uint16_t storage_first = 1000;
constexpr std::size_t storage_max = 32'000;  // virtual volumes' slots among them

struct Element {
    ElementType type = ElementType::storage;
    std::uint16_t address = 0;
    bool of_virtual_volume = false;  // a slot in which nothing else goes than
    std::string volume;              // this one; empty: none now
    std::size_t drive = 0;           // of a data transfer element, index into ChangerState::drives
    ParallelCartridges* parallel = nullptr;  // of a parallel drive; not for virtual volumes

    std::string barcode;  // of the cartridge in it; empty: none
    bool cleaning = false;
    bool by_operator = false;             // import/export: put in by an operator, not by the robot
    std::optional<std::uint16_t> source;  // storage element it came from last
};

// A volume identification template of SEND VOLUME TAG (SMC-3 6.13), for one nexus.
struct VolumeSearch {
    std::string volume;  // with '*' and '?'
    std::uint8_t action = 0;
};

struct PlacedCartridge {
    std::string barcode;
    std::string place;   // place_name() of the element
    std::string source;  // place_name(); empty: none
    bool operator==(const PlacedCartridge&) const = default;
};

struct ChangerState {
    std::vector<Element> elements;     // ascending by type, then by address
    std::vector<std::string> outside;  // cartridges for which there is no slot
    // Remembered, and not on the shelf since: where they were is kept until they come back.
    std::vector<PlacedCartridge> missing;

    // Borrowed for good.
    std::vector<Drive>* drives = nullptr;
    CartridgeShelf* shelf = nullptr;
    VirtualVolumes* volumes = nullptr;  // null: none

    std::map<NexusId, VolumeSearch> searches;
    bool operator_moves = false;  // hosts' moves wait for that
    TapeAlerts alerts;
};

// Null: no such element.
[[nodiscard]] Element* element_at(ChangerState& changer, std::uint16_t address);
[[nodiscard]] const Element* element_at(const ChangerState& changer, std::uint16_t address);
[[nodiscard]] Element* element_with(ChangerState& changer, const std::string& barcode);
[[nodiscard]] const Element* first_of(const ChangerState& changer, ElementType type);
[[nodiscard]] std::size_t count_of(const ChangerState& changer, ElementType type);

// "slot 1" (from 1), "port 1", "drive SERIAL", "robot": what stays true when addresses change.
[[nodiscard]] std::string place_name(const ChangerState& changer, const Element& element);
[[nodiscard]] Element* element_named(ChangerState& changer, const std::string& place);

// Puts cartridges where they are remembered to be and the rest into free slots. Before the first
// command, or again with the same. Those that are not on the shelf are `missing`.
void place_cartridges(ChangerState& changer, const std::vector<PlacedCartridge>& remembered);
// Where the cartridges of the shelf are.
[[nodiscard]] std::vector<PlacedCartridge> placed_cartridges(const ChangerState& changer);

// Puts the virtual volumes there are now into their slots. True: there are others than before.
bool name_virtual_volumes(ChangerState& changer);

// Where a cartridge that is in a drive goes when nobody says where: back to the slot it came from
// when that is empty, else to the first one that is kept for no other cartridge. Null: there is
// none.
[[nodiscard]] const Element* way_back(const ChangerState& changer, const std::string& barcode);

// It is missing for good. True: it was missing.
[[nodiscard]] bool forget_missing(ChangerState& changer, const std::string& barcode);

// Looks at the shelf: what was missing and is back goes to its slot when that is free, what is new
// into free slots, what has vanished leaves its element. True: something is elsewhere now.
bool take_inventory(ChangerState& changer);

}  // namespace drive_iface::virtual_library
