#include "drive_iface/virtual/transfers.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "agent/core/assert.hpp"
#include "drive_iface/virtual/drive.hpp"
#include "drive_iface/virtual/loading.hpp"
#include "drive_iface/virtual/replies.hpp"

namespace drive_iface::virtual_library {
namespace {

namespace code = scsi::additional_sense;
using MediumState = TapeState::MediumState;
using scsi::SenseKey;

// Stages of carry_out().
constexpr std::uint32_t emptying = 0;
constexpr std::uint32_t loading = 1;

CommandReply illegal(scsi::AdditionalSense sense) {
    return check_condition(SenseKey::illegal_request, sense);
}

Drive& drive_of(ChangerState& changer, const Element& element) {
    return (*changer.drives)[element.drive];
}

bool reserved_by_another(const Drive& drive, const Mover& mover) {
    const auto& reservations = drive.unit().reservations;
    const auto held = reservations.described();
    if (held.state != agent::core::ReservationState::reserved) return false;
    const auto is_mover = [&mover](const agent::core::InitiatorPort& port) {
        return !mover.initiator_name.empty() && port.name == mover.initiator_name;
    };
    if (std::any_of(held.holders.begin(), held.holders.end(), is_mover)) return false;
    // Under the registrants-only types a registered port may use the drive as the holder may.
    const auto& persistent = reservations.persistent();
    const bool shared = persistent && persistent->type != scsi::PrType::write_exclusive &&
                        persistent->type != scsi::PrType::exclusive_access;
    if (!shared) return true;
    return std::none_of(reservations.registrations().begin(), reservations.registrations().end(),
                        [&is_mover](const auto& entry) { return is_mover(entry.port); });
}

std::optional<CommandReply> drive_obstacle(ChangerState& changer, const Element& element,
                                           const Mover& mover) {
    if (element.type != ElementType::data_transfer) return std::nullopt;
    const Drive& drive = drive_of(changer, element);
    if (reserved_by_another(drive, mover)) return reservation_conflict();
    if (drive.unit().forced_offline)
        return check_condition(SenseKey::not_ready, code::logical_unit_offline);
    if (!element.barcode.empty() && removal_prevented(drive.unit()))
        return illegal(code::medium_removal_prevented);
    return std::nullopt;
}

// The cartridge in `from`. The slot of a virtual volume is a source even while it is mounted: each
// drive gets data of its own.
std::string cartridge_in(const Element& from) {
    return from.volume.empty() ? from.barcode : from.volume;
}

// Virtual volumes go to drives and back to their slots, and nothing else goes into those.
bool fits(const ChangerState& changer, const std::string& barcode, const Element& to) {
    if (to.of_virtual_volume) return to.volume == barcode;
    const bool made_up =
        std::any_of(changer.elements.begin(), changer.elements.end(),
                    [&barcode](const Element& element) { return element.volume == barcode; });
    return !made_up || to.type == ElementType::data_transfer;
}

struct Carried {
    std::string barcode;
    bool cleaning = false;
    std::optional<std::uint16_t> source;
};

Carried take_from(ChangerState& changer, Element& from) {
    Carried carried{
        .barcode = cartridge_in(from), .cleaning = from.cleaning, .source = from.source};
    const bool is_slot =
        from.type == ElementType::storage || from.type == ElementType::import_export;
    if (is_slot) carried.source = from.address;
    if (from.type == ElementType::data_transfer) {
        Drive& drive = drive_of(changer, from);
        static_cast<void>(take_cartridge(drive.state().tape));
        drive.share(from.parallel);
    }
    from.barcode.clear();
    from.cleaning = false;
    from.by_operator = false;
    from.source.reset();
    return carried;
}

void put_into(ChangerState& changer, Element& to, Carried carried) {
    to.barcode = std::move(carried.barcode);
    to.cleaning = carried.cleaning;
    to.source = carried.source;
    to.by_operator = false;
    if (to.type != ElementType::data_transfer) return;
    Drive& drive = drive_of(changer, to);
    const bool made_up =
        std::any_of(changer.elements.begin(), changer.elements.end(),
                    [&to](const Element& element) { return element.volume == to.barcode; });
    drive.share(made_up || to.cleaning ? nullptr : to.parallel);
    drive.insert(to.barcode);
}

// True: every source is ready to be taken from. A loaded drive unloads first, which stores what was
// written.
bool emptied(ChangerState& changer, std::span<const Transfer> transfers) {
    bool all = true;
    for (const Transfer& transfer : transfers) {
        Element& from = *element_at(changer, transfer.from);
        if (from.type != ElementType::data_transfer) continue;
        Drive& drive = drive_of(changer, from);
        drive.settle();
        if (can_be_taken(drive.state().tape)) continue;
        begin_unload(drive.state().tape, false);
        drive.settle();
        if (!can_be_taken(drive.state().tape)) all = false;
    }
    return all;
}

// True, once: a cartridge that is to be taken lost what could not be stored when it was unloaded.
// Who moves it hears of that before it leaves its drive.
bool lost_writes(ChangerState& changer, std::span<const Transfer> transfers) {
    bool any = false;
    for (const Transfer& transfer : transfers) {
        Element& from = *element_at(changer, transfer.from);
        if (from.type != ElementType::data_transfer) continue;
        any = std::exchange(drive_of(changer, from).state().tape.lost_at_unload, false) || any;
    }
    return any;
}

void shift(ChangerState& changer, std::span<const Transfer> transfers) {
    std::vector<Carried> carried;
    for (const Transfer& transfer : transfers)
        carried.push_back(take_from(changer, *element_at(changer, transfer.from)));
    for (std::size_t i = 0; i < transfers.size(); ++i)
        put_into(changer, *element_at(changer, transfers[i].to), std::move(carried[i]));
}

// A virtual volume that could not be built is not mounted: it is back in its slot.
std::optional<CommandReply> could_not_be_built(ChangerState& changer, const Transfer& transfer) {
    Element& from = *element_at(changer, transfer.from);
    Element& to = *element_at(changer, transfer.to);
    if (!from.of_virtual_volume || to.type != ElementType::data_transfer) return std::nullopt;
    if (drive_of(changer, to).state().tape.medium != MediumState::unreadable) return std::nullopt;
    Carried back = take_from(changer, to);
    back.source.reset();
    put_into(changer, from, std::move(back));
    return check_condition(SenseKey::hardware_error, code::media_load_or_eject_failed);
}

}  // namespace

namespace {

std::optional<CommandReply> blocked(const ChangerState& changer,
                                    std::span<const Transfer> transfers) {
    std::set<std::uint16_t> sources;
    for (const Transfer& transfer : transfers) {
        if (cartridge_in(*element_at(changer, transfer.from)).empty())
            return illegal(code::medium_source_element_empty);
        sources.insert(transfer.from);
    }
    for (const Transfer& transfer : transfers) {
        const Element& from = *element_at(changer, transfer.from);
        const Element& to = *element_at(changer, transfer.to);
        const bool stays = transfer.from == transfer.to;
        // The one that another drive brought back is the same: it has no data until it is mounted.
        const bool back_in_its_slot = !to.volume.empty() && to.volume == cartridge_in(from);
        const bool full = !to.barcode.empty() && !back_in_its_slot;
        if (stays || (full && !sources.contains(to.address)))
            return illegal(code::medium_destination_element_full);
        if (!fits(changer, cartridge_in(from), to)) return illegal(code::invalid_element_address);
    }
    return std::nullopt;
}

}  // namespace

std::optional<CommandReply> obstacle(ChangerState& changer, std::span<const Transfer> transfers,
                                     const Mover& mover) {
    for (const Transfer& transfer : transfers) {
        const Element* from = element_at(changer, transfer.from);
        const Element* to = element_at(changer, transfer.to);
        if (from == nullptr || to == nullptr || from->type == ElementType::transport ||
            to->type == ElementType::transport)
            return illegal(code::invalid_element_address);
        for (const Element* element : {from, to}) {
            if (auto refused = drive_obstacle(changer, *element, mover)) return refused;
        }
    }
    return blocked(changer, transfers);
}

Answer carry_out(ChangerState& changer, std::span<const Transfer> transfers, std::uint32_t& stage,
                 const std::string& changer_serial, std::vector<LibraryEvent>& events) {
    if (stage == emptying) {
        if (!emptied(changer, transfers)) return std::nullopt;
        // The inventory may have been taken meanwhile.
        if (auto refused = blocked(changer, transfers)) return refused;
        if (lost_writes(changer, transfers))
            return check_condition(SenseKey::medium_error, code::write_error);
        shift(changer, transfers);
        events.push_back({.drive = {changer_serial},
                          .change = LibraryEvent::Change::inventory,
                          .reservation = {},
                          .port = {}});
        stage = loading;
    }
    for (const Transfer& transfer : transfers) {
        const Element& to = *element_at(changer, transfer.to);
        if (to.type != ElementType::data_transfer) continue;
        Drive& drive = drive_of(changer, to);
        drive.settle();
        if (drive.state().tape.medium == MediumState::opening) return std::nullopt;
    }
    for (const Transfer& transfer : transfers) {
        if (auto failed = could_not_be_built(changer, transfer)) return failed;
    }
    return good();
}

}  // namespace drive_iface::virtual_library
