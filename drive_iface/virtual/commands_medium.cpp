// What a drive does with the tape in it. The cartridge of this release is a blank one, write
// protected: reading meets the end of data at once, writing is refused. All checks that come before
// the tape itself are the real ones.

#include <algorithm>

#include "drive_iface/virtual/cartridge.hpp"
#include "drive_iface/virtual/drive_state.hpp"
#include "drive_iface/virtual/handlers.hpp"
#include "drive_iface/virtual/logical_unit.hpp"
#include "drive_iface/virtual/replies.hpp"

namespace drive_iface::virtual_library {
namespace {

std::optional<CommandReply> unless_loaded(const Call& call) {
    if (call.drive().medium_loaded) return std::nullopt;
    return check_condition(readiness(call));
}

CommandReply end_of_data(std::uint32_t not_done) {
    return check_condition({.key = scsi::SenseKey::blank_check,
                            .additional = scsi::additional_sense::end_of_data_detected,
                            .information = not_done});
}

CommandReply beginning_of_partition(std::uint32_t not_done) {
    return check_condition({.key = scsi::SenseKey::no_sense,
                            .additional = scsi::additional_sense::beginning_of_partition_detected,
                            .information = not_done,
                            .end_of_medium = true});
}

CommandReply write_protected() {
    return check_condition(scsi::SenseKey::data_protect, scsi::additional_sense::write_protected);
}

// FIXED without a block length set is an error of the host (SSC-3 6.4).
bool fixed_without_block_length(const Call& call) {
    return (call.cdb[1] & 0x01) != 0 && call.drive().block_length == 0;
}

// COUNT is 24 bits, two's complement.
std::int32_t space_count(const Cdb& cdb) {
    const std::uint32_t raw = cdb_u24(cdb, 2);
    return raw < 0x800000 ? static_cast<std::int32_t>(raw)
                          : static_cast<std::int32_t>(raw) - 0x1000000;
}

}  // namespace

Answer handle_rewind(const Call& call) {
    if (auto refused = unless_loaded(call)) return *refused;
    return good();
}

Answer handle_read_block_limits(const Call& call) {
    if ((call.cdb[1] & 0x01) != 0) return invalid_field_in_cdb(1, 0);  // MLOI
    scsi::ByteWriter out;
    out.u8(0).u24(block_length_max).u16(1);
    return good(out.take(), 6);
}

Answer handle_read_6(const Call& call) {
    constexpr std::uint8_t fixed_and_silent =
        0x03;  // FIXED and SILI exclude each other (SSC-3 6.4)
    const std::uint32_t length = cdb_u24(call.cdb, 2);
    if ((call.cdb[1] & fixed_and_silent) == fixed_and_silent) return invalid_field_in_cdb(1, 1);
    if (fixed_without_block_length(call)) return invalid_field_in_cdb(1, 0);
    if (auto refused = unless_loaded(call)) return *refused;
    return length == 0 ? good() : end_of_data(length);
}

Answer handle_write_6(const Call& call) {
    if (fixed_without_block_length(call)) return invalid_field_in_cdb(1, 0);
    if (auto refused = unless_loaded(call)) return *refused;
    return cdb_u24(call.cdb, 2) == 0 ? good() : write_protected();
}

Answer handle_write_filemarks_6(const Call& call) {
    if (auto refused = unless_loaded(call)) return *refused;
    return cdb_u24(call.cdb, 2) == 0 ? good() : write_protected();  // none: only a flush
}

Answer handle_space_6(const Call& call) {
    constexpr std::uint8_t to_end_of_data = 3;
    constexpr std::uint8_t filemarks = 1;
    const std::uint8_t code = call.cdb[1] & 0x0f;
    const std::int32_t count = space_count(call.cdb);
    if (code > filemarks && code != to_end_of_data) return invalid_field_in_cdb(1, 3);
    if (auto refused = unless_loaded(call)) return *refused;
    if (code == to_end_of_data || count == 0) return good();
    return count > 0 ? end_of_data(static_cast<std::uint32_t>(count))
                     : beginning_of_partition(static_cast<std::uint32_t>(-count));
}

Answer handle_erase_6(const Call& call) {
    if (auto refused = unless_loaded(call)) return *refused;
    return write_protected();
}

Answer handle_locate_10(const Call& call) {
    constexpr std::uint8_t change_partition_bit = 1;
    const bool change_partition = (call.cdb[1] >> change_partition_bit & 1) != 0;
    if (change_partition && call.cdb[8] != 0) return invalid_field_in_cdb(8);
    if (auto refused = unless_loaded(call)) return *refused;
    return cdb_u32(call.cdb, 3) == 0
               ? good()
               : check_condition(scsi::SenseKey::blank_check,
                                 scsi::additional_sense::end_of_data_detected);
}

// SSC-3 7.7: a blank tape at its beginning; nothing in the buffer.
Answer handle_read_position(const Call& call) {
    constexpr std::uint8_t beginning_of_partition_bit = 0x80;
    constexpr std::uint8_t short_form = 0;
    constexpr std::uint8_t short_form_vendor = 1;
    constexpr std::uint8_t long_form = 6;
    constexpr std::uint8_t extended_form = 8;
    const auto at_beginning = [](std::size_t size) {
        Bytes position(size, 0);
        position[0] = beginning_of_partition_bit;
        return position;
    };
    const std::uint8_t form = call.cdb[1] & 0x1f;
    if (form != short_form && form != short_form_vendor && form != long_form &&
        form != extended_form) {
        return invalid_field_in_cdb(1, 4);
    }
    if (auto refused = unless_loaded(call)) return *refused;
    // Only the extended form has an allocation length; the others always send everything.
    if (form == long_form) return good(at_beginning(32), 32);
    if (form != extended_form) return good(at_beginning(20), 20);
    constexpr std::uint16_t extended_additional_length = 0x1c;
    Bytes position = at_beginning(32);
    position[3] = extended_additional_length;
    return good(std::move(position), cdb_u16(call.cdb, 7));
}

Answer handle_load_unload(const Call& call) {
    constexpr std::uint8_t load = 0x01;
    constexpr std::uint8_t end_of_tape = 0x04;
    DriveState& drive = call.drive();
    const bool loads = (call.cdb[4] & load) != 0;
    if (loads && (call.cdb[4] & end_of_tape) != 0) return invalid_field_in_cdb(4, 2);
    if (loads == drive.medium_loaded) return good();
    if (loads) {
        drive.medium_loaded = true;
        drive.host_unloaded = false;
        attend_others(call.unit, call.nexus_id, scsi::additional_sense::medium_may_have_changed);
        return good();
    }
    if (removal_prevented(call.unit)) {
        return check_condition(scsi::SenseKey::illegal_request,
                               scsi::additional_sense::medium_removal_prevented);
    }
    drive.medium_loaded = false;
    drive.host_unloaded = true;
    return good();
}

Answer handle_prevent_allow(const Call& call) {
    const std::uint8_t prevent = call.cdb[4] & 0x03;
    if (prevent > 1) return invalid_field_in_cdb(4, 1);
    call.nexus.prevents_removal = prevent == 1;
    return good();
}

}  // namespace drive_iface::virtual_library
