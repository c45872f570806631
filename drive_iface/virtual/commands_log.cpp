// LOG SENSE and LOG SELECT of a tape drive; what the counters are is in tape_log.

#include <algorithm>

#include "drive_iface/virtual/drive_state.hpp"
#include "drive_iface/virtual/handlers.hpp"
#include "drive_iface/virtual/logical_unit.hpp"
#include "drive_iface/virtual/replies.hpp"
#include "drive_iface/virtual/tape_log.hpp"

namespace drive_iface::virtual_library {
namespace {

using MediumState = TapeState::MediumState;

constexpr std::uint16_t polling_delay_ms = 500;  // as LTO drives say

// DT DEVICE ACTIVITY, ADC-3 6.1.2.2.
std::uint8_t activity(const TapeState& drive) {
    constexpr std::uint8_t cleaning = 0x01;
    constexpr std::uint8_t loading = 0x02;
    constexpr std::uint8_t unloading = 0x03;
    if (drive.medium == MediumState::cleaning) return cleaning;
    if (drive.medium == MediumState::opening) return loading;
    return drive.medium == MediumState::unloading ? unloading : std::uint8_t{0};
}

// SSC-3 8.2.5, ADC-3 6.1.2.2: true for this drive at this moment.
scsi::VeryHighFrequencyData very_high_frequency(const Call& call) {
    const TapeState& drive = call.drive().tape;
    const bool loaded = drive.medium == MediumState::loaded;
    const bool at_the_door = drive.medium == MediumState::unloaded ||
                             drive.medium == MediumState::unreadable ||
                             drive.medium == MediumState::cleaned;
    const Cartridge* cartridge = drive.shared.tape.cartridge.get();
    scsi::VeryHighFrequencyData data;
    data.initialized = true;
    data.prevent_removal = removal_prevented(call.unit);
    data.host_unload = drive.unloaded_by_host;
    data.auxiliary_memory_access = loaded;
    data.write_protected = cartridge != nullptr && cartridge->facts().write_protected;
    data.medium_present = drive.medium != MediumState::absent;
    data.in_transition = drive.medium == MediumState::opening ||
                         drive.medium == MediumState::unloading ||
                         drive.medium == MediumState::cleaning;
    data.robot_access_allowed = at_the_door || drive.medium == MediumState::absent;
    data.medium_seated = loaded;
    data.medium_threaded = loaded;
    data.mounted = loaded;
    data.activity = activity(drive);
    data.recovery_requested = call.unit.forced_offline;
    data.tape_alert_changed = drive.alerts.news_for(call.nexus_id);
    return data;
}

Bytes dt_device_status(const Call& call) {
    const auto& conflicts = call.unit.potential_conflicts;
    return scsi::encode_dt_device_status(
        {.complete = true,
         .very_high_frequency = very_high_frequency(call),
         .polling_delay_ms = polling_delay_ms,
         .potential_conflict_count = static_cast<std::uint8_t>(conflicts.size()),
         .potential_conflicts = conflicts});
}

Bytes supported_pages(const TapeState& drive) {
    std::vector<std::uint8_t> pages = tape_log_pages(drive);
    pages.push_back(scsi::log_page_code::supported_pages);
    pages.push_back(scsi::log_page_code::dt_device_status);
    std::sort(pages.begin(), pages.end());
    return scsi::encode_supported_log_pages(pages);
}

// From PARAMETER POINTER on (SPC-4 6.8).
Answer beginning_at(scsi::LogPage page, std::uint16_t parameter_pointer,
                    std::size_t allocation_length) {
    const auto before = [parameter_pointer](const scsi::LogParameter& entry) {
        return entry.code < parameter_pointer;
    };
    std::erase_if(page.parameters, before);
    if (page.parameters.empty() && parameter_pointer != 0) return invalid_field_in_cdb(5);
    return good(scsi::encode_log_page(page), allocation_length);
}

}  // namespace

Answer handle_log_sense(const Call& call) {
    constexpr std::uint8_t save_parameters_bit = 0;
    const std::uint8_t page_code = call.cdb[2] & 0x3f;
    const std::uint16_t parameter_pointer = cdb_u16(call.cdb, 5);
    const std::size_t allocation_length = cdb_u16(call.cdb, 7);
    TapeState& drive = call.drive().tape;
    if ((call.cdb[1] >> save_parameters_bit & 1) != 0)
        return invalid_field_in_cdb(1, save_parameters_bit);
    if (call.cdb[3] != 0) return invalid_field_in_cdb(3);
    if (page_code == scsi::log_page_code::supported_pages)
        return good(supported_pages(drive), allocation_length);
    if (page_code == scsi::log_page_code::dt_device_status) {
        const auto page = scsi::decode_log_page(dt_device_status(call));
        AGENT_ASSERT(page.ok());
        return beginning_at(*page, parameter_pointer, allocation_length);
    }
    auto page = tape_log(drive, call.nexus_id, page_code,
                         TapeAlerts::in_reply(parameter_pointer, allocation_length));
    if (!page) return invalid_field_in_cdb(2, 5);
    return beginning_at(std::move(*page), parameter_pointer, allocation_length);
}

// PCR: the counters begin anew, and the list of potential conflicts is empty.
Answer handle_log_select(const Call& call) {
    constexpr std::uint8_t save_parameters_bit = 0;
    constexpr std::uint8_t parameter_code_reset_bit = 1;
    if ((call.cdb[1] >> save_parameters_bit & 1) != 0)
        return invalid_field_in_cdb(1, save_parameters_bit);
    if (cdb_u16(call.cdb, 7) != 0) return invalid_field_in_cdb(7);
    if ((call.cdb[1] >> parameter_code_reset_bit & 1) != 0) {
        call.unit.potential_conflicts.clear();
        call.drive().tape.since_load = {};
    }
    return good();
}

}  // namespace drive_iface::virtual_library
