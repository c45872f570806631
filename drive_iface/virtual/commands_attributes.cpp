// READ ATTRIBUTE and WRITE ATTRIBUTE (SPC-4 6.18 and 6.46).

#include <algorithm>

#include "drive_iface/virtual/handlers.hpp"
#include "drive_iface/virtual/loading.hpp"
#include "drive_iface/virtual/logical_unit.hpp"
#include "drive_iface/virtual/medium_access.hpp"
#include "drive_iface/virtual/medium_attributes.hpp"

namespace drive_iface::virtual_library {
namespace {

namespace code = scsi::additional_sense;

constexpr std::size_t volume_at = 5;
constexpr std::size_t partition_at = 7;

enum class Report : std::uint8_t {
    values = 0,
    list = 1,
    volumes = 2,
    partitions = 3,
    supported = 5
};

bool is_known(std::uint8_t what) {
    return what <= static_cast<std::uint8_t>(Report::partitions) ||
           what == static_cast<std::uint8_t>(Report::supported);
}

Answer other_place(const Call& call) {
    if (call.cdb[volume_at] != 0) return invalid_field_in_cdb(volume_at);
    if (call.cdb[partition_at] != 0) return invalid_field_in_cdb(partition_at);
    return std::nullopt;
}

Bytes with_length(const Bytes& list) {
    scsi::ByteWriter out;
    out.u32(static_cast<std::uint32_t>(list.size())).bytes(list);
    return out.take();
}

Bytes identifiers(const std::vector<std::uint16_t>& all) {
    scsi::ByteWriter out;
    for (const std::uint16_t identifier : all)
        out.u16(identifier);
    return with_length(out.take());
}

// One volume of one partition, numbered from 0.
Bytes numbered_from_0() {
    return {0, 2, 0, 1};
}

Answer attributes_told(const Call& call, const Cartridge& cartridge) {
    const Cdb& cdb = call.cdb;
    const std::uint16_t first = cdb_u16(cdb, 8);
    const std::size_t allocation_length = cdb_u32(cdb, 10);
    auto entries = attributes_of(call.drive().tape, cartridge);
    std::vector<std::uint16_t> all;
    switch (static_cast<Report>(cdb[1] & 0x1f)) {
        case Report::values:
            std::erase_if(entries, [first](const auto& entry) { return entry.identifier < first; });
            if (entries.empty() && first != 0) return invalid_field_in_cdb(8);
            return good(with_length(encode_attributes(entries)), allocation_length);
        case Report::list:
            for (const AttributeEntry& entry : entries)
                all.push_back(entry.identifier);
            return good(identifiers(all), allocation_length);
        case Report::volumes:
        case Report::partitions:
            return good(numbered_from_0(), allocation_length);
        case Report::supported:
            return good(identifiers(supported_attributes()), allocation_length);
    }
    return good();
}

Answer read_attribute(const TapeCall& call) {
    return attributes_told(call.call, call.cartridge());
}

// A host writes its own attributes only; an empty one is taken away. They come in ascending order,
// and none is cut off by the end of the list, or nothing is changed (SPC-4 6.46; Sony's AIT-4
// specification, WRITE ATTRIBUTE, has the sense codes of both).
bool may_be_written(const AttributeEntry& entry) {
    const HostAttribute* known = find_host_attribute(entry.identifier);
    if (known == nullptr || entry.attribute.format != known->format) return false;
    const std::size_t length = entry.attribute.value.size();
    return length == 0 || (known->at_most ? length <= known->length : length == known->length);
}

Answer write_attribute(const TapeCall& call) {
    constexpr std::uint8_t accepted = 1;
    const Call& command = call.call;
    if (call.unfinished().stage != accepted) {
        if (call.cartridge().facts().write_protected)
            return check_condition(scsi::SenseKey::data_protect, code::write_protected);
        const std::size_t length = cdb_u32(command.cdb, 10);
        const scsi::ByteView list = scsi::ByteView(command.data_out).first(length);
        const DecodedAttributes decoded = decode_attributes(list);
        if (decoded.wrong_at) {
            return check_condition(scsi::SenseKey::illegal_request,
                                   code::parameter_list_length_error);
        }
        std::uint16_t at = 4;
        std::optional<std::uint16_t> before;
        MediumAttributes attributes = call.cartridge().attributes();
        for (const AttributeEntry& entry : decoded.entries) {
            const bool ascends = !before || *before < entry.identifier;
            if (!ascends || !may_be_written(entry)) return invalid_field_in_parameter_list(at);
            before = entry.identifier;
            at = static_cast<std::uint16_t>(at + 5 + entry.attribute.value.size());
            if (entry.attribute.value.empty()) {
                attributes.erase(entry.identifier);
            } else {
                attributes[entry.identifier] = entry.attribute;
            }
        }
        call.cartridge().set_attributes(std::move(attributes));
        note_writer(call.user, command.nexus.port);
        call.unfinished().stage = accepted;
    }
    Answer reply;
    return is_memory_stored(call, reply) ? good() : reply;
}

}  // namespace

Answer handle_read_attribute(const Call& call) {
    if (!is_known(call.cdb[1] & 0x1f)) return invalid_field_in_cdb(1, 4);
    if (auto refused = other_place(call)) return refused;
    settle_medium(call.unit, call.drive().tape);
    // The memory of a cleaning cartridge can be read, and nothing else of it.
    if (const auto& cleaner = call.drive().tape.cleaner) return attributes_told(call, *cleaner);
    return with_tape(call, read_attribute);
}

Answer handle_write_attribute(const Call& call) {
    constexpr std::size_t list_max = std::size_t{64} * 1024;
    constexpr std::size_t header = 4;
    if (auto refused = other_place(call)) return refused;
    const std::size_t length = cdb_u32(call.cdb, 10);
    if (length == 0) return good();
    if (length > list_max) return invalid_field_in_cdb(10);
    if (length < header || call.data_out.size() < length) {
        return check_condition(scsi::SenseKey::illegal_request, code::parameter_list_length_error);
    }
    return with_tape(call, write_attribute);
}

}  // namespace drive_iface::virtual_library
