#pragma once

// Operation codes, service actions and status codes, by the names of SPC-4, SSC-3 and SAM-5.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace drive_iface::scsi {

namespace opcode {
inline constexpr std::uint8_t test_unit_ready = 0x00;
inline constexpr std::uint8_t rewind = 0x01;
inline constexpr std::uint8_t initialize_element_status = 0x07;
inline constexpr std::uint8_t request_sense = 0x03;
inline constexpr std::uint8_t format_medium = 0x04;
inline constexpr std::uint8_t read_block_limits = 0x05;
inline constexpr std::uint8_t read_6 = 0x08;
inline constexpr std::uint8_t write_6 = 0x0a;
inline constexpr std::uint8_t set_capacity = 0x0b;
inline constexpr std::uint8_t write_filemarks_6 = 0x10;
inline constexpr std::uint8_t space_6 = 0x11;
inline constexpr std::uint8_t inquiry = 0x12;
inline constexpr std::uint8_t verify_6 = 0x13;
inline constexpr std::uint8_t mode_select_6 = 0x15;
inline constexpr std::uint8_t reserve_6 = 0x16;
inline constexpr std::uint8_t release_6 = 0x17;
inline constexpr std::uint8_t erase_6 = 0x19;
inline constexpr std::uint8_t mode_sense_6 = 0x1a;
inline constexpr std::uint8_t load_unload = 0x1b;
inline constexpr std::uint8_t open_close_import_export_element = 0x1b;  // of a changer
inline constexpr std::uint8_t receive_diagnostic_results = 0x1c;
inline constexpr std::uint8_t send_diagnostic = 0x1d;
inline constexpr std::uint8_t prevent_allow_medium_removal = 0x1e;
inline constexpr std::uint8_t locate_10 = 0x2b;
inline constexpr std::uint8_t position_to_element = 0x2b;  // of a changer
inline constexpr std::uint8_t read_position = 0x34;
inline constexpr std::uint8_t initialize_element_status_with_range = 0x37;
inline constexpr std::uint8_t write_buffer = 0x3b;
inline constexpr std::uint8_t read_buffer = 0x3c;
inline constexpr std::uint8_t report_density_support = 0x44;
inline constexpr std::uint8_t log_select = 0x4c;
inline constexpr std::uint8_t log_sense = 0x4d;
inline constexpr std::uint8_t mode_select_10 = 0x55;
inline constexpr std::uint8_t reserve_10 = 0x56;
inline constexpr std::uint8_t release_10 = 0x57;
inline constexpr std::uint8_t mode_sense_10 = 0x5a;
inline constexpr std::uint8_t persistent_reserve_in = 0x5e;
inline constexpr std::uint8_t persistent_reserve_out = 0x5f;
inline constexpr std::uint8_t write_filemarks_16 = 0x80;
inline constexpr std::uint8_t allow_overwrite = 0x82;
inline constexpr std::uint8_t read_16 = 0x88;
inline constexpr std::uint8_t write_16 = 0x8a;
inline constexpr std::uint8_t read_attribute = 0x8c;
inline constexpr std::uint8_t write_attribute = 0x8d;
inline constexpr std::uint8_t space_16 = 0x91;
inline constexpr std::uint8_t locate_16 = 0x92;
inline constexpr std::uint8_t erase_16 = 0x93;
inline constexpr std::uint8_t report_luns = 0xa0;
inline constexpr std::uint8_t maintenance_in = 0xa3;
inline constexpr std::uint8_t maintenance_out = 0xa4;
inline constexpr std::uint8_t move_medium = 0xa5;
inline constexpr std::uint8_t exchange_medium = 0xa6;
inline constexpr std::uint8_t service_action_in_12 = 0xab;
inline constexpr std::uint8_t request_volume_element_address = 0xb5;
inline constexpr std::uint8_t send_volume_tag = 0xb6;
inline constexpr std::uint8_t read_element_status = 0xb8;
}  // namespace opcode

namespace service_action {
inline constexpr std::uint8_t report_supported_operation_codes =
    0x0c;  // of MAINTENANCE IN, SPC-4 6.34
inline constexpr std::uint8_t report_supported_task_management =
    0x0d;                                               // of MAINTENANCE IN, SPC-4 6.35
inline constexpr std::uint8_t report_timestamp = 0x0f;  // of MAINTENANCE IN, SPC-4
inline constexpr std::uint8_t set_timestamp = 0x0f;     // of MAINTENANCE OUT, SPC-4
}  // namespace service_action

namespace status {
inline constexpr std::uint8_t good = 0x00;
inline constexpr std::uint8_t check_condition = 0x02;
inline constexpr std::uint8_t busy = 0x08;
inline constexpr std::uint8_t reservation_conflict = 0x18;
inline constexpr std::uint8_t task_set_full = 0x28;
inline constexpr std::uint8_t task_aborted = 0x40;
}  // namespace status

// CDB length that goes with an operation code (SPC-4 4.3.2, group code); 0 for vendor specific and
// variable length.
[[nodiscard]] constexpr std::size_t cdb_length(std::uint8_t operation_code) {
    constexpr std::uint8_t lengths[8] = {6, 10, 10, 0, 16, 12, 0, 0};
    return lengths[operation_code >> 5];
}

// The standard's name of a command of a tape drive or changer, or "operation code NNh".
[[nodiscard]] std::string opcode_name(std::uint8_t operation_code);

// "GOOD", "RESERVATION CONFLICT", ..., or "status NNh".
[[nodiscard]] std::string status_name(std::uint8_t status);

}  // namespace drive_iface::scsi
