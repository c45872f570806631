#include "drive_iface/scsi/element_status.hpp"

#include <algorithm>

#include "drive_iface/scsi/opcodes.hpp"

namespace drive_iface::scsi {
namespace {

using agent::core::Error;
using agent::core::Result;

constexpr std::size_t data_header_size = 8;
constexpr std::size_t page_header_size = 8;
constexpr std::size_t descriptor_size_min = 12;
constexpr std::size_t designator_header_size = 4;
constexpr std::uint8_t code_set_mask = 0x0f;

struct ElementPage {
    std::uint8_t type = 0;
    bool primary_volume_tags = false;
    bool alternate_volume_tags = false;
    std::size_t descriptor_size = 0;
};

Error element_trouble(std::size_t at, const std::string& what) {
    return Error{"READ ELEMENT STATUS: byte " + std::to_string(at) + ": " + what};
}

// What stands behind the volume tags: code set, type, reserved, length, identifier. Four zero bytes
// (or none at all) stand for no identifier.
std::optional<Designator> device_identifier_in(ByteView rest) {
    if (rest.size() < designator_header_size) return std::nullopt;
    const std::size_t length = rest[3];
    if (length == 0 || length > rest.size() - designator_header_size) return std::nullopt;
    const ByteView value = rest.subspan(designator_header_size, length);
    Designator designator;
    designator.code_set = rest[0] & code_set_mask;
    designator.association = static_cast<Designator::Association>(rest[1] >> 4 & 0x03);
    designator.type = rest[1] & 0x0f;
    designator.value.assign(value.begin(), value.end());
    return designator;
}

// `bytes` is one whole descriptor, 12 bytes at least.
ElementStatus element_in(ByteView bytes, const ElementPage& page) {
    ByteReader in(bytes);
    ElementStatus element;
    element.type = page.type;
    element.address = in.u16();
    element.flags = in.u8();
    in.skip(1);
    element.additional.asc = in.u8();
    element.additional.ascq = in.u8();
    in.skip(3);
    const bool source_valid = (in.u8() & 0x80) != 0;
    const std::uint16_t source = in.u16();
    if (source_valid) element.source = source;
    if (page.primary_volume_tags) {
        element.volume_tag = trimmed_ascii(in.take(volume_identifier_size));
        in.skip(volume_tag_size - volume_identifier_size);
    }
    if (page.alternate_volume_tags) in.skip(volume_tag_size);
    if (in.ok()) element.device_identifier = device_identifier_in(bytes.subspan(in.position()));
    return element;
}

}  // namespace

std::array<std::uint8_t, 12> read_element_status_cdb(const ReadElementStatus& wanted) {
    const auto byte = [](std::uint32_t value) { return static_cast<std::uint8_t>(value); };
    return {opcode::read_element_status,
            byte((wanted.volume_tags ? 0x10U : 0U) | (wanted.type & 0x0fU)),
            byte(wanted.first >> 8U),
            byte(wanted.first),
            byte(wanted.count >> 8U),
            byte(wanted.count),
            byte((wanted.current_data ? 0x02U : 0U) | (wanted.device_identifiers ? 0x01U : 0U)),
            byte(wanted.allocation_length >> 16U),
            byte(wanted.allocation_length >> 8U),
            byte(wanted.allocation_length),
            0,
            0};
}

Result<ElementStatusData> decode_element_status(ByteView data) {
    ByteReader in(data);
    in.skip(5);  // lowest address and number of elements: the descriptors themselves tell
    const std::size_t byte_count = in.u24();
    if (!in.ok()) return element_trouble(data.size(), "the answer ends inside its header");
    ElementStatusData status;
    status.whole_size = data_header_size + byte_count;
    // What lies behind the answer's own end is not part of it.
    const std::size_t end = std::min(data.size(), status.whole_size);
    std::size_t at = data_header_size;
    while (at + page_header_size <= end) {
        ByteReader header(data.subspan(at, page_header_size));
        ElementPage page;
        page.type = header.u8();
        const std::uint8_t tags = header.u8();
        page.primary_volume_tags = (tags & 0x80) != 0;
        page.alternate_volume_tags = (tags & 0x40) != 0;
        page.descriptor_size = header.u16();
        header.skip(1);
        const std::size_t page_size = header.u24();
        const std::size_t needed = descriptor_size_min +
                                   (page.primary_volume_tags ? volume_tag_size : 0) +
                                   (page.alternate_volume_tags ? volume_tag_size : 0);
        if (page.descriptor_size < needed) {
            return element_trouble(at + 2, "element descriptors of " +
                                               std::to_string(page.descriptor_size) + " bytes, " +
                                               std::to_string(needed) + " are needed");
        }
        if (page_size % page.descriptor_size != 0) {
            return element_trouble(at + 5, "a page of " + std::to_string(page_size) +
                                               " bytes does not hold whole descriptors of " +
                                               std::to_string(page.descriptor_size));
        }
        at += page_header_size;
        if (page_size > status.whole_size - at) {
            return element_trouble(at - 3, "the page ends behind the answer");
        }
        const std::size_t page_end = at + page_size;
        for (; at + page.descriptor_size <= std::min(page_end, end); at += page.descriptor_size)
            status.elements.push_back(element_in(data.subspan(at, page.descriptor_size), page));
        at = page_end;
    }
    return status;
}

bool identifies(const Designator& device_identifier, const std::string& serial) {
    if (serial.empty()) return false;
    return trimmed_ascii(device_identifier.value).ends_with(serial);
}

}  // namespace drive_iface::scsi
