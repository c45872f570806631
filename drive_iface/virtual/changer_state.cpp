#include "drive_iface/virtual/changer_state.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "drive_iface/virtual/drive.hpp"
#include "drive_iface/virtual/loading.hpp"

namespace drive_iface::virtual_library {
namespace {

using MediumState = TapeState::MediumState;

TapeState& tape_of(ChangerState& changer, const Element& element) {
    return (*changer.drives)[element.drive].state().tape;
}

bool is_user_slot(const Element& element) {
    return element.type == ElementType::storage && !element.of_virtual_volume;
}

bool holds_cartridges(const Element& element) {
    return element.type != ElementType::transport && !element.of_virtual_volume;
}

// A drive can be given a cartridge before anything was threaded.
bool can_take_up(ChangerState& changer, const Element& element) {
    if (!element.barcode.empty()) return false;
    return element.type != ElementType::data_transfer ||
           tape_of(changer, element).medium == MediumState::absent;
}

void put(ChangerState& changer, Element& element, const CartridgeFacts& facts) {
    element.barcode = facts.barcode;
    element.cleaning = facts.cleaning;
    if (element.type != ElementType::data_transfer) return;
    Drive& drive = (*changer.drives)[element.drive];
    drive.share(facts.cleaning ? nullptr : element.parallel);
    drive.insert(facts.barcode);
    // No robot put it there: a start uses nothing up.
    drive.state().tape.cleaned_before = facts.cleaning;
}

// A drive keeps what it has threaded already.
void take_away(ChangerState& changer, Element& element) {
    if (element.type == ElementType::data_transfer) {
        Drive& drive = (*changer.drives)[element.drive];
        TapeState& tape = drive.state().tape;
        if (tape.medium != MediumState::opening && tape.medium != MediumState::absent) return;
        tape.medium = MediumState::absent;
        tape.barcode.clear();
        drive.share(element.parallel);
    }
    element.barcode.clear();
    element.cleaning = false;
    element.source.reset();
    element.by_operator = false;
}

// Where the cartridges that are in drives came from: hosts bring them back there (mtx unload,
// Bacula), so the robot leaves those slots free for them.
std::set<std::uint16_t> homes_of_mounted(const ChangerState& changer, const std::string& except) {
    std::set<std::uint16_t> homes;
    for (const Element& element : changer.elements) {
        if (element.type == ElementType::data_transfer && !element.barcode.empty() &&
            element.barcode != except && element.source)
            homes.insert(*element.source);
    }
    return homes;
}

// Where the missing ones were, or came from when they were in a drive.
std::set<std::string> homes_of_missing(const ChangerState& changer) {
    std::set<std::string> homes;
    for (const PlacedCartridge& cartridge : changer.missing)
        homes.insert({cartridge.place, cartridge.source});
    return homes;
}

// The slots for cartridges that nobody says a place for: first those that are kept for none, then,
// when the missing ones have to give way, theirs.
std::vector<Element*> slots_to_fill(ChangerState& changer) {
    const auto homes = homes_of_mounted(changer, {});
    const auto of_missing = homes_of_missing(changer);
    std::vector<Element*> slots, kept;
    for (Element& element : changer.elements) {
        if (!is_user_slot(element) || !element.barcode.empty() || homes.contains(element.address))
            continue;
        const bool is_kept =
            !of_missing.empty() && of_missing.contains(place_name(changer, element));
        (is_kept ? kept : slots).push_back(&element);
    }
    slots.insert(slots.end(), kept.begin(), kept.end());
    return slots;
}

void fill_free_slots(ChangerState& changer, const std::map<std::string, CartridgeFacts>& shelf) {
    changer.outside.clear();
    std::set<std::string> placed;
    for (const Element& element : changer.elements)
        placed.insert(element.barcode);
    const auto slots = slots_to_fill(changer);
    auto slot = slots.begin();
    for (const auto& [barcode, facts] : shelf) {
        if (placed.contains(barcode)) continue;
        if (slot == slots.end()) {
            changer.outside.push_back(barcode);
        } else {
            put(changer, **slot++, facts);
        }
    }
}

std::map<std::string, Element*> elements_by_name(ChangerState& changer) {
    std::map<std::string, Element*> by_name;
    for (Element& element : changer.elements) {
        if (holds_cartridges(element)) by_name.emplace(place_name(changer, element), &element);
    }
    return by_name;
}

// Nothing is put into a drive unasked: what was in one goes where there is room.
void take_back_missing(ChangerState& changer, const std::map<std::string, CartridgeFacts>& shelf) {
    const auto is_back = [&shelf](const auto& cartridge) {
        return shelf.contains(cartridge.barcode);
    };
    if (std::ranges::none_of(changer.missing, is_back)) return;
    const auto by_name = elements_by_name(changer);
    for (const PlacedCartridge& cartridge : changer.missing) {
        const auto place = by_name.find(cartridge.place);
        if (!is_back(cartridge) || place == by_name.end()) continue;
        Element& element = *place->second;
        if (element.type != ElementType::data_transfer && element.barcode.empty())
            put(changer, element, shelf.at(cartridge.barcode));
    }
    std::erase_if(changer.missing, is_back);
}

std::map<std::string, CartridgeFacts> on_shelf(const ChangerState& changer) {
    std::map<std::string, CartridgeFacts> all;
    for (auto& entry : changer.shelf->list())
        all.emplace(entry.facts.barcode, entry.facts);
    return all;
}

}  // namespace

const Element* element_at(const ChangerState& changer, std::uint16_t address) {
    const auto found = std::find_if(changer.elements.begin(), changer.elements.end(),
                                    [address](const auto& e) { return e.address == address; });
    return found == changer.elements.end() ? nullptr : &*found;
}

Element* element_at(ChangerState& changer, std::uint16_t address) {
    return const_cast<Element*>(element_at(std::as_const(changer), address));
}

Element* element_with(ChangerState& changer, const std::string& barcode) {
    const auto found = std::find_if(changer.elements.begin(), changer.elements.end(),
                                    [&barcode](const auto& e) { return e.barcode == barcode; });
    return found == changer.elements.end() ? nullptr : &*found;
}

const Element* first_of(const ChangerState& changer, ElementType type) {
    const auto found = std::find_if(changer.elements.begin(), changer.elements.end(),
                                    [type](const auto& e) { return e.type == type; });
    return found == changer.elements.end() ? nullptr : &*found;
}

std::size_t count_of(const ChangerState& changer, ElementType type) {
    return static_cast<std::size_t>(
        std::count_if(changer.elements.begin(), changer.elements.end(),
                      [type](const auto& e) { return e.type == type; }));
}

std::string place_name(const ChangerState& changer, const Element& element) {
    const auto number = [&element](std::uint16_t first) {
        return std::to_string(element.address - first + 1);
    };
    switch (element.type) {
        case ElementType::transport:
            return "robot";
        case ElementType::storage:
            return "slot " + number(storage_first);
        case ElementType::import_export:
            return "port " + number(import_export_first);
        case ElementType::data_transfer:
            return "drive " + (*changer.drives)[element.drive].unit().identity.serial;
    }
    return {};
}

Element* element_named(ChangerState& changer, const std::string& place) {
    const auto found =
        std::find_if(changer.elements.begin(), changer.elements.end(),
                     [&](const Element& element) { return place_name(changer, element) == place; });
    return found == changer.elements.end() ? nullptr : &*found;
}

void place_cartridges(ChangerState& changer, const std::vector<PlacedCartridge>& remembered) {
    for (Element& element : changer.elements) {
        if (holds_cartridges(element)) take_away(changer, element);
    }
    const auto by_name = elements_by_name(changer);
    const auto shelf = on_shelf(changer);
    changer.missing.clear();
    std::set<std::string> placed;
    for (const Element& element : changer.elements)
        placed.insert(element.barcode);
    for (const PlacedCartridge& cartridge : remembered) {
        const auto facts = shelf.find(cartridge.barcode);
        const auto place = by_name.find(cartridge.place);
        if (facts == shelf.end()) {
            changer.missing.push_back(cartridge);
        }
        if (facts == shelf.end() || place == by_name.end()) continue;
        if (placed.contains(cartridge.barcode)) continue;
        if (!can_take_up(changer, *place->second)) continue;
        put(changer, *place->second, facts->second);
        placed.insert(cartridge.barcode);
        const auto source = by_name.find(cartridge.source);
        if (source != by_name.end()) place->second->source = source->second->address;
    }
    fill_free_slots(changer, shelf);
}

std::vector<PlacedCartridge> placed_cartridges(const ChangerState& changer) {
    std::vector<PlacedCartridge> placed;
    for (const Element& element : changer.elements) {
        if (element.barcode.empty()) continue;
        const Element* source = element.source ? element_at(changer, *element.source) : nullptr;
        const bool made_up = element.of_virtual_volume || (source && source->of_virtual_volume);
        if (made_up) continue;
        placed.push_back({.barcode = element.barcode,
                          .place = place_name(changer, element),
                          .source = source ? place_name(changer, *source) : std::string{}});
    }
    return placed;
}

bool name_virtual_volumes(ChangerState& changer) {
    if (changer.volumes == nullptr) return false;
    const auto names = changer.volumes->names();
    auto name = names.begin();
    bool changed = false;
    for (Element& slot : changer.elements) {
        if (!slot.of_virtual_volume || name == names.end()) continue;
        if (slot.volume != *name) {
            slot.volume = slot.barcode = *name;
            changed = true;
        }
        ++name;
    }
    return changed;
}

const Element* way_back(const ChangerState& changer, const std::string& barcode) {
    const auto in_drive = std::ranges::find(changer.elements, barcode, &Element::barcode);
    if (in_drive != changer.elements.end() && in_drive->source) {
        const Element* home = element_at(changer, *in_drive->source);
        if (home != nullptr && home->barcode.empty()) return home;
    }
    const auto homes = homes_of_mounted(changer, barcode);
    const auto of_missing = homes_of_missing(changer);
    const auto free = std::ranges::find_if(changer.elements, [&](const Element& element) {
        return is_user_slot(element) && element.barcode.empty() &&
               !homes.contains(element.address) &&
               !of_missing.contains(place_name(changer, element));
    });
    return free == changer.elements.end() ? nullptr : &*free;
}

bool forget_missing(ChangerState& changer, const std::string& barcode) {
    const bool was_missing = std::erase_if(changer.missing, [&barcode](const auto& cartridge) {
                                 return cartridge.barcode == barcode;
                             }) > 0;
    if (was_missing && changer.missing.empty()) changer.alerts.set(ChangerAlert::inventory, false);
    return was_missing;
}

bool take_inventory(ChangerState& changer) {
    const bool renamed = name_virtual_volumes(changer);
    const auto before = placed_cartridges(changer);
    const auto shelf = on_shelf(changer);
    bool missing = false;
    for (Element& element : changer.elements) {
        const bool stays = !holds_cartridges(element) || element.barcode.empty() ||
                           element.type == ElementType::data_transfer ||
                           shelf.contains(element.barcode);
        if (!stays) take_away(changer, element);
        missing = missing || !stays;
    }
    changer.alerts.set(ChangerAlert::inventory, missing);
    take_back_missing(changer, shelf);
    fill_free_slots(changer, shelf);
    return placed_cartridges(changer) != before || renamed;
}

}  // namespace drive_iface::virtual_library
