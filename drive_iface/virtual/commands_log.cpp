#include <algorithm>

#include "drive_iface/virtual/drive_state.hpp"
#include "drive_iface/virtual/handlers.hpp"
#include "drive_iface/virtual/logical_unit.hpp"
#include "drive_iface/virtual/replies.hpp"

namespace drive_iface::virtual_library {
namespace {

constexpr std::uint16_t polling_delay_ms = 500;  // as LTO drives say

// SSC-3 8.2.5, ADC-3 6.1.2.2: true for this drive at this moment.
scsi::VeryHighFrequencyData very_high_frequency(const LogicalUnit& unit, const DriveState& drive) {
    scsi::VeryHighFrequencyData data;
    data.initialized = true;
    data.prevent_removal = removal_prevented(unit);
    data.host_unload = drive.host_unloaded;
    data.write_protected = drive.medium_loaded;
    data.medium_present = true;  // after UNLOAD the cartridge waits at the door
    data.robot_access_allowed = !drive.medium_loaded;
    data.medium_seated = drive.medium_loaded;
    data.medium_threaded = drive.medium_loaded;
    data.mounted = drive.medium_loaded;
    data.recovery_requested = unit.forced_offline;
    return data;
}

Bytes dt_device_status(const LogicalUnit& unit, const DriveState& drive) {
    return scsi::encode_dt_device_status(
        {.complete = true,
         .very_high_frequency = very_high_frequency(unit, drive),
         .polling_delay_ms = polling_delay_ms,
         .potential_conflict_count = static_cast<std::uint8_t>(unit.potential_conflicts.size()),
         .potential_conflicts = unit.potential_conflicts});
}

}  // namespace

Answer handle_log_sense(const Call& call) {
    constexpr std::uint8_t save_parameters_bit = 0;
    const std::uint8_t page_code = call.cdb[2] & 0x3f;
    const std::uint16_t parameter_pointer = cdb_u16(call.cdb, 5);
    const std::size_t allocation_length = cdb_u16(call.cdb, 7);
    if ((call.cdb[1] >> save_parameters_bit & 1) != 0)
        return invalid_field_in_cdb(1, save_parameters_bit);
    if (call.cdb[3] != 0) return invalid_field_in_cdb(3);
    if (page_code == scsi::log_page_code::supported_pages) {
        return good(scsi::encode_supported_log_pages({scsi::log_page_code::supported_pages,
                                                      scsi::log_page_code::dt_device_status}),
                    allocation_length);
    }
    if (page_code != scsi::log_page_code::dt_device_status) return invalid_field_in_cdb(2, 5);
    Bytes encoded = dt_device_status(call.unit, call.drive());
    if (parameter_pointer == 0) return good(std::move(encoded), allocation_length);

    // From PARAMETER POINTER on (SPC-4 6.8).
    auto page = scsi::decode_log_page(encoded);
    AGENT_ASSERT(page.ok());
    std::erase_if(page.value().parameters, [parameter_pointer](const scsi::LogParameter& entry) {
        return entry.code < parameter_pointer;
    });
    if (page->parameters.empty()) return invalid_field_in_cdb(5);
    return good(scsi::encode_log_page(*page), allocation_length);
}

// The only thing in the logs that can be reset is the list of potential conflicts.
Answer handle_log_select(const Call& call) {
    constexpr std::uint8_t save_parameters_bit = 0;
    constexpr std::uint8_t parameter_code_reset_bit = 1;
    if ((call.cdb[1] >> save_parameters_bit & 1) != 0)
        return invalid_field_in_cdb(1, save_parameters_bit);
    if (cdb_u16(call.cdb, 7) != 0) return invalid_field_in_cdb(7);
    if ((call.cdb[1] >> parameter_code_reset_bit & 1) != 0) call.unit.potential_conflicts.clear();
    return good();
}

}  // namespace drive_iface::virtual_library
