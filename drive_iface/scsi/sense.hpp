#pragma once

// Sense data, fixed and descriptor format (SPC-4 4.5).

#include <optional>
#include <string>
#include <string_view>

#include "agent/core/result.hpp"
#include "drive_iface/scsi/bytes.hpp"

namespace drive_iface::scsi {

enum class SenseKey : std::uint8_t {
    no_sense = 0x0,
    recovered_error = 0x1,
    not_ready = 0x2,
    medium_error = 0x3,
    hardware_error = 0x4,
    illegal_request = 0x5,
    unit_attention = 0x6,
    data_protect = 0x7,
    blank_check = 0x8,
    vendor_specific = 0x9,
    copy_aborted = 0xa,
    aborted_command = 0xb,
    reserved_c = 0xc,
    volume_overflow = 0xd,
    miscompare = 0xe,
    completed = 0xf,
};

// ADDITIONAL SENSE CODE and its QUALIFIER (SPC-4 4.5.2.1 and annex D).
struct AdditionalSense {
    std::uint8_t asc = 0;
    std::uint8_t ascq = 0;
    auto operator<=>(const AdditionalSense&) const = default;
};

namespace additional_sense {
inline constexpr AdditionalSense none{0x00, 0x00};
inline constexpr AdditionalSense filemark_detected{0x00, 0x01};
inline constexpr AdditionalSense end_of_medium_detected{0x00, 0x02};
inline constexpr AdditionalSense beginning_of_partition_detected{0x00, 0x04};
inline constexpr AdditionalSense end_of_data_detected{0x00, 0x05};
inline constexpr AdditionalSense programmable_early_warning_detected{0x00, 0x07};
inline constexpr AdditionalSense becoming_ready{0x04, 0x01};
inline constexpr AdditionalSense initializing_command_required{0x04, 0x02};
inline constexpr AdditionalSense logical_unit_offline{0x04, 0x12};
inline constexpr AdditionalSense write_error{0x0c, 0x00};
inline constexpr AdditionalSense unrecovered_read_error{0x11, 0x00};
inline constexpr AdditionalSense parameter_list_length_error{0x1a, 0x00};
inline constexpr AdditionalSense invalid_command_operation_code{0x20, 0x00};
inline constexpr AdditionalSense illegal_command_when_not_in_append_only_mode{0x20, 0x0c};
inline constexpr AdditionalSense invalid_element_address{0x21, 0x01};
inline constexpr AdditionalSense invalid_field_in_cdb{0x24, 0x00};
inline constexpr AdditionalSense logical_unit_not_supported{0x25, 0x00};
inline constexpr AdditionalSense invalid_field_in_parameter_list{0x26, 0x00};
inline constexpr AdditionalSense invalid_release_of_persistent_reservation{0x26, 0x04};
inline constexpr AdditionalSense write_protected{0x27, 0x00};
inline constexpr AdditionalSense medium_may_have_changed{0x28, 0x00};
inline constexpr AdditionalSense import_or_export_element_accessed{0x28, 0x01};
inline constexpr AdditionalSense power_on_or_reset{0x29, 0x00};
inline constexpr AdditionalSense power_on{0x29, 0x01};
inline constexpr AdditionalSense scsi_bus_reset{0x29, 0x02};
inline constexpr AdditionalSense device_internal_reset{0x29, 0x04};
inline constexpr AdditionalSense bus_device_reset{0x29, 0x03};
inline constexpr AdditionalSense nexus_loss{0x29, 0x07};
inline constexpr AdditionalSense mode_parameters_changed{0x2a, 0x01};
inline constexpr AdditionalSense reservations_preempted{0x2a, 0x03};
inline constexpr AdditionalSense reservations_released{0x2a, 0x04};
inline constexpr AdditionalSense registrations_preempted{0x2a, 0x05};
inline constexpr AdditionalSense timestamp_changed{0x2a, 0x10};
inline constexpr AdditionalSense command_sequence_error{0x2c, 0x00};
inline constexpr AdditionalSense commands_cleared_by_another_initiator{0x2f, 0x00};
inline constexpr AdditionalSense cleaning_cartridge_installed{0x30, 0x03};
inline constexpr AdditionalSense cleaning_failure{0x30, 0x07};
inline constexpr AdditionalSense worm_overwrite_attempted{0x30, 0x0c};
inline constexpr AdditionalSense medium_format_corrupted{0x31, 0x00};
inline constexpr AdditionalSense saving_parameters_not_supported{0x39, 0x00};
inline constexpr AdditionalSense medium_not_present{0x3a, 0x00};
inline constexpr AdditionalSense sequential_positioning_error{0x3b, 0x00};
inline constexpr AdditionalSense position_past_beginning_of_medium{0x3b, 0x0c};
inline constexpr AdditionalSense medium_destination_element_full{0x3b, 0x0d};
inline constexpr AdditionalSense medium_source_element_empty{0x3b, 0x0e};
inline constexpr AdditionalSense internal_target_failure{0x44, 0x00};
inline constexpr AdditionalSense data_phase_error{0x4b, 0x00};
inline constexpr AdditionalSense media_load_or_eject_failed{0x53, 0x00};
inline constexpr AdditionalSense medium_removal_prevented{0x53, 0x02};
inline constexpr AdditionalSense insufficient_registration_resources{0x55, 0x04};
inline constexpr AdditionalSense operator_selected_write_protect{0x5a, 0x02};
}  // namespace additional_sense

// Sense-key specific data of ILLEGAL REQUEST: which field is in error (SPC-4 4.5.2.4.2).
struct FieldPointer {
    bool in_cdb = true;  // C/D: the CDB, else the parameter list
    std::uint16_t byte = 0;
    std::optional<std::uint8_t> bit;  // most significant bit of the field, 7 to 0
    bool operator==(const FieldPointer&) const = default;
};

struct SenseData {
    SenseKey key = SenseKey::no_sense;
    AdditionalSense additional;
    bool deferred = false;           // response code 71h or 73h: belongs to an earlier command
    bool descriptor_format = false;  // 72h or 73h; encode_fixed_sense ignores it
    std::optional<std::uint64_t>
        information;  // only when VALID is set; fixed format carries 32 bits
    bool filemark = false;
    bool end_of_medium = false;
    bool incorrect_length = false;
    std::optional<FieldPointer> field;
    bool operator==(const SenseData&) const = default;
};

// Sense data may be cut short: 8 bytes or more of fixed format, 4 of descriptor format suffice for
// the key; what lies behind the end counts as zero. Errors: empty, unknown response code.
[[nodiscard]] agent::core::Result<SenseData> decode_sense(ByteView data);

// 18 bytes.
[[nodiscard]] Bytes encode_fixed_sense(const SenseData& sense);

[[nodiscard]] std::string_view sense_key_name(SenseKey key);
// The standard's name for the codes a tape drive or changer returns, empty when not among them.
[[nodiscard]] std::string_view additional_sense_name(AdditionalSense sense);
// "5h/24h/00h ILLEGAL REQUEST, INVALID FIELD IN CDB (CDB byte 2 bit 3)".
[[nodiscard]] std::string to_text(const SenseData& sense);

}  // namespace drive_iface::scsi
