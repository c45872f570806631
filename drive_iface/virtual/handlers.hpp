#pragma once

// The commands themselves. Each is called after the checks that come first for all commands:
// logical unit, operation code, forced offline, reservation conflict, unit attention.

#include "drive_iface/scsi/sense.hpp"
#include "drive_iface/virtual/command_table.hpp"

namespace drive_iface::virtual_library {

// commands_identity.cpp
Answer handle_inquiry(const Call& call);
Answer handle_report_luns(const Call& call);
Answer handle_request_sense(const Call& call);
Answer handle_test_unit_ready(const Call& call);
Answer handle_send_diagnostic(const Call& call);

// commands_supported.cpp
Answer handle_report_supported_operation_codes(const Call& call);
Answer handle_report_supported_task_management(const Call& call);

// commands_timestamp.cpp
Answer handle_report_timestamp(const Call& call);
Answer handle_set_timestamp(const Call& call);

// commands_mode.cpp
Answer handle_mode_sense_6(const Call& call);
Answer handle_mode_sense_10(const Call& call);
Answer handle_mode_select_6(const Call& call);
Answer handle_mode_select_10(const Call& call);

// commands_log.cpp
Answer handle_log_sense(const Call& call);
Answer handle_log_select(const Call& call);

// commands_read.cpp
Answer handle_read_6(const Call& call);
Answer handle_read_16(const Call& call);
Answer handle_verify_6(const Call& call);

// commands_write.cpp
Answer handle_write_6(const Call& call);
Answer handle_write_16(const Call& call);
Answer handle_write_filemarks_6(const Call& call);
Answer handle_write_filemarks_16(const Call& call);
Answer handle_erase_6(const Call& call);
Answer handle_erase_16(const Call& call);
Answer handle_format_medium(const Call& call);
Answer handle_set_capacity(const Call& call);
Answer handle_allow_overwrite(const Call& call);

// commands_position.cpp
Answer handle_rewind(const Call& call);
Answer handle_space_6(const Call& call);
Answer handle_space_16(const Call& call);
Answer handle_locate_10(const Call& call);
Answer handle_locate_16(const Call& call);
Answer handle_read_position(const Call& call);
Answer handle_read_block_limits(const Call& call);

// commands_load.cpp
Answer handle_load_unload(const Call& call);
Answer handle_prevent_allow(const Call& call);

// commands_density.cpp
Answer handle_report_density_support(const Call& call);
Answer handle_read_media_serial_number(const Call& call);

// commands_attributes.cpp
Answer handle_read_attribute(const Call& call);
Answer handle_write_attribute(const Call& call);

// commands_diagnostic.cpp
Answer handle_write_buffer(const Call& call);
Answer handle_read_buffer(const Call& call);
Answer handle_receive_diagnostic_results(const Call& call);

// commands_reservation.cpp
Answer handle_reserve_6(const Call& call);
Answer handle_reserve_10(const Call& call);
Answer handle_release_6(const Call& call);
Answer handle_release_10(const Call& call);
Answer handle_read_keys(const Call& call);
Answer handle_read_reservation(const Call& call);
Answer handle_report_capabilities(const Call& call);
Answer handle_read_full_status(const Call& call);
Answer handle_persistent_reserve_out(const Call& call);

// The sense data that describes the device as it is: forced offline, not ready, or nothing to say.
[[nodiscard]] scsi::SenseData readiness(const Call& call);
// What the drive itself has to say to it.
[[nodiscard]] scsi::SenseData readiness(const DriveState& drive);

}  // namespace drive_iface::virtual_library
