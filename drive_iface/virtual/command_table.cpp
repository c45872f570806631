#include "drive_iface/virtual/command_table.hpp"

#include <algorithm>

#include "drive_iface/virtual/handlers.hpp"

namespace drive_iface::virtual_library {
namespace {

namespace rule = conflict_rule;
using enum WhileForcedOffline;
using enum DataOutLength;
namespace op = scsi::opcode;

constexpr std::uint8_t maintenance(std::uint8_t service_action) {
    return service_action;
}
constexpr std::uint8_t pr(scsi::PrInAction action) {
    return static_cast<std::uint8_t>(action);
}
constexpr std::uint8_t pr(scsi::PrOutAction action) {
    return static_cast<std::uint8_t>(action);
}

constexpr CommandRow rows[] = {
    {op::test_unit_ready,
     {},
     "TEST UNIT READY",
     {0x00, 0, 0, 0, 0, 0x04},
     rule::test_unit_ready,
     fails,
     none,
     handle_test_unit_ready},
    {op::rewind,
     {},
     "REWIND",
     {0x01, 0x01, 0, 0, 0, 0x04},
     rule::changes,
     fails,
     none,
     handle_rewind},
    {op::request_sense,
     {},
     "REQUEST SENSE",
     {0x03, 0x01, 0, 0, 0xff, 0x04},
     rule::always_allowed,
     works,
     none,
     handle_request_sense},
    {op::read_block_limits,
     {},
     "READ BLOCK LIMITS",
     {0x05, 0x01, 0, 0, 0, 0x04},
     rule::reports,
     fails,
     none,
     handle_read_block_limits},
    {op::read_6,
     {},
     "READ(6)",
     {0x08, 0x03, 0xff, 0xff, 0xff, 0x04},
     rule::reads,
     fails,
     none,
     handle_read_6},
    {op::write_6,
     {},
     "WRITE(6)",
     {0x0a, 0x01, 0xff, 0xff, 0xff, 0x04},
     rule::changes,
     fails,
     blocks,
     handle_write_6},
    {op::write_filemarks_6,
     {},
     "WRITE FILEMARKS(6)",
     {0x10, 0x01, 0xff, 0xff, 0xff, 0x04},
     rule::changes,
     fails,
     none,
     handle_write_filemarks_6},
    {op::space_6,
     {},
     "SPACE(6)",
     {0x11, 0x0f, 0xff, 0xff, 0xff, 0x04},
     rule::changes,
     fails,
     none,
     handle_space_6},
    {op::inquiry,
     {},
     "INQUIRY",
     {0x12, 0x01, 0xff, 0xff, 0xff, 0x04},
     rule::always_allowed,
     works,
     none,
     handle_inquiry},
    {op::mode_select_6,
     {},
     "MODE SELECT(6)",
     {0x15, 0x11, 0, 0, 0xff, 0x04},
     rule::changes,
     fails,
     byte_4,
     handle_mode_select_6},
    {op::reserve_6,
     {},
     "RESERVE(6)",
     {0x16, 0x11, 0, 0, 0, 0x04},
     rule::reserve,
     fails,
     none,
     handle_reserve_6},
    {op::release_6,
     {},
     "RELEASE(6)",
     {0x17, 0x11, 0, 0, 0, 0x04},
     rule::release,
     works,
     none,
     handle_release_6},
    {op::erase_6,
     {},
     "ERASE(6)",
     {0x19, 0x03, 0, 0, 0, 0x04},
     rule::changes,
     fails,
     none,
     handle_erase_6},
    {op::mode_sense_6,
     {},
     "MODE SENSE(6)",
     {0x1a, 0x08, 0xff, 0xff, 0xff, 0x04},
     rule::reads,
     fails,
     none,
     handle_mode_sense_6},
    {op::load_unload,
     {},
     "LOAD UNLOAD",
     {0x1b, 0x01, 0, 0, 0x0f, 0x04},
     rule::changes,
     fails,
     none,
     handle_load_unload},
    {op::send_diagnostic,
     {},
     "SEND DIAGNOSTIC",
     {0x1d, 0xf7, 0, 0xff, 0xff, 0x04},
     rule::changes,
     fails,
     bytes_3_4,
     handle_send_diagnostic},
    {op::prevent_allow_medium_removal,
     {},
     "PREVENT ALLOW MEDIUM REMOVAL",
     {0x1e, 0, 0, 0, 0x03, 0x04},
     rule::changes,
     giving_up,
     none,
     handle_prevent_allow},
    {op::locate_10,
     {},
     "LOCATE(10)",
     {0x2b, 0x07, 0, 0xff, 0xff, 0xff, 0xff, 0, 0xff, 0x04},
     rule::changes,
     fails,
     none,
     handle_locate_10},
    {op::read_position,
     {},
     "READ POSITION",
     {0x34, 0x1f, 0, 0, 0, 0, 0, 0xff, 0xff, 0x04},
     rule::read_position,
     fails,
     none,
     handle_read_position},
    {op::log_select,
     {},
     "LOG SELECT",
     {0x4c, 0x03, 0, 0, 0, 0, 0, 0xff, 0xff, 0x04},
     rule::changes,
     fails,
     bytes_7_8,
     handle_log_select},
    {op::log_sense,
     {},
     "LOG SENSE",
     {0x4d, 0x01, 0xff, 0xff, 0, 0xff, 0xff, 0xff, 0xff, 0x04},
     rule::reports,
     works,
     none,
     handle_log_sense},
    {op::mode_select_10,
     {},
     "MODE SELECT(10)",
     {0x55, 0x11, 0, 0, 0, 0, 0, 0xff, 0xff, 0x04},
     rule::changes,
     fails,
     bytes_7_8,
     handle_mode_select_10},
    {op::reserve_10,
     {},
     "RESERVE(10)",
     {0x56, 0x13, 0, 0, 0, 0, 0, 0, 0, 0x04},
     rule::reserve,
     fails,
     bytes_7_8,
     handle_reserve_10},
    {op::release_10,
     {},
     "RELEASE(10)",
     {0x57, 0x13, 0, 0, 0, 0, 0, 0, 0, 0x04},
     rule::release,
     works,
     bytes_7_8,
     handle_release_10},
    {op::mode_sense_10,
     {},
     "MODE SENSE(10)",
     {0x5a, 0x08, 0xff, 0xff, 0, 0, 0, 0xff, 0xff, 0x04},
     rule::reads,
     fails,
     none,
     handle_mode_sense_10},
    {op::persistent_reserve_in,
     pr(scsi::PrInAction::read_keys),
     "PERSISTENT RESERVE IN, READ KEYS",
     {0x5e, 0x00, 0, 0, 0, 0, 0, 0xff, 0xff, 0x04},
     rule::persistent_reserve_in,
     works,
     none,
     handle_read_keys},
    {op::persistent_reserve_in,
     pr(scsi::PrInAction::read_reservation),
     "PERSISTENT RESERVE IN, READ RESERVATION",
     {0x5e, 0x01, 0, 0, 0, 0, 0, 0xff, 0xff, 0x04},
     rule::persistent_reserve_in,
     works,
     none,
     handle_read_reservation},
    {op::persistent_reserve_in,
     pr(scsi::PrInAction::report_capabilities),
     "PERSISTENT RESERVE IN, REPORT CAPABILITIES",
     {0x5e, 0x02, 0, 0, 0, 0, 0, 0xff, 0xff, 0x04},
     rule::persistent_reserve_in,
     works,
     none,
     handle_report_capabilities},
    {op::persistent_reserve_in,
     pr(scsi::PrInAction::read_full_status),
     "PERSISTENT RESERVE IN, READ FULL STATUS",
     {0x5e, 0x03, 0, 0, 0, 0, 0, 0xff, 0xff, 0x04},
     rule::persistent_reserve_in,
     works,
     none,
     handle_read_full_status},
    {op::persistent_reserve_out,
     pr(scsi::PrOutAction::register_key),
     "PERSISTENT RESERVE OUT, REGISTER",
     {0x5f, 0x00, 0xff, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x04},
     rule::pr_out_register,
     giving_up,
     bytes_5_8,
     handle_persistent_reserve_out},
    {op::persistent_reserve_out,
     pr(scsi::PrOutAction::reserve),
     "PERSISTENT RESERVE OUT, RESERVE",
     {0x5f, 0x01, 0xff, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x04},
     rule::pr_out_reserve,
     fails,
     bytes_5_8,
     handle_persistent_reserve_out},
    {op::persistent_reserve_out,
     pr(scsi::PrOutAction::release),
     "PERSISTENT RESERVE OUT, RELEASE",
     {0x5f, 0x02, 0xff, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x04},
     rule::pr_out_by_registrant,
     works,
     bytes_5_8,
     handle_persistent_reserve_out},
    {op::persistent_reserve_out,
     pr(scsi::PrOutAction::clear),
     "PERSISTENT RESERVE OUT, CLEAR",
     {0x5f, 0x03, 0xff, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x04},
     rule::pr_out_by_registrant,
     fails,
     bytes_5_8,
     handle_persistent_reserve_out},
    {op::persistent_reserve_out,
     pr(scsi::PrOutAction::preempt),
     "PERSISTENT RESERVE OUT, PREEMPT",
     {0x5f, 0x04, 0xff, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x04},
     rule::pr_out_by_registrant,
     fails,
     bytes_5_8,
     handle_persistent_reserve_out},
    {op::persistent_reserve_out,
     pr(scsi::PrOutAction::preempt_and_abort),
     "PERSISTENT RESERVE OUT, PREEMPT AND ABORT",
     {0x5f, 0x05, 0xff, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x04},
     rule::pr_out_by_registrant,
     fails,
     bytes_5_8,
     handle_persistent_reserve_out},
    {op::persistent_reserve_out,
     pr(scsi::PrOutAction::register_and_ignore_existing_key),
     "PERSISTENT RESERVE OUT, REGISTER AND IGNORE EXISTING KEY",
     {0x5f, 0x06, 0xff, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x04},
     rule::pr_out_register,
     giving_up,
     bytes_5_8,
     handle_persistent_reserve_out},
    {op::persistent_reserve_out,
     pr(scsi::PrOutAction::register_and_move),
     "PERSISTENT RESERVE OUT, REGISTER AND MOVE",
     {0x5f, 0x07, 0xff, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x04},
     rule::pr_out_reserve,
     fails,
     bytes_5_8,
     handle_persistent_reserve_out},
    {op::report_luns,
     {},
     "REPORT LUNS",
     {0xa0, 0, 0xff, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0x04},
     rule::always_allowed,
     works,
     none,
     handle_report_luns},
    {op::maintenance_in,
     maintenance(scsi::service_action::report_supported_operation_codes),
     "REPORT SUPPORTED OPERATION CODES",
     {0xa3, 0x0c, 0x87, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0x04},
     rule::reads,
     works,
     none,
     handle_report_supported_operation_codes},
    {op::maintenance_in,
     maintenance(scsi::service_action::report_supported_task_management),
     "REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS",
     {0xa3, 0x0d, 0x80, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0x04},
     rule::reads,
     works,
     none,
     handle_report_supported_task_management},
};

constexpr bool in_order_and_whole() {
    for (std::size_t i = 0; i < std::size(rows); ++i) {
        const CommandRow& row = rows[i];
        if (scsi::cdb_length(row.opcode) == 0 || row.usage[0] != row.opcode) return false;
        if (row.service_action && (row.usage[1] & 0x1f) != *row.service_action) return false;
        if (i == 0) continue;
        const CommandRow& before = rows[i - 1];
        if (before.opcode > row.opcode) return false;
        if (before.opcode == row.opcode && !(before.service_action < row.service_action))
            return false;
    }
    return true;
}
static_assert(in_order_and_whole(),
              "ascending, no row twice, and the CDB usage data begins with the row's own code");

}  // namespace

std::span<const CommandRow> command_table() {
    return rows;
}

const CommandRow* find_command(const Cdb& cdb) {
    const std::uint8_t service_action = cdb[1] & 0x1f;
    const auto* found = std::find_if(
        std::begin(rows), std::end(rows), [&cdb, service_action](const CommandRow& row) {
            return row.opcode == cdb[0] &&
                   (!row.service_action || *row.service_action == service_action);
        });
    return found == std::end(rows) ? nullptr : found;
}

bool has_opcode(std::uint8_t opcode) {
    return std::any_of(std::begin(rows), std::end(rows),
                       [opcode](const CommandRow& row) { return row.opcode == opcode; });
}

bool has_service_actions(std::uint8_t opcode) {
    return std::any_of(std::begin(rows), std::end(rows), [opcode](const CommandRow& row) {
        return row.opcode == opcode && row.service_action;
    });
}

const ConflictRule& conflict_rule_of(const CommandRow& row, const Cdb& cdb) {
    const bool allows_removal =
        row.opcode == op::prevent_allow_medium_removal && (cdb[4] & 0x03) == 0;
    return allows_removal ? conflict_rule::always_allowed : row.conflict;
}

std::size_t announced_data_out(const CommandRow& row, const Cdb& cdb, std::uint32_t block_length) {
    switch (row.data_out) {
        case none:
            return 0;
        case byte_4:
            return cdb[4];
        case bytes_3_4:
            return cdb_u16(cdb, 3);
        case bytes_7_8:
            return cdb_u16(cdb, 7);
        case bytes_5_8:
            return cdb_u32(cdb, 5);
        case blocks: {
            const bool fixed = (cdb[1] & 0x01) != 0;
            return std::size_t{cdb_u24(cdb, 2)} * (fixed ? block_length : 1);
        }
    }
    return 0;
}

}  // namespace drive_iface::virtual_library
