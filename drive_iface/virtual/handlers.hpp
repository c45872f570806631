#pragma once

// The commands themselves. Each is called after the checks that come first for all commands:
// logical unit, operation code, forced offline, reservation conflict, unit attention.

#include "drive_iface/virtual/command_table.hpp"

namespace drive_iface::virtual_library {

// commands_identity.cpp
CommandReply handle_inquiry(const Call& call);
CommandReply handle_report_luns(const Call& call);
CommandReply handle_request_sense(const Call& call);
CommandReply handle_test_unit_ready(const Call& call);
CommandReply handle_send_diagnostic(const Call& call);

// commands_supported.cpp
CommandReply handle_report_supported_operation_codes(const Call& call);
CommandReply handle_report_supported_task_management(const Call& call);

// commands_mode.cpp
CommandReply handle_mode_sense_6(const Call& call);
CommandReply handle_mode_sense_10(const Call& call);
CommandReply handle_mode_select_6(const Call& call);
CommandReply handle_mode_select_10(const Call& call);

// commands_log.cpp
CommandReply handle_log_sense(const Call& call);
CommandReply handle_log_select(const Call& call);

// commands_medium.cpp
CommandReply handle_rewind(const Call& call);
CommandReply handle_read_block_limits(const Call& call);
CommandReply handle_read_6(const Call& call);
CommandReply handle_write_6(const Call& call);
CommandReply handle_write_filemarks_6(const Call& call);
CommandReply handle_space_6(const Call& call);
CommandReply handle_erase_6(const Call& call);
CommandReply handle_locate_10(const Call& call);
CommandReply handle_read_position(const Call& call);
CommandReply handle_load_unload(const Call& call);
CommandReply handle_prevent_allow(const Call& call);

// commands_reservation.cpp
CommandReply handle_reserve_6(const Call& call);
CommandReply handle_reserve_10(const Call& call);
CommandReply handle_release_6(const Call& call);
CommandReply handle_release_10(const Call& call);
CommandReply handle_read_keys(const Call& call);
CommandReply handle_read_reservation(const Call& call);
CommandReply handle_report_capabilities(const Call& call);
CommandReply handle_read_full_status(const Call& call);
CommandReply handle_persistent_reserve_out(const Call& call);

// Big-endian numbers out of a CDB, and the readiness check of everything that needs a medium.
[[nodiscard]] constexpr std::uint16_t cdb_u16(const Cdb& cdb, std::size_t at) {
    return static_cast<std::uint16_t>(cdb[at] << 8 | cdb[at + 1]);
}
[[nodiscard]] constexpr std::uint32_t cdb_u24(const Cdb& cdb, std::size_t at) {
    return static_cast<std::uint32_t>(cdb[at]) << 16 | cdb_u16(cdb, at + 1);
}
[[nodiscard]] constexpr std::uint32_t cdb_u32(const Cdb& cdb, std::size_t at) {
    return static_cast<std::uint32_t>(cdb_u16(cdb, at)) << 16 | cdb_u16(cdb, at + 2);
}

// The sense data that describes the drive as it is: forced offline, not ready, or nothing to say.
[[nodiscard]] scsi::SenseData readiness(const DriveState& drive);

// Establishes a unit attention for every nexus but `except`.
void attend_others(DriveState& drive, NexusId except, scsi::AdditionalSense sense);

// Puts the effects of a change on the drive's nexuses and into the events. `before` is the
// reservation from before it.
void apply(DriveState& drive, const ReservationEffects& effects,
           const agent::core::Reservation& before,
           const std::optional<agent::core::InitiatorPort>& cause,
           std::vector<LibraryEvent>& events);

}  // namespace drive_iface::virtual_library
