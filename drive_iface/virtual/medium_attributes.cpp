#include "drive_iface/virtual/medium_attributes.hpp"

#include <algorithm>
#include <iterator>

#include "drive_iface/virtual/cleaning_cartridge.hpp"

namespace drive_iface::virtual_library {
namespace {

constexpr std::uint8_t binary = 0;
constexpr std::uint8_t ascii = 1;
constexpr std::uint8_t text = 2;

constexpr std::uint64_t megabyte = 1'000'000;
constexpr std::uint64_t mebibyte = std::uint64_t{1024} * 1024;

// Identifiers, SPC-4 tables 336, 338 and 340.
constexpr std::uint16_t remaining_capacity = 0x0000;
constexpr std::uint16_t maximum_capacity = 0x0001;
constexpr std::uint16_t tape_alert_flags = 0x0002;
constexpr std::uint16_t load_count = load_count_attribute;
constexpr std::uint16_t memory_space_remaining = 0x0004;
constexpr std::uint16_t assigning_organization = 0x0005;
constexpr std::uint16_t formatted_density_code = 0x0006;
constexpr std::uint16_t volume_identifier = 0x0008;
constexpr std::uint16_t volume_change_reference = 0x0009;
constexpr std::uint16_t last_load = 0x020a;  // to 020Dh: three loads before it
constexpr std::uint16_t oldest_load = 0x020d;
constexpr std::uint16_t written_in_life = 0x0220;
constexpr std::uint16_t read_in_life = 0x0221;
constexpr std::uint16_t written_in_last_load = 0x0222;
constexpr std::uint16_t read_in_last_load = 0x0223;
constexpr std::uint16_t medium_manufacturer = 0x0400;
constexpr std::uint16_t medium_serial_number = 0x0401;
constexpr std::uint16_t medium_width = 0x0403;
constexpr std::uint16_t medium_organization = 0x0404;
constexpr std::uint16_t medium_density_code = 0x0405;
constexpr std::uint16_t memory_capacity = 0x0407;
constexpr std::uint16_t medium_type = 0x0408;
constexpr std::uint16_t used_proportion = 0x0c00;  // ours: see SET CAPACITY in tape.cpp

// SPC-4 table 340: application vendor, name, version, user medium text label, date and time last
// written, text localization, barcode, owning host, media pool, partition label, load or unload at
// partition, application format version, volume coherency, and the two globally unique identifiers.
constexpr HostAttribute host_attributes[] = {
    {0x0800, ascii, 8, false},    {0x0801, ascii, 32, false},  {0x0802, ascii, 8, false},
    {0x0803, text, 160, true},    {0x0804, ascii, 12, false},  {0x0805, binary, 1, false},
    {0x0806, ascii, 32, false},   {0x0807, text, 80, true},    {0x0808, text, 160, true},
    {0x0809, ascii, 16, false},   {0x080a, binary, 1, false},  {0x080b, ascii, 16, false},
    {0x080c, binary, 1023, true}, {0x0820, binary, 36, false}, {0x0821, binary, 36, false},
    {0x1623, binary, 1, false},  // host vendor specific: whether LTFS has locked the volume
};

constexpr std::uint16_t drive_attributes[] = {
    remaining_capacity,
    maximum_capacity,
    tape_alert_flags,
    load_count,
    memory_space_remaining,
    assigning_organization,
    formatted_density_code,
    volume_identifier,
    volume_change_reference,
    last_load,
    last_load + 1,
    last_load + 2,
    oldest_load,
    written_in_life,
    read_in_life,
    written_in_last_load,
    read_in_last_load,
    medium_manufacturer,
    medium_serial_number,
    medium_width,
    medium_organization,
    medium_density_code,
    memory_capacity,
    medium_type,
    cleanings_permitted_attribute,
    used_proportion,
};

// As much as a chip of LTO-8 has for hosts; ours is never short of it.
constexpr std::uint64_t memory_bytes = std::uint64_t{16} * 1024;

Bytes number(std::uint64_t value, std::size_t width) {
    Bytes bytes(width, 0);
    for (std::size_t i = 0; i < width; ++i)
        bytes[width - 1 - i] = static_cast<std::uint8_t>(value >> (8 * i));
    return bytes;
}

std::uint64_t number_of(const MediumAttributes& attributes, std::uint16_t identifier) {
    const auto found = attributes.find(identifier);
    std::uint64_t value = 0;
    if (found == attributes.end()) return value;
    for (const std::uint8_t byte : found->second.value)
        value = value << 8 | byte;
    return value;
}

Bytes field(std::string_view value, std::size_t width) {
    scsi::ByteWriter out;
    out.ascii(value, width);
    return out.take();
}

std::uint64_t memory_used(const MediumAttributes& attributes) {
    std::uint64_t used = 0;
    for (const auto& [identifier, attribute] : attributes)
        used += attribute.value.size();
    return used;
}

// SPC-4 table 338.
std::uint8_t medium_type_of(const CartridgeFacts& facts) {
    constexpr std::uint8_t data = 0x00;
    constexpr std::uint8_t cleaning_tape = 0x01;
    constexpr std::uint8_t worm = 0x80;
    if (facts.cleaning) return cleaning_tape;
    return facts.worm ? worm : data;
}

// Nothing is recorded on a cleaning cartridge.
bool is_about_data(std::uint16_t identifier) {
    return identifier == remaining_capacity || identifier == maximum_capacity ||
           identifier == formatted_density_code || identifier == medium_density_code ||
           identifier == read_in_last_load || identifier == written_in_last_load;
}

// What the drive knows without keeping it.
std::map<std::uint16_t, MediumAttribute> made_up(const TapeState& drive,
                                                 const Cartridge& cartridge) {
    const CartridgeFacts& facts = cartridge.facts();
    const Personality& personality = *drive.personality;
    const std::uint64_t end = end_of_medium_at(cartridge);
    constexpr std::uint64_t width_in_tenths_of_mm = 127;
    const std::uint64_t used = memory_used(cartridge.attributes());
    const std::uint64_t free = end - std::min(end, cartridge.used());
    return {
        {remaining_capacity, {binary, number(free / mebibyte, 8)}},
        {maximum_capacity, {binary, number(capacity_of(cartridge) / mebibyte, 8)}},
        {tape_alert_flags, {binary, drive.alerts.as_bits()}},
        {memory_space_remaining, {binary, number(memory_bytes - std::min(memory_bytes, used), 8)}},
        {assigning_organization, {ascii, field("LTO-CVE", 8)}},
        {formatted_density_code, {binary, number(personality.density_code, 1)}},
        {read_in_last_load, {binary, number(drive.since_load.bytes_read / megabyte, 8)}},
        {written_in_last_load, {binary, number(drive.since_load.bytes_written / megabyte, 8)}},
        {medium_manufacturer, {ascii, field("LRA", 8)}},
        {medium_serial_number, {ascii, field(facts.barcode, 32)}},
        {volume_identifier, {ascii, field(facts.barcode, 32)}},
        {medium_width, {binary, number(width_in_tenths_of_mm, 4)}},
        {medium_organization, {ascii, field("LTO-CVE", 8)}},
        {medium_density_code, {binary, number(personality.density_code, 1)}},
        {memory_capacity, {binary, number(memory_bytes, 8)}},
        {medium_type, {binary, number(medium_type_of(facts), 1)}},
    };
}

}  // namespace

const HostAttribute* find_host_attribute(std::uint16_t identifier) {
    const auto* found = std::find_if(
        std::begin(host_attributes), std::end(host_attributes),
        [identifier](const HostAttribute& entry) { return entry.identifier == identifier; });
    return found == std::end(host_attributes) ? nullptr : found;
}

std::vector<AttributeEntry> attributes_of(const TapeState& drive, const Cartridge& cartridge) {
    auto all = made_up(drive, cartridge);
    for (const auto& [identifier, attribute] : cartridge.attributes())
        all.emplace(identifier, attribute);
    if (cartridge.facts().cleaning)
        std::erase_if(all, [](const auto& entry) { return is_about_data(entry.first); });
    std::vector<AttributeEntry> entries;
    entries.reserve(all.size());
    for (auto& [identifier, attribute] : all) {
        entries.push_back({.identifier = identifier,
                           .read_only = find_host_attribute(identifier) == nullptr,
                           .attribute = std::move(attribute)});
    }
    return entries;
}

std::vector<std::uint16_t> supported_attributes() {
    std::vector<std::uint16_t> all(std::begin(drive_attributes), std::end(drive_attributes));
    for (const HostAttribute& entry : host_attributes)
        all.push_back(entry.identifier);
    std::sort(all.begin(), all.end());
    return all;
}

Lifetime lifetime_of(const Cartridge& cartridge) {
    const MediumAttributes& kept = cartridge.attributes();
    return {.loads = number_of(kept, load_count),
            .megabytes_written = number_of(kept, written_in_life),
            .megabytes_read = number_of(kept, read_in_life)};
}

Bytes encode_attributes(const std::vector<AttributeEntry>& entries) {
    constexpr std::uint8_t read_only = 0x80;
    scsi::ByteWriter out;
    for (const AttributeEntry& entry : entries) {
        out.u16(entry.identifier);
        out.u8(
            static_cast<std::uint8_t>((entry.read_only ? read_only : 0) | entry.attribute.format));
        out.u16(static_cast<std::uint16_t>(entry.attribute.value.size()));
        out.bytes(entry.attribute.value);
    }
    return out.take();
}

DecodedAttributes decode_attributes(scsi::ByteView list) {
    constexpr std::uint16_t header = 4;
    DecodedAttributes decoded;
    scsi::ByteReader in(list.size() < header ? scsi::ByteView{} : list.subspan(header));
    while (in.remaining() > 0) {
        const auto at = static_cast<std::uint16_t>(header + in.position());
        AttributeEntry entry;
        entry.identifier = in.u16();
        const std::uint8_t flags = in.u8();
        const scsi::ByteView value = in.take(in.u16());
        if (!in.ok()) {
            decoded.wrong_at = at;
            return decoded;
        }
        entry.read_only = (flags & 0x80) != 0;
        entry.attribute = {.format = static_cast<std::uint8_t>(flags & 0x03),
                           .value = {value.begin(), value.end()}};
        decoded.entries.push_back(std::move(entry));
    }
    return decoded;
}

void note_load(MediumAttributes& attributes, std::string_view vendor, std::string_view serial) {
    attributes[load_count] = {binary, number(number_of(attributes, load_count) + 1, 8)};
    for (std::uint16_t older = oldest_load; older > last_load; --older) {
        const auto newer = attributes.find(static_cast<std::uint16_t>(older - 1));
        if (newer != attributes.end()) attributes[older] = newer->second;
    }
    Bytes device = field(vendor, 8);
    const Bytes rest = field(serial, 32);
    device.insert(device.end(), rest.begin(), rest.end());
    attributes[last_load] = {ascii, std::move(device)};
}

void note_written(MediumAttributes& attributes, const TapeCounters& since_load) {
    const auto add = [&attributes](std::uint16_t identifier, std::uint64_t bytes) {
        const std::uint64_t before = number_of(attributes, identifier);
        attributes[identifier] = {binary, number(before + bytes / megabyte, 8)};
    };
    add(written_in_life, since_load.bytes_written);
    add(read_in_life, since_load.bytes_read);
    const std::uint64_t reference = number_of(attributes, volume_change_reference);
    const bool changed = since_load.blocks_written > 0 || since_load.filemarks_written > 0;
    attributes[volume_change_reference] = {binary, number(reference + (changed ? 1 : 0), 4)};
}

}  // namespace drive_iface::virtual_library
