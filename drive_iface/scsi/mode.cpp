#include "drive_iface/scsi/mode.hpp"

#include <algorithm>

#include "drive_iface/scsi/opcodes.hpp"

namespace drive_iface::scsi {
namespace {

using agent::core::Error;
using agent::core::Result;

constexpr std::size_t block_descriptor_size = 8;
constexpr std::uint8_t current_values = 0x00;  // PC 00b
constexpr std::uint8_t disable_block_descriptors_bit = 0x08;

struct Header {
    std::size_t data_length = 0;  // of everything, header included
    std::size_t block_descriptor_length = 0;
    bool long_lba = false;
};

Result<ModeParameters> decode_after_header(ByteView data, ByteReader in, const Header& header,
                                           ModeParameters parameters, const std::string& command) {
    if (!in.ok()) {
        return Error{command + ": " + std::to_string(data.size()) +
                     " bytes are too few for the header"};
    }
    parameters.complete = data.size() >= header.data_length;
    const ByteView content =
        data.first(std::min(data.size(), std::max(header.data_length, in.position())));
    ByteReader body(content.subspan(in.position()));

    const ByteView descriptors = body.take(header.block_descriptor_length);
    if (!body.ok()) {
        if (!parameters.complete) return parameters;
        return Error{command + ": BLOCK DESCRIPTOR LENGTH " +
                     std::to_string(header.block_descriptor_length) + " ends behind the data"};
    }
    if (descriptors.size() >= block_descriptor_size && !header.long_lba) {
        ByteReader descriptor(descriptors);
        BlockDescriptor block;
        block.density_code = descriptor.u8();
        block.block_count = descriptor.u24();
        descriptor.skip(1);
        block.block_length = descriptor.u24();
        parameters.block_descriptor = block;
    }
    while (body.remaining() > 0) {
        const std::size_t at = in.position() + body.position();
        const std::uint8_t first = body.u8();
        ModePage page{.page = static_cast<std::uint8_t>(first & 0x3f),
                      .subpage = 0,
                      .savable = (first & 0x80) != 0,
                      .value = {}};
        const bool subpage_format = (first & 0x40) != 0;
        if (subpage_format) page.subpage = body.u8();
        const std::size_t length = subpage_format ? body.u16() : body.u8();
        const ByteView value = body.take(length);
        if (!body.ok()) {
            if (!parameters.complete) return parameters;
            return Error{command + ": byte " + std::to_string(at) +
                         ": mode page ends behind the data"};
        }
        page.value.assign(value.begin(), value.end());
        parameters.pages.push_back(std::move(page));
    }
    return parameters;
}

void encode_body(ByteWriter& out, const ModeParameters& parameters) {
    if (parameters.block_descriptor) {
        const BlockDescriptor& block = *parameters.block_descriptor;
        out.u8(block.density_code).u24(block.block_count).u8(0).u24(block.block_length);
    }
    for (const ModePage& page : parameters.pages) {
        const bool subpage_format = page.subpage != 0;
        out.u8(static_cast<std::uint8_t>((page.savable ? 0x80 : 0) | (subpage_format ? 0x40 : 0) |
                                         page.page));
        if (subpage_format) {
            out.u8(page.subpage).u16(static_cast<std::uint16_t>(page.value.size()));
        } else {
            out.u8(static_cast<std::uint8_t>(page.value.size()));
        }
        out.bytes(page.value);
    }
}

}  // namespace

std::array<std::uint8_t, 6> mode_sense_6_cdb(std::uint8_t page, std::uint8_t subpage,
                                             bool disable_block_descriptors,
                                             std::uint8_t allocation_length) {
    return {opcode::mode_sense_6,
            disable_block_descriptors ? disable_block_descriptors_bit : std::uint8_t{0},
            static_cast<std::uint8_t>(current_values | (page & 0x3f)),
            subpage,
            allocation_length,
            0};
}

std::array<std::uint8_t, 10> mode_sense_10_cdb(std::uint8_t page, std::uint8_t subpage,
                                               bool disable_block_descriptors,
                                               std::uint16_t allocation_length) {
    return {opcode::mode_sense_10,
            disable_block_descriptors ? disable_block_descriptors_bit : std::uint8_t{0},
            static_cast<std::uint8_t>(current_values | (page & 0x3f)),
            subpage,
            0,
            0,
            0,
            static_cast<std::uint8_t>(allocation_length >> 8),
            static_cast<std::uint8_t>(allocation_length),
            0};
}

Result<ModeParameters> decode_mode_parameters_6(ByteView data) {
    ByteReader in(data);
    Header header;
    ModeParameters parameters;
    header.data_length = std::size_t{in.u8()} + 1;
    parameters.medium_type = in.u8();
    parameters.device_specific = in.u8();
    header.block_descriptor_length = in.u8();
    return decode_after_header(data, in, header, std::move(parameters), "MODE SENSE(6)");
}

Result<ModeParameters> decode_mode_parameters_10(ByteView data) {
    ByteReader in(data);
    Header header;
    ModeParameters parameters;
    header.data_length = std::size_t{in.u16()} + 2;
    parameters.medium_type = in.u8();
    parameters.device_specific = in.u8();
    header.long_lba = (in.u8() & 0x01) != 0;
    in.skip(1);
    header.block_descriptor_length = in.u16();
    return decode_after_header(data, in, header, std::move(parameters), "MODE SENSE(10)");
}

Bytes encode_mode_parameters_6(const ModeParameters& parameters) {
    ByteWriter out;
    out.u8(0).u8(parameters.medium_type).u8(parameters.device_specific);
    out.u8(parameters.block_descriptor ? block_descriptor_size : 0);
    encode_body(out, parameters);
    out.set_u8(0, static_cast<std::uint8_t>(std::min<std::size_t>(out.size() - 1, 0xff)));
    return out.take();
}

Bytes encode_mode_parameters_10(const ModeParameters& parameters) {
    ByteWriter out;
    out.u16(0).u8(parameters.medium_type).u8(parameters.device_specific).u16(0);
    out.u16(parameters.block_descriptor ? block_descriptor_size : 0);
    encode_body(out, parameters);
    out.set_u16(0, static_cast<std::uint16_t>(out.size() - 2));
    return out.take();
}

}  // namespace drive_iface::scsi
