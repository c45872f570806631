#include "drive_iface/scsi/inquiry.hpp"

#include <algorithm>

#include "drive_iface/scsi/opcodes.hpp"

namespace drive_iface::scsi {
namespace {

using agent::core::Error;
using agent::core::Result;

constexpr std::size_t standard_size_min = 36;
constexpr std::size_t version_descriptors_at = 58;
constexpr std::size_t version_descriptors_max = 8;
constexpr std::size_t standard_size = 96;
constexpr std::size_t vpd_header_size = 4;

Error trouble(const std::string& page, const std::string& what) {
    return Error{page + ": " + what};
}

std::string page_name(std::uint8_t page) {
    return "VPD page " + to_hex({&page, 1}) + "h";
}

// The payload of the page we asked for: a device that answers with another page is not believed.
Result<ByteView> payload_of(ByteView data, std::uint8_t page_code) {
    auto page = decode_vpd_page(data);
    if (!page) return page.error().within(page_name(page_code));
    if (page->page_code != page_code) {
        return trouble(page_name(page_code),
                       "byte 1: the device returned " + page_name(page->page_code));
    }
    return page->payload;
}

// Designation descriptors one behind the other; the first byte of `bytes` is byte `at` of the page.
Result<std::vector<Designator>> designators_in(ByteView bytes, std::size_t at,
                                               std::uint8_t page_code) {
    std::vector<Designator> designators;
    ByteReader in(bytes);
    while (in.remaining() > 0) {
        const std::size_t begin = at + in.position();
        const std::uint8_t protocol_and_code_set = in.u8();
        const std::uint8_t flags = in.u8();
        in.skip(1);
        const std::uint8_t length = in.u8();
        const ByteView value = in.take(length);
        if (!in.ok()) {
            return trouble(page_name(page_code),
                           "byte " + std::to_string(begin) + ": designator ends behind its list");
        }
        Designator designator{
            .protocol = {},
            .code_set = static_cast<std::uint8_t>(protocol_and_code_set & 0x0f),
            .association = static_cast<Designator::Association>(flags >> 4 & 0x03),
            .type = static_cast<std::uint8_t>(flags & 0x0f),
            .value = {value.begin(), value.end()}};
        if ((flags & 0x80) != 0)
            designator.protocol = static_cast<std::uint8_t>(protocol_and_code_set >> 4);
        designators.push_back(std::move(designator));
    }
    return designators;
}

// Pages that are one text.
Result<std::string> text_page(ByteView data, std::uint8_t page_code) {
    const auto payload = payload_of(data, page_code);
    if (!payload) return payload.error();
    return trimmed_ascii(*payload);
}

}  // namespace

Result<StandardInquiry> decode_standard_inquiry(ByteView data) {
    if (data.size() < standard_size_min) {
        return trouble("INQUIRY", std::to_string(data.size()) + " bytes, at least 36 are needed");
    }
    StandardInquiry inquiry{.peripheral_qualifier = static_cast<std::uint8_t>(data[0] >> 5),
                            .device_type = static_cast<std::uint8_t>(data[0] & 0x1f),
                            .removable = (data[1] & 0x80) != 0,
                            .version = data[2],
                            .multiple_ports = (data[6] & 0x10) != 0,
                            .command_queuing = (data[7] & 0x02) != 0,
                            .vendor = trimmed_ascii(data.subspan(8, 8)),
                            .product = trimmed_ascii(data.subspan(16, 16)),
                            .revision = trimmed_ascii(data.subspan(32, 4)),
                            .version_descriptors = {}};
    // Bytes past ADDITIONAL LENGTH are not part of the data.
    const std::size_t end = std::min(data.size(), std::size_t{data[4]} + 5);
    for (std::size_t i = 0; i < version_descriptors_max; ++i) {
        const std::size_t at = version_descriptors_at + i * 2;
        if (at + 2 > end) break;
        const auto descriptor = static_cast<std::uint16_t>(data[at] << 8 | data[at + 1]);
        if (descriptor != 0) inquiry.version_descriptors.push_back(descriptor);
    }
    return inquiry;
}

Bytes encode_standard_inquiry(const StandardInquiry& inquiry) {
    constexpr std::uint8_t response_data_format = 2;
    ByteWriter out;
    out.u8(static_cast<std::uint8_t>(inquiry.peripheral_qualifier << 5 |
                                     (inquiry.device_type & 0x1f)));
    out.u8(inquiry.removable ? 0x80 : 0x00).u8(inquiry.version).u8(response_data_format);
    out.u8(standard_size - 5).u8(0);
    out.u8(inquiry.multiple_ports ? 0x10 : 0x00).u8(inquiry.command_queuing ? 0x02 : 0x00);
    out.ascii(inquiry.vendor, 8).ascii(inquiry.product, 16).ascii(inquiry.revision, 4);
    out.zeros(version_descriptors_at - out.size());
    for (std::size_t i = 0; i < version_descriptors_max; ++i) {
        out.u16(i < inquiry.version_descriptors.size() ? inquiry.version_descriptors[i]
                                                       : std::uint16_t{0});
    }
    out.zeros(standard_size - out.size());
    return out.take();
}

std::array<std::uint8_t, 6> inquiry_cdb(std::uint16_t allocation_length) {
    return {opcode::inquiry,
            0,
            0,
            static_cast<std::uint8_t>(allocation_length >> 8),
            static_cast<std::uint8_t>(allocation_length),
            0};
}

std::array<std::uint8_t, 6> inquiry_vpd_cdb(std::uint8_t page, std::uint16_t allocation_length) {
    auto cdb = inquiry_cdb(allocation_length);
    cdb[1] = 0x01;  // EVPD
    cdb[2] = page;
    return cdb;
}

Result<VpdPage> decode_vpd_page(ByteView data) {
    ByteReader in(data);
    VpdPage page{.peripheral = in.u8(), .page_code = in.u8(), .payload = {}};
    const std::uint16_t length = in.u16();
    if (!in.ok()) return Error{std::to_string(data.size()) + " bytes, 4 are needed for the header"};
    page.payload = in.take(length);
    if (!in.ok()) {
        return Error{"byte 2: PAGE LENGTH says " + std::to_string(length) + ", " +
                     std::to_string(data.size() - vpd_header_size) + " bytes follow"};
    }
    return page;
}

Bytes encode_vpd_page(std::uint8_t peripheral, std::uint8_t page_code, ByteView payload) {
    ByteWriter out;
    out.u8(peripheral).u8(page_code).u16(static_cast<std::uint16_t>(payload.size())).bytes(payload);
    return out.take();
}

Result<std::vector<std::uint8_t>> decode_supported_vpd_pages(ByteView data) {
    const auto payload = payload_of(data, vpd_page::supported_pages);
    if (!payload) return payload.error();
    return std::vector<std::uint8_t>(payload->begin(), payload->end());
}

Bytes encode_supported_vpd_pages(std::uint8_t peripheral, const std::vector<std::uint8_t>& pages) {
    return encode_vpd_page(peripheral, vpd_page::supported_pages, pages);
}

Result<std::string> decode_unit_serial_number(ByteView data) {
    return text_page(data, vpd_page::unit_serial_number);
}

Bytes encode_unit_serial_number(std::uint8_t peripheral, const std::string& serial) {
    ByteWriter payload;
    payload.ascii(serial, serial.size());
    return encode_vpd_page(peripheral, vpd_page::unit_serial_number, payload.view());
}

Result<std::vector<Designator>> decode_device_identification(ByteView data) {
    const auto payload = payload_of(data, vpd_page::device_identification);
    if (!payload) return payload.error();
    return designators_in(*payload, vpd_header_size, vpd_page::device_identification);
}

Bytes encode_device_identification(std::uint8_t peripheral,
                                   const std::vector<Designator>& designators) {
    ByteWriter payload;
    for (const Designator& designator : designators) {
        const std::uint8_t piv = designator.protocol ? 0x80 : 0x00;
        payload.u8(
            static_cast<std::uint8_t>(designator.protocol.value_or(0) << 4 | designator.code_set));
        payload.u8(static_cast<std::uint8_t>(
            piv | static_cast<std::uint8_t>(designator.association) << 4 | designator.type));
        payload.u8(0)
            .u8(static_cast<std::uint8_t>(designator.value.size()))
            .bytes(designator.value);
    }
    return encode_vpd_page(peripheral, vpd_page::device_identification, payload.view());
}

// Each port: two reserved bytes, its relative identifier, two reserved bytes, a TransportID (of its
// initiator port) and a designator list (of its target port), each behind its length.
Result<std::vector<ScsiPort>> decode_scsi_ports(ByteView data) {
    const auto payload = payload_of(data, vpd_page::scsi_ports);
    if (!payload) return payload.error();
    std::vector<ScsiPort> ports;
    ByteReader in(*payload);
    while (in.remaining() > 0) {
        const std::size_t begin = vpd_header_size + in.position();
        ScsiPort port;
        in.skip(2);
        port.relative_identifier = in.u16();
        in.skip(2);
        in.skip(in.u16());
        in.skip(2);
        const std::uint16_t length = in.u16();
        const std::size_t list_begin = vpd_header_size + in.position();
        const ByteView list = in.take(length);
        if (!in.ok()) {
            return trouble(page_name(vpd_page::scsi_ports),
                           "byte " + std::to_string(begin) + ": the port ends behind the page");
        }
        auto target_port = designators_in(list, list_begin, vpd_page::scsi_ports);
        if (!target_port) return target_port.error();
        port.target_port = std::move(target_port).value();
        ports.push_back(std::move(port));
    }
    return ports;
}

Result<std::string> decode_manufacturer_serial_number(ByteView data) {
    return text_page(data, vpd_page::manufacturer_serial_number);
}

Result<std::string> decode_automation_device_serial_number(ByteView data) {
    return text_page(data, vpd_page::automation_device_serial_number);
}

Result<std::uint16_t> decode_data_transfer_device_element_address(ByteView data) {
    constexpr std::uint8_t page_code = vpd_page::data_transfer_device_element_address;
    const auto payload = payload_of(data, page_code);
    if (!payload) return payload.error();
    if (payload->size() < 2) {
        return trouble(
            page_name(page_code),
            "an element address of " + std::to_string(payload->size()) + " bytes, two are needed");
    }
    const auto leading = payload->first(payload->size() - 2);
    if (std::any_of(leading.begin(), leading.end(), [](std::uint8_t byte) { return byte != 0; })) {
        return trouble(page_name(page_code),
                       "byte 4: " + to_hex(*payload) + "h is more than an element address can be");
    }
    return ByteReader(payload->last(2)).u16();
}

std::string to_text(const Designator& designator) {
    constexpr std::uint8_t binary = 1;
    return designator.code_set <= binary ? to_hex(designator.value)
                                         : trimmed_ascii(designator.value);
}

}  // namespace drive_iface::scsi
