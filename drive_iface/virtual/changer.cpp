#include "drive_iface/virtual/changer.hpp"

#include <algorithm>
#include <utility>

#include "drive_iface/scsi/inquiry.hpp"
#include "drive_iface/virtual/drive.hpp"
#include "drive_iface/virtual/replies.hpp"

namespace drive_iface::virtual_library {
namespace {

using agent::core::Error;
using agent::core::InitiatorPort;
using agent::core::Nothing;
using agent::core::Outcome;

// Annex D of SPC-4: SAM-5, iSCSI, SPC-4, SMC-3.
const std::vector<std::uint16_t> version_descriptors{0x00a0, 0x0960, 0x0460, 0x0480};

std::vector<Element> elements_of(const ChangerIdentity& identity, const std::vector<Drive>& drives,
                                 const std::vector<std::string>& volumes) {
    std::vector<Element> elements;
    const auto add = [&elements](ElementType type, std::size_t address) -> Element& {
        elements.push_back({.type = type, .address = static_cast<std::uint16_t>(address)});
        return elements.back();
    };
    add(ElementType::transport, transport_address);
    for (std::size_t i = 0; i < identity.slots; ++i)
        add(ElementType::storage, storage_first + i);
    for (std::size_t i = 0; i < volumes.size(); ++i) {
        Element& slot = add(ElementType::storage, storage_first + identity.slots + i);
        slot.of_virtual_volume = true;
        slot.volume = slot.barcode = volumes[i];
    }
    for (std::size_t i = 0; i < identity.import_export; ++i)
        add(ElementType::import_export, import_export_first + i);
    const std::size_t first_drive = elements.size();
    for (std::size_t i = 0; i < drives.size(); ++i) {
        Element& drive = add(ElementType::data_transfer, drives[i].state().element_address);
        drive.drive = i;
        drive.parallel = drives[i].state().tape.parallel;
    }
    std::sort(elements.begin() + static_cast<std::ptrdiff_t>(first_drive), elements.end(),
              [](const Element& a, const Element& b) { return a.address < b.address; });
    return elements;
}

std::string listed(const std::vector<InitiatorPort>& ports) {
    std::string names;
    for (const InitiatorPort& port : ports)
        names += (names.empty() ? "" : ", ") + agent::core::to_text(port);
    return names.empty() ? "a host" : names;
}

// None when it is no drive.
std::vector<InitiatorPort> who_prevent_removal(const ChangerState& changer, const Element& at) {
    std::vector<InitiatorPort> ports;
    if (at.type != ElementType::data_transfer) return ports;
    for (const auto& [id, nexus] : (*changer.drives)[at.drive].unit().nexuses) {
        if (nexus.prevents_removal) ports.push_back(nexus.port);
    }
    return ports;
}

// In words: what a host is told with a sense code.
std::string words_for(const CommandReply& reply, const ChangerState& changer,
                      const std::string& barcode, const Element& from, const Element& to) {
    namespace code = scsi::additional_sense;
    const auto place = place_name(changer, to);
    const std::string what = "cartridge " + barcode + " can not be moved to " + place + ": ";
    if (reply.status == Status::reservation_conflict) {
        const auto holders_at = [&changer](const Element& at) {
            if (at.type != ElementType::data_transfer) return std::vector<InitiatorPort>{};
            return (*changer.drives)[at.drive].unit().reservations.described().holders;
        };
        const auto at_source = holders_at(from);
        return what + place_name(changer, at_source.empty() ? to : from) + " is reserved by " +
               listed(at_source.empty() ? holders_at(to) : at_source) + "; release it there first";
    }
    const auto sense = scsi::decode_sense(reply.sense);
    const auto why = sense ? sense->additional : code::none;
    if (why == code::medium_destination_element_full)
        return what + (from.address == to.address ? barcode : to.barcode) + " is there";
    if (why == code::medium_removal_prevented) {
        // Looked at in this order before the move (obstacle()).
        const auto at_source = who_prevent_removal(changer, from);
        const bool of_it = !at_source.empty();
        return what + listed(of_it ? at_source : who_prevent_removal(changer, to)) + " prevents " +
               (of_it ? "its removal" : "the removal of " + to.barcode) + " from " +
               place_name(changer, of_it ? from : to) +
               ", until it allows it or its session ends (session list, session drop)";
    }
    if (why == code::write_error) {
        return what +
               "something that was written to it could not be stored and is lost, as the log "
               "tells; ask again, and it is moved without that";
    }
    if (why == code::logical_unit_offline)
        return what + "the drive is forced offline; clear it first";
    if (why == code::media_load_or_eject_failed)
        return what + "it could not be built; the log tells why";
    return what + "it does not belong there";
}

}  // namespace

Changer::Changer(const ChangerIdentity& identity, std::vector<Drive>& drives, CartridgeShelf& shelf,
                 VirtualVolumes* volumes) {
    unit_.identity = {.device_type = scsi::device_type::medium_changer,
                      .vendor = identity.vendor,
                      .product = identity.product,
                      .serial = identity.serial,
                      .version_descriptors = version_descriptors,
                      .vital_product_data = {}};
    state_.drives = &drives;
    state_.shelf = &shelf;
    state_.volumes = volumes;
    state_.elements = elements_of(
        identity, drives, volumes == nullptr ? std::vector<std::string>{} : volumes->names());
}

Answer Changer::execute(NexusId id, std::uint64_t lun, std::span<const std::uint8_t> cdb,
                        Bytes& data_out, std::vector<LibraryEvent>& events, CommandNumber number) {
    return virtual_library::execute(unit_, &state_, changer_commands(), id, lun, cdb, data_out,
                                    events, number);
}

std::size_t Changer::data_out_length(std::span<const std::uint8_t> cdb) const {
    const Cdb whole = padded(cdb);
    const CommandRow* row = cdb.empty() ? nullptr : find_command(changer_commands(), whole);
    return row == nullptr ? 0 : announced_data_out(*row, whole, 0);
}

bool Changer::manage(NexusId id, std::uint64_t lun, TaskManagement function,
                     std::vector<LibraryEvent>& events) {
    const Managed managed = virtual_library::manage(unit_, id, lun, function, events);
    if (managed == Managed::was_reset) state_.searches.clear();
    return managed != Managed::not_supported;
}

void Changer::nexus_lost(NexusId id, std::vector<LibraryEvent>& events) {
    state_.searches.erase(id);
    state_.alerts.forget(id);
    virtual_library::nexus_lost(unit_, id, events);
}

void Changer::power_cycle(std::vector<LibraryEvent>& events) {
    state_.searches.clear();
    virtual_library::power_cycle(unit_, events);
}

std::optional<Outcome> Changer::move(const std::string& barcode, const std::string& place,
                                     std::vector<LibraryEvent>& events) {
    const bool goes_on =
        operator_move_ && operator_move_->barcode == barcode && operator_move_->place == place;
    if (operator_move_ && !goes_on) return std::nullopt;  // one after the other
    const bool busy =
        std::any_of(unit_.nexuses.begin(), unit_.nexuses.end(),
                    [](const auto& entry) { return entry.second.unfinished.has_value(); });
    if (!goes_on) {
        if (busy) return std::nullopt;
        const Element* from = element_with(state_, barcode);
        const Element* to = element_named(state_, place);
        if (from == nullptr && std::ranges::count(state_.outside, barcode) != 0) {
            return Error{"cartridge " + barcode +
                         " is outside: no slot was free for it; empty one (cartridge move, "
                         "cartridge remove) and ask for library inventory"};
        }
        if (from == nullptr) return Error{"there is no cartridge " + barcode + " in the library"};
        if (to == nullptr) {
            return Error{"there is no " + place +
                         " in the library; places are \"slot N\", \"port N\" and \"drive SERIAL\""};
        }
        OperatorMove wanted{
            .barcode = barcode, .place = place, .transfers = {{from->address, to->address}}};
        if (const auto refused = obstacle(state_, wanted.transfers, Mover{}))
            return Error{words_for(*refused, state_, barcode, *from, *to)};
        operator_move_ = std::move(wanted);
        state_.operator_moves = true;
    }
    // As they were: a volume that could not be built is back when this is known.
    const auto& way = operator_move_->transfers.front();
    const Element from = *element_at(state_, way.from);
    const Element to = *element_at(state_, way.to);
    const Answer answer = carry_out(state_, operator_move_->transfers, operator_move_->stage,
                                    unit_.identity.serial, events);
    if (!answer) return std::nullopt;
    operator_move_.reset();
    state_.operator_moves = false;
    if (answer->status != Status::good) return Error{words_for(*answer, state_, barcode, from, to)};
    attend_all(unit_, scsi::additional_sense::import_or_export_element_accessed);
    return Nothing{};
}

void Changer::take_inventory(std::vector<LibraryEvent>& events) {
    if (!virtual_library::take_inventory(state_)) return;
    attend_all(unit_, scsi::additional_sense::import_or_export_element_accessed);
    events.push_back({.drive = {unit_.identity.serial},
                      .change = LibraryEvent::Change::inventory,
                      .reservation = {},
                      .port = {}});
}

}  // namespace drive_iface::virtual_library
