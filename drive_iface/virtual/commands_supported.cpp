// MAINTENANCE IN: the drive describes its own command set, from the table that it runs on.

#include "drive_iface/virtual/handlers.hpp"
#include "drive_iface/virtual/logical_unit.hpp"
#include "drive_iface/virtual/replies.hpp"

namespace drive_iface::virtual_library {
namespace {

constexpr std::uint8_t all_commands = 0;
constexpr std::uint8_t one_by_opcode = 1;
constexpr std::uint8_t one_by_service_action = 2;
constexpr std::uint8_t one_if_supported = 3;
constexpr std::uint16_t reporting_options_byte = 2;

constexpr std::uint8_t not_supported = 1;
constexpr std::uint8_t supported_by_standard = 3;

// In seconds. Nothing here takes time but what is behind it: the folders that cartridges are in.
struct Timeouts {
    std::uint32_t nominal;      // ask about progress no earlier than that
    std::uint32_t recommended;  // give up no earlier than that
};

// What a command may have to wait for. The buffer of a cartridge and one block are megabytes: a
// disk that needs minutes for those is broken, and until then the command is to wait.
Timeouts timeouts_of(const CommandRow& row) {
    constexpr Timeouts answers_at_once{1, 60};
    constexpr Timeouts one_transfer{1, 300};         // a block is fetched, or room is made
    constexpr Timeouts until_stored{30, 900};        // everything that was written is synchronised
    constexpr Timeouts unloads_and_loads{60, 1800};  // two drives, both with something to store
    if (row.medium == Medium::not_used) return answers_at_once;
    switch (row.opcode) {
        case scsi::opcode::read_6:
        case scsi::opcode::read_16:
        case scsi::opcode::verify_6:
        case scsi::opcode::write_6:
        case scsi::opcode::write_16:
            return one_transfer;
        case scsi::opcode::move_medium:
        case scsi::opcode::exchange_medium:
            return unloads_and_loads;
        default:
            return until_stored;
    }
}

// SPC-4 6.34.5.
void append_timeouts(scsi::ByteWriter& out, const CommandRow& row) {
    constexpr std::uint16_t descriptor_length = 10;
    const Timeouts timeouts = timeouts_of(row);
    out.u16(descriptor_length).u16(0).u32(timeouts.nominal).u32(timeouts.recommended);
}

Bytes describe_all(CommandTable table, bool with_timeouts) {
    constexpr std::uint8_t timeouts_follow = 0x02;       // CTDP
    constexpr std::uint8_t service_action_valid = 0x01;  // SERVACTV
    scsi::ByteWriter out;
    out.u32(0);
    for (const CommandRow& row : table) {
        out.u8(row.opcode).u8(0).u16(row.service_action.value_or(0)).u8(0);
        out.u8(static_cast<std::uint8_t>((with_timeouts ? timeouts_follow : 0) |
                                         (row.service_action ? service_action_valid : 0)));
        out.u16(static_cast<std::uint16_t>(scsi::cdb_length(row.opcode)));
        if (with_timeouts) append_timeouts(out, row);
    }
    out.set_u32(0, static_cast<std::uint32_t>(out.size() - 4));
    return out.take();
}

Bytes describe_one(const CommandRow* row, bool with_timeouts) {
    constexpr std::uint8_t timeouts_follow = 0x80;  // CTDP
    scsi::ByteWriter out;
    if (row == nullptr) {
        out.u8(0).u8(not_supported).u16(0);
        return out.take();
    }
    const std::size_t length = scsi::cdb_length(row->opcode);
    out.u8(0).u8(
        static_cast<std::uint8_t>((with_timeouts ? timeouts_follow : 0) | supported_by_standard));
    out.u16(static_cast<std::uint16_t>(length)).bytes(std::span(row->usage).first(length));
    if (with_timeouts) append_timeouts(out, *row);
    return out.take();
}

}  // namespace

Answer handle_report_supported_operation_codes(const Call& call) {
    const bool with_timeouts = (call.cdb[2] & 0x80) != 0;  // RCTD
    const std::uint8_t options = call.cdb[2] & 0x07;
    const std::uint8_t opcode = call.cdb[3];
    const std::uint16_t service_action = cdb_u16(call.cdb, 4);
    const std::size_t allocation_length = cdb_u32(call.cdb, 6);
    if (options == all_commands)
        return good(describe_all(call.table, with_timeouts), allocation_length);
    if (options > one_if_supported) return invalid_field_in_cdb(reporting_options_byte, 2);

    // Asking by the operation code alone for one that has service actions, or the other way round,
    // is an error and the field to blame is REPORTING OPTIONS (SPC-4 6.34.1); option 3 asks without
    // knowing.
    const bool by_service_action = has_service_actions(call.table, opcode);
    if (options == one_by_opcode && by_service_action)
        return invalid_field_in_cdb(reporting_options_byte, 2);
    if (options == one_by_service_action && has_opcode(call.table, opcode) && !by_service_action) {
        return invalid_field_in_cdb(reporting_options_byte, 2);
    }
    Cdb wanted{opcode, static_cast<std::uint8_t>(by_service_action ? service_action : 0)};
    const bool exists = !by_service_action || service_action <= 0x1f;
    return good(describe_one(exists ? find_command(call.table, wanted) : nullptr, with_timeouts),
                allocation_length);
}

// SPC-4 6.35: abort task, abort task set, clear task set, logical unit reset.
Answer handle_report_supported_task_management(const Call& call) {
    constexpr std::uint8_t supported = 0x80 | 0x40 | 0x10 | 0x08;
    const std::size_t allocation_length = cdb_u32(call.cdb, 6);
    if (allocation_length < 4) return invalid_field_in_cdb(6);
    return good({supported, 0, 0, 0}, allocation_length);
}

}  // namespace drive_iface::virtual_library
