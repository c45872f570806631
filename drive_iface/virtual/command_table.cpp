#include "drive_iface/virtual/command_table.hpp"

namespace drive_iface::virtual_library {

const CommandRow* find_command(CommandTable table, const Cdb& cdb) {
    const std::uint8_t service_action = cdb[1] & 0x1f;
    const auto found =
        std::find_if(table.begin(), table.end(), [&cdb, service_action](const CommandRow& row) {
            return row.opcode == cdb[0] &&
                   (!row.service_action || *row.service_action == service_action);
        });
    return found == table.end() ? nullptr : &*found;
}

bool has_opcode(CommandTable table, std::uint8_t opcode) {
    return std::any_of(table.begin(), table.end(),
                       [opcode](const CommandRow& row) { return row.opcode == opcode; });
}

bool has_service_actions(CommandTable table, std::uint8_t opcode) {
    return std::any_of(table.begin(), table.end(), [opcode](const CommandRow& row) {
        return row.opcode == opcode && row.service_action;
    });
}

const ConflictRule& conflict_rule_of(const CommandRow& row, const Cdb& cdb) {
    const bool allows_removal =
        row.opcode == scsi::opcode::prevent_allow_medium_removal && (cdb[4] & 0x03) == 0;
    return allows_removal ? conflict_rule::always_allowed : row.conflict;
}

std::size_t announced_data_out(const CommandRow& row, const Cdb& cdb, std::uint32_t block_length) {
    switch (row.data_out) {
        case DataOutLength::none:
            return 0;
        case DataOutLength::byte_4:
            return cdb[4];
        case DataOutLength::bytes_3_4:
            return cdb_u16(cdb, 3);
        case DataOutLength::bytes_7_8:
            return cdb_u16(cdb, 7);
        case DataOutLength::bytes_8_9:
            return cdb_u16(cdb, 8);
        case DataOutLength::bytes_5_8:
            return cdb_u32(cdb, 5);
        case DataOutLength::blocks: {
            const bool fixed = (cdb[1] & 0x01) != 0;
            return std::size_t{cdb_u24(cdb, 2)} * (fixed ? block_length : 1);
        }
        case DataOutLength::blocks_16: {
            const bool fixed = (cdb[1] & 0x01) != 0;
            return std::size_t{cdb_u24(cdb, 12)} * (fixed ? block_length : 1);
        }
        case DataOutLength::bytes_6_8:
            return cdb_u24(cdb, 6);
        case DataOutLength::bytes_6_9:
            return cdb_u32(cdb, 6);
        case DataOutLength::bytes_10_13:
            return cdb_u32(cdb, 10);
    }
    return 0;
}

Cdb padded(std::span<const std::uint8_t> cdb) {
    Cdb whole{};
    std::copy_n(cdb.begin(), std::min(cdb.size(), whole.size()), whole.begin());
    return whole;
}

}  // namespace drive_iface::virtual_library
