#include "drive_iface/scsi/opcodes.hpp"

#include "drive_iface/scsi/bytes.hpp"

namespace drive_iface::scsi {
namespace {

struct CodeName {
    std::uint8_t code;
    std::string_view name;
};

constexpr CodeName opcode_names[] = {
    {opcode::test_unit_ready, "TEST UNIT READY"},
    {opcode::rewind, "REWIND"},
    {opcode::request_sense, "REQUEST SENSE"},
    {opcode::format_medium, "FORMAT MEDIUM"},
    {opcode::read_block_limits, "READ BLOCK LIMITS"},
    {opcode::read_6, "READ(6)"},
    {opcode::write_6, "WRITE(6)"},
    {opcode::set_capacity, "SET CAPACITY"},
    {opcode::write_filemarks_6, "WRITE FILEMARKS(6)"},
    {opcode::space_6, "SPACE(6)"},
    {opcode::inquiry, "INQUIRY"},
    {opcode::verify_6, "VERIFY(6)"},
    {opcode::mode_select_6, "MODE SELECT(6)"},
    {opcode::reserve_6, "RESERVE(6)"},
    {opcode::release_6, "RELEASE(6)"},
    {opcode::erase_6, "ERASE(6)"},
    {opcode::mode_sense_6, "MODE SENSE(6)"},
    {opcode::load_unload, "LOAD UNLOAD"},
    {opcode::receive_diagnostic_results, "RECEIVE DIAGNOSTIC RESULTS"},
    {opcode::send_diagnostic, "SEND DIAGNOSTIC"},
    {opcode::prevent_allow_medium_removal, "PREVENT ALLOW MEDIUM REMOVAL"},
    {opcode::locate_10, "LOCATE(10)"},
    {opcode::read_position, "READ POSITION"},
    {opcode::write_buffer, "WRITE BUFFER"},
    {opcode::read_buffer, "READ BUFFER"},
    {opcode::report_density_support, "REPORT DENSITY SUPPORT"},
    {opcode::log_select, "LOG SELECT"},
    {opcode::log_sense, "LOG SENSE"},
    {opcode::mode_select_10, "MODE SELECT(10)"},
    {opcode::reserve_10, "RESERVE(10)"},
    {opcode::release_10, "RELEASE(10)"},
    {opcode::mode_sense_10, "MODE SENSE(10)"},
    {opcode::persistent_reserve_in, "PERSISTENT RESERVE IN"},
    {opcode::persistent_reserve_out, "PERSISTENT RESERVE OUT"},
    {opcode::write_filemarks_16, "WRITE FILEMARKS(16)"},
    {opcode::allow_overwrite, "ALLOW OVERWRITE"},
    {opcode::read_16, "READ(16)"},
    {opcode::write_16, "WRITE(16)"},
    {opcode::read_attribute, "READ ATTRIBUTE"},
    {opcode::write_attribute, "WRITE ATTRIBUTE"},
    {opcode::space_16, "SPACE(16)"},
    {opcode::locate_16, "LOCATE(16)"},
    {opcode::erase_16, "ERASE(16)"},
    {opcode::report_luns, "REPORT LUNS"},
    {opcode::maintenance_in, "MAINTENANCE IN"},
    {opcode::maintenance_out, "MAINTENANCE OUT"},
    {opcode::service_action_in_12, "SERVICE ACTION IN(12)"},
    {opcode::read_element_status, "READ ELEMENT STATUS"},
};

constexpr CodeName status_names[] = {
    {status::good, "GOOD"},
    {status::check_condition, "CHECK CONDITION"},
    {status::busy, "BUSY"},
    {status::reservation_conflict, "RESERVATION CONFLICT"},
    {status::task_set_full, "TASK SET FULL"},
    {status::task_aborted, "TASK ABORTED"},
};

}  // namespace

std::string opcode_name(std::uint8_t operation_code) {
    for (const auto& entry : opcode_names) {
        if (entry.code == operation_code) return std::string(entry.name);
    }
    return "operation code " + to_hex({&operation_code, 1}) + "h";
}

std::string status_name(std::uint8_t status) {
    for (const auto& entry : status_names) {
        if (entry.code == status) return std::string(entry.name);
    }
    return "status " + to_hex({&status, 1}) + "h";
}

}  // namespace drive_iface::scsi
