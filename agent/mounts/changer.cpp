#include "agent/mounts/changer.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>

#include "drive_iface/device/patient_execute.hpp"
#include "drive_iface/scsi/element_status.hpp"
#include "drive_iface/scsi/opcodes.hpp"

namespace agent::mounts {

using claims::Place;
using claims::Volume;
using claims::Whereabouts;
using core::Duration;
using core::Error;
using core::Nothing;
using core::Outcome;
using core::Result;
using drive_iface::ScsiReply;
using drive_iface::Transport;
namespace scsi = drive_iface::scsi;

namespace {

// Room for a library of several thousand elements; a longer answer is asked for again.
constexpr std::uint32_t inventory_size = 256 * 1024;
constexpr std::uint32_t inventory_size_max = 0xffffff;
constexpr int becoming_ready_looks_max = 120;

bool says(const ScsiReply& reply, scsi::AdditionalSense what) {
    const auto sense = drive_iface::sense_of(reply);
    return sense && sense->additional == what;
}

bool says_hardware_error(const ScsiReply& reply) {
    const auto sense = drive_iface::sense_of(reply);
    return sense && sense->key == scsi::SenseKey::hardware_error;
}

Place place_of(std::uint8_t type) {
    switch (type) {
        case scsi::element_type::storage:
            return Place::slot;
        case scsi::element_type::data_transfer:
            return Place::drive;
        case scsi::element_type::import_export:
            return Place::import_export;
        default:
            return Place::picker;
    }
}

void take_in_element(const scsi::ElementStatus& element, const claims::MediaTable& media,
                     Inventory& inventory) {
    const bool full = (element.flags & scsi::element_flag::full) != 0;
    if (element.type == scsi::element_type::transport) inventory.picker = element.address;
    if (element.type == scsi::element_type::data_transfer) {
        inventory.drives.push_back({element.address, element.device_identifier,
                                    full ? element.volume_tag : "", full, element.source});
    }
    if (element.type == scsi::element_type::storage && !full)
        inventory.empty_slots.push_back(element.address);
    if (!full || element.volume_tag.empty()) return;
    Volume volume;
    volume.barcode = element.volume_tag;
    const auto medium = claims::medium_of(media, element.volume_tag);
    volume.generation = medium.generation;
    volume.kind = medium.kind;
    volume.place = place_of(element.type);
    volume.element = element.address;
    volume.home = volume.place == Place::slot ? std::optional(element.address) : element.source;
    inventory.volumes.push_back(std::move(volume));
}

Result<ScsiReply> ask_elements(Transport& changer, std::uint32_t size, bool identifiers,
                               Duration timeout) {
    const auto cdb = scsi::read_element_status_cdb(
        {.volume_tags = true, .device_identifiers = identifiers, .allocation_length = size});
    return drive_iface::execute_patiently(changer, {cdb, {}, size}, timeout, nullptr);
}

const Volume* volume_named(const Inventory& inventory, const std::string& barcode) {
    for (const auto& volume : inventory.volumes) {
        if (volume.barcode == barcode) return &volume;
    }
    return nullptr;
}

std::array<std::uint8_t, 12> move_medium_cdb(std::uint16_t picker, std::uint16_t from,
                                             std::uint16_t to) {
    const auto high = [](std::uint16_t value) { return static_cast<std::uint8_t>(value >> 8); };
    const auto low = [](std::uint16_t value) { return static_cast<std::uint8_t>(value & 0xff); };
    return {scsi::opcode::move_medium,
            0,
            high(picker),
            low(picker),
            high(from),
            low(from),
            high(to),
            low(to),
            0,
            0,
            0,
            0};
}

// The slot a volume goes back to.
std::optional<std::uint16_t> slot_for(const Inventory& inventory,
                                      const std::optional<std::uint16_t>& home) {
    const auto& empty = inventory.empty_slots;
    if (home && std::find(empty.begin(), empty.end(), *home) != empty.end()) return home;
    if (empty.empty()) return std::nullopt;
    return empty.front();
}

struct MoveTry {
    MoveEnd end;
    bool stale = false;  // elements were not as they were shown
};

MoveEnd as_shown(const Inventory& inventory, const Move& move) {
    MoveEnd end;
    end.medium = whereabouts_of(inventory, move.volume, move.drive);
    end.slot = slot_of(inventory, move.volume);
    end.done = end.medium == (move.into_drive ? Whereabouts::its_drive : Whereabouts::slot);
    return end;
}

Result<ScsiReply> order_move(Transport& changer, const std::array<std::uint8_t, 12>& cdb,
                             Duration timeout) {
    for (int looks = 0;; ++looks) {
        auto reply = changer.execute({cdb, {}, 0}, timeout);
        if (!reply) return reply;
        const auto sense = drive_iface::sense_of(*reply);
        // A unit attention says that the command was not carried out (SAM-5 5.14); a changer that
        // becomes ready refuses it.
        const bool attention = sense && sense->key == scsi::SenseKey::unit_attention;
        const bool becoming = says(*reply, scsi::additional_sense::becoming_ready) ||
                              reply->status == scsi::status::busy;
        if ((!attention && !becoming) || looks >= becoming_ready_looks_max) return reply;
        if (becoming) std::this_thread::sleep_for(std::chrono::milliseconds(500));
    }
}

Result<ScsiReply> order_stock(Transport& changer, Duration timeout) {
    const std::array<std::uint8_t, 6> cdb{scsi::opcode::initialize_element_status, 0, 0, 0, 0, 0};
    return drive_iface::execute_patiently(changer, {cdb, {}, 0}, timeout, nullptr);
}

MoveTry try_move(Transport& changer, const Move& move, const claims::MediaTable& media,
                 Duration move_timeout, Duration timeout) {
    const auto before = read_inventory(changer, media, timeout);
    if (!before) return {{.words = before.error().message}};
    MoveEnd end = as_shown(*before, move);
    if (end.done) return {end};
    const auto* volume = volume_named(*before, move.volume);
    if (volume == nullptr) {
        end.words = "the changer does not show volume " + move.volume;
        end.gone = true;
        return {end, true};
    }
    const std::string place =
        std::string(to_text(volume->place)) + " element " + std::to_string(volume->element);
    if (move.into_drive && volume->place != Place::slot) {
        end.words = "volume " + move.volume + " is no more in a slot but in " + place;
        return {end};
    }
    // Out of another drive it would be taken from whoever works with it there.
    const bool can_be_fetched =
        end.medium == Whereabouts::its_drive || volume->place == Place::picker;
    if (!move.into_drive && !can_be_fetched) {
        end.words = "volume " + move.volume + " is no more in its drive but in " + place;
        end.gone = true;
        return {end, true};
    }
    const auto to = move.into_drive ? std::optional(move.drive) : slot_for(*before, move.home);
    if (!to) {
        end.words = "no slot is empty";
        return {end};
    }
    const auto reply =
        order_move(changer, move_medium_cdb(before->picker, volume->element, *to), move_timeout);
    const auto after = read_inventory(changer, media, timeout);
    if (!after) return {{.words = after.error().message}};
    MoveEnd shown = as_shown(*after, move);
    if (shown.done) return {shown};
    shown.words = "MOVE MEDIUM from element " + std::to_string(volume->element) + " to " +
                  std::to_string(*to) + ": " +
                  (reply ? drive_iface::in_words(*reply) : reply.error().message);
    shown.hardware = reply && says_hardware_error(*reply);
    const bool stale =
        reply && (says(*reply, scsi::additional_sense::medium_source_element_empty) ||
                  says(*reply, scsi::additional_sense::medium_destination_element_full));
    return {shown, stale};
}

}  // namespace

Result<Inventory> read_inventory(Transport& changer, const claims::MediaTable& media,
                                 Duration timeout) {
    bool identifiers = true;
    for (std::uint32_t size = inventory_size;;) {
        const auto reply = ask_elements(changer, size, identifiers, timeout);
        if (!reply) return reply.error().within("READ ELEMENT STATUS");
        if (identifiers && drive_iface::says_not_supported(*reply)) {
            identifiers = false;
            continue;
        }
        if (reply->status != scsi::status::good)
            return Error{"READ ELEMENT STATUS: " + drive_iface::in_words(*reply)};
        const auto data = scsi::decode_element_status(reply->data_in);
        if (!data) return data.error().within("READ ELEMENT STATUS");
        if (data->whole_size > size && size < inventory_size_max) {
            size = static_cast<std::uint32_t>(
                std::min<std::size_t>(data->whole_size + 4096, inventory_size_max));
            continue;
        }
        Inventory inventory;
        for (const auto& element : data->elements)
            take_in_element(element, media, inventory);
        return inventory;
    }
}

bool means_drive(const ChangerDrive& drive, const std::string& serial) {
    return drive.identifier && scsi::identifies(*drive.identifier, serial);
}

Outcome take_stock(Transport& changer, Duration timeout) {
    const auto reply = order_stock(changer, timeout);
    if (!reply) return reply.error().within("INITIALIZE ELEMENT STATUS");
    if (reply->status == scsi::status::good) return Nothing{};
    return Error{"INITIALIZE ELEMENT STATUS: " + drive_iface::in_words(*reply)};
}

Whereabouts whereabouts_of(const Inventory& inventory, const std::string& barcode,
                           std::uint16_t drive_element) {
    const auto* volume = volume_named(inventory, barcode);
    if (volume == nullptr) return Whereabouts::missing;
    if (volume->place == Place::slot) return Whereabouts::slot;
    if (volume->place == Place::drive && volume->element == drive_element)
        return Whereabouts::its_drive;
    return Whereabouts::elsewhere;
}

std::string other_cartridge(const Inventory& inventory, const std::string& barcode,
                            std::uint16_t drive_element) {
    const auto& drives = inventory.drives;
    const auto drive = std::find_if(drives.begin(), drives.end(), [&](const ChangerDrive& one) {
        return one.element == drive_element;
    });
    if (drive == drives.end() || !drive->full || drive->volume == barcode) return {};
    if (!drive->volume.empty()) return "volume " + drive->volume;
    return volume_named(inventory, barcode) == nullptr ? "" : "a cartridge without a label";
}

std::optional<std::uint16_t> slot_of(const Inventory& inventory, const std::string& barcode) {
    const auto* volume = volume_named(inventory, barcode);
    if (volume == nullptr || volume->place != Place::slot) return std::nullopt;
    return volume->element;
}

MoveEnd move_volume(Transport& changer, const Move& move, const claims::MediaTable& media,
                    Duration move_timeout, Duration timeout) {
    auto first = try_move(changer, move, media, move_timeout, timeout);
    if (first.end.done || !first.stale) return first.end;
    const auto stock = order_stock(changer, move_timeout);
    if (stock && stock->status == scsi::status::good)
        return try_move(changer, move, media, move_timeout, timeout).end;
    // A changer that can look again, and has not, may have shown what was so before.
    const bool can_not_look = stock && drive_iface::says_not_supported(*stock);
    if (!move.into_drive && first.end.gone && !can_not_look) {
        first.end.gone = false;
        first.end.medium = Whereabouts::no_answer;
        first.end.words += "; INITIALIZE ELEMENT STATUS: " +
                           (stock ? drive_iface::in_words(*stock) : stock.error().message);
    }
    return first.end;
}

}  // namespace agent::mounts
