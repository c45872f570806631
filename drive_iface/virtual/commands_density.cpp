// REPORT DENSITY SUPPORT (SSC-3 7.9) and READ MEDIA SERIAL NUMBER (SPC-4 6.20).

#include "drive_iface/virtual/handlers.hpp"
#include "drive_iface/virtual/logical_unit.hpp"
#include "drive_iface/virtual/medium_access.hpp"

namespace drive_iface::virtual_library {
namespace {

constexpr std::uint8_t of_medium = 0x01;     // MEDIA: what the cartridge in the drive takes
constexpr std::uint8_t medium_types = 0x02;  // MEDIUM TYPE instead of densities
constexpr std::uint16_t tape_width = 127;    // tenths of a millimetre
constexpr std::string_view assigning_organization = "LTO-CVE";
constexpr std::uint64_t megabyte = 1'000'000;

Bytes with_header(const Bytes& descriptors) {
    scsi::ByteWriter out;
    out.u16(static_cast<std::uint16_t>(descriptors.size() + 2)).u16(0).bytes(descriptors);
    return out.take();
}

// SSC-3 table 47.
Bytes density_descriptor(const Personality& of, std::uint64_t capacity_mb, bool writable) {
    constexpr std::uint8_t write_ok = 0x80;
    constexpr std::uint8_t is_default = 0x20;
    scsi::ByteWriter out;
    out.u8(of.density_code).u8(of.density_code);
    out.u8(static_cast<std::uint8_t>((writable ? write_ok : 0) | is_default)).u16(0);
    out.u24(of.bits_per_mm).u16(tape_width).u16(of.tracks);
    out.u32(static_cast<std::uint32_t>(std::min<std::uint64_t>(capacity_mb, 0xffffffff)));
    out.ascii(assigning_organization, 8).ascii(of.density_name, 8).ascii(of.description, 20);
    return out.take();
}

// SSC-3 table 48.
Bytes medium_type_descriptor(const Personality& of, bool worm) {
    constexpr std::uint16_t descriptor_length = 52;
    constexpr std::uint16_t length_unknown = 0;
    scsi::ByteWriter out;
    out.u8(worm ? of.worm_medium_type : of.medium_type).u8(0).u16(descriptor_length);
    out.u8(1).u8(of.density_code).zeros(8);
    out.u16(tape_width).u16(length_unknown).u16(0);
    out.ascii(assigning_organization, 8).ascii(worm ? "WORM" : "Data", 8).ascii(of.description, 20);
    return out.take();
}

Answer of_loaded_medium(const TapeCall& call) {
    const Call& command = call.call;
    const Personality& personality = *command.drive().tape.personality;
    const CartridgeFacts& facts = call.cartridge().facts();
    const bool types = (command.cdb[1] & medium_types) != 0;
    return good(with_header(types ? medium_type_descriptor(personality, facts.worm)
                                  : density_descriptor(personality, facts.capacity / megabyte,
                                                       !facts.write_protected)),
                cdb_u16(command.cdb, 7));
}

Answer media_serial_number(const TapeCall& call) {
    std::string serial = call.cartridge().facts().barcode;
    serial.resize((serial.size() + 3) / 4 * 4, ' ');
    scsi::ByteWriter out;
    out.u32(static_cast<std::uint32_t>(serial.size())).ascii(serial, serial.size());
    return good(out.take(), cdb_u32(call.call.cdb, 6));
}

}  // namespace

Answer handle_report_density_support(const Call& call) {
    if ((call.cdb[1] & of_medium) != 0) return with_tape(call, of_loaded_medium);
    const Personality& personality = *call.drive().tape.personality;
    if ((call.cdb[1] & medium_types) == 0) {
        return good(with_header(density_descriptor(personality, personality.capacity_mb, true)),
                    cdb_u16(call.cdb, 7));
    }
    Bytes both = medium_type_descriptor(personality, false);
    const Bytes worm = medium_type_descriptor(personality, true);
    both.insert(both.end(), worm.begin(), worm.end());
    return good(with_header(both), cdb_u16(call.cdb, 7));
}

Answer handle_read_media_serial_number(const Call& call) {
    return with_tape(call, media_serial_number);
}

}  // namespace drive_iface::virtual_library
