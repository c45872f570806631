#include "drive_iface/scsi/sense.hpp"

#include <algorithm>

namespace drive_iface::scsi {
namespace {

using agent::core::Error;
using agent::core::Result;

constexpr std::uint8_t fixed_current = 0x70;
constexpr std::uint8_t fixed_deferred = 0x71;
constexpr std::uint8_t descriptor_current = 0x72;
constexpr std::uint8_t descriptor_deferred = 0x73;
constexpr std::size_t fixed_size = 18;

struct SenseName {
    AdditionalSense sense;
    std::string_view name;
};

constexpr SenseName additional_sense_names[] = {
    {additional_sense::none, "NO ADDITIONAL SENSE INFORMATION"},
    {additional_sense::filemark_detected, "FILEMARK DETECTED"},
    {additional_sense::end_of_medium_detected, "END-OF-PARTITION/MEDIUM DETECTED"},
    {additional_sense::programmable_early_warning_detected, "PROGRAMMABLE EARLY WARNING DETECTED"},
    {additional_sense::illegal_command_when_not_in_append_only_mode,
     "ILLEGAL COMMAND WHEN NOT IN APPEND-ONLY MODE"},
    {additional_sense::timestamp_changed, "TIMESTAMP CHANGED"},
    {additional_sense::sequential_positioning_error, "SEQUENTIAL POSITIONING ERROR"},
    {additional_sense::operator_selected_write_protect, "OPERATOR SELECTED WRITE PROTECT"},
    {additional_sense::beginning_of_partition_detected, "BEGINNING-OF-PARTITION/MEDIUM DETECTED"},
    {additional_sense::end_of_data_detected, "END-OF-DATA DETECTED"},
    {{0x04, 0x00}, "LOGICAL UNIT NOT READY, CAUSE NOT REPORTABLE"},
    {additional_sense::becoming_ready, "LOGICAL UNIT IS IN PROCESS OF BECOMING READY"},
    {additional_sense::initializing_command_required,
     "LOGICAL UNIT NOT READY, INITIALIZING COMMAND REQUIRED"},
    {{0x04, 0x03}, "LOGICAL UNIT NOT READY, MANUAL INTERVENTION REQUIRED"},
    {additional_sense::logical_unit_offline, "LOGICAL UNIT NOT READY, OFFLINE"},
    {additional_sense::write_error, "WRITE ERROR"},
    {additional_sense::unrecovered_read_error, "UNRECOVERED READ ERROR"},
    {additional_sense::parameter_list_length_error, "PARAMETER LIST LENGTH ERROR"},
    {additional_sense::invalid_command_operation_code, "INVALID COMMAND OPERATION CODE"},
    {additional_sense::invalid_field_in_cdb, "INVALID FIELD IN CDB"},
    {additional_sense::logical_unit_not_supported, "LOGICAL UNIT NOT SUPPORTED"},
    {additional_sense::invalid_field_in_parameter_list, "INVALID FIELD IN PARAMETER LIST"},
    {additional_sense::invalid_release_of_persistent_reservation,
     "INVALID RELEASE OF PERSISTENT RESERVATION"},
    {additional_sense::write_protected, "WRITE PROTECTED"},
    {additional_sense::medium_may_have_changed,
     "NOT READY TO READY CHANGE, MEDIUM MAY HAVE CHANGED"},
    {additional_sense::power_on_or_reset, "POWER ON, RESET, OR BUS DEVICE RESET OCCURRED"},
    {additional_sense::power_on, "POWER ON OCCURRED"},
    {additional_sense::scsi_bus_reset, "SCSI BUS RESET OCCURRED"},
    {additional_sense::bus_device_reset, "BUS DEVICE RESET FUNCTION OCCURRED"},
    {additional_sense::device_internal_reset, "DEVICE INTERNAL RESET"},
    {additional_sense::nexus_loss, "I_T NEXUS LOSS OCCURRED"},
    {additional_sense::mode_parameters_changed, "MODE PARAMETERS CHANGED"},
    {additional_sense::reservations_preempted, "RESERVATIONS PREEMPTED"},
    {additional_sense::reservations_released, "RESERVATIONS RELEASED"},
    {additional_sense::registrations_preempted, "REGISTRATIONS PREEMPTED"},
    {additional_sense::command_sequence_error, "COMMAND SEQUENCE ERROR"},
    {additional_sense::commands_cleared_by_another_initiator,
     "COMMANDS CLEARED BY ANOTHER INITIATOR"},
    {additional_sense::cleaning_cartridge_installed, "CLEANING CARTRIDGE INSTALLED"},
    {additional_sense::cleaning_failure, "CLEANING FAILURE"},
    {additional_sense::worm_overwrite_attempted, "WORM MEDIUM - OVERWRITE ATTEMPTED"},
    {additional_sense::medium_format_corrupted, "MEDIUM FORMAT CORRUPTED"},
    {additional_sense::saving_parameters_not_supported, "SAVING PARAMETERS NOT SUPPORTED"},
    {additional_sense::medium_not_present, "MEDIUM NOT PRESENT"},
    {additional_sense::position_past_beginning_of_medium, "POSITION PAST BEGINNING OF MEDIUM"},
    {{0x3b, 0x0d}, "MEDIUM DESTINATION ELEMENT FULL"},
    {{0x3b, 0x0e}, "MEDIUM SOURCE ELEMENT EMPTY"},
    {{0x3e, 0x01}, "LOGICAL UNIT FAILURE"},
    {{0x3f, 0x0e}, "REPORTED LUNS DATA HAS CHANGED"},
    {additional_sense::internal_target_failure, "INTERNAL TARGET FAILURE"},
    {additional_sense::data_phase_error, "DATA PHASE ERROR"},
    {{0x47, 0x05}, "PROTOCOL SERVICE CRC ERROR"},
    {additional_sense::medium_removal_prevented, "MEDIUM REMOVAL PREVENTED"},
    {additional_sense::insufficient_registration_resources, "INSUFFICIENT REGISTRATION RESOURCES"},
};

std::uint8_t byte_at(ByteView data, std::size_t at) {
    return at < data.size() ? data[at] : std::uint8_t{0};
}

// Bytes 15 to 17 of fixed format, 4 to 6 of the sense key specific descriptor (SPC-4 4.5.2.4.2).
std::optional<FieldPointer> decode_field_pointer(SenseKey key, ByteView specific) {
    if (specific.size() < 3 || (specific[0] & 0x80) == 0 || key != SenseKey::illegal_request)
        return {};
    FieldPointer field{.in_cdb = (specific[0] & 0x40) != 0,
                       .byte = static_cast<std::uint16_t>(specific[1] << 8 | specific[2]),
                       .bit = {}};
    if ((specific[0] & 0x08) != 0) field.bit = static_cast<std::uint8_t>(specific[0] & 0x07);
    return field;
}

SenseData decode_fixed(ByteView data) {
    SenseData sense;
    const std::uint8_t flags = byte_at(data, 2);
    sense.key = static_cast<SenseKey>(flags & 0x0f);
    sense.filemark = (flags & 0x80) != 0;
    sense.end_of_medium = (flags & 0x40) != 0;
    sense.incorrect_length = (flags & 0x20) != 0;
    if ((data[0] & 0x80) != 0 && data.size() >= 7) {
        ByteReader in(data.subspan(3, 4));
        sense.information = in.u32();
    }
    // Nothing counts behind ADDITIONAL SENSE LENGTH.
    const ByteView valid = data.first(std::min(data.size(), std::size_t{byte_at(data, 7)} + 8));
    sense.additional = {byte_at(valid, 12), byte_at(valid, 13)};
    if (valid.size() >= fixed_size)
        sense.field = decode_field_pointer(sense.key, valid.subspan(15, 3));
    return sense;
}

void decode_descriptor(SenseData& sense, std::uint8_t type, ByteView body) {
    constexpr std::uint8_t information = 0x00;
    constexpr std::uint8_t sense_key_specific = 0x02;
    constexpr std::uint8_t stream_commands = 0x04;
    if (type == information && body.size() >= 10 && (body[0] & 0x80) != 0) {
        ByteReader in(body.subspan(2, 8));
        sense.information = in.u64();
    } else if (type == sense_key_specific && body.size() >= 5) {
        sense.field = decode_field_pointer(sense.key, body.subspan(2, 3));
    } else if (type == stream_commands && body.size() >= 2) {
        sense.filemark = (body[1] & 0x80) != 0;
        sense.end_of_medium = (body[1] & 0x40) != 0;
        sense.incorrect_length = (body[1] & 0x20) != 0;
    }
}

SenseData decode_descriptor_format(ByteView data) {
    SenseData sense;
    sense.descriptor_format = true;
    sense.key = static_cast<SenseKey>(byte_at(data, 1) & 0x0f);
    sense.additional = {byte_at(data, 2), byte_at(data, 3)};
    if (data.size() < 8) return sense;
    ByteReader in(data.subspan(8, std::min(data.size() - 8, std::size_t{data[7]})));
    while (in.remaining() > 0) {
        const std::uint8_t type = in.u8();
        const std::uint8_t length = in.u8();
        const ByteView body = in.take(length);
        if (in.ok()) decode_descriptor(sense, type, body);
    }
    return sense;
}

std::string hex_byte(std::uint8_t value) {
    return to_hex({&value, 1}) + "h";
}

}  // namespace

Result<SenseData> decode_sense(ByteView data) {
    if (data.empty()) return Error{"sense data: empty"};
    const std::uint8_t response_code = data[0] & 0x7f;
    SenseData sense;
    switch (response_code) {
        case fixed_current:
        case fixed_deferred:
            if (data.size() < 8) break;
            sense = decode_fixed(data);
            sense.deferred = response_code == fixed_deferred;
            return sense;
        case descriptor_current:
        case descriptor_deferred:
            if (data.size() < 4) break;
            sense = decode_descriptor_format(data);
            sense.deferred = response_code == descriptor_deferred;
            return sense;
        default:
            return Error{"sense data: byte 0: unknown response code " + hex_byte(response_code)};
    }
    return Error{"sense data: " + std::to_string(data.size()) +
                 " bytes are too few for response code " + hex_byte(response_code)};
}

Bytes encode_fixed_sense(const SenseData& sense) {
    ByteWriter out;
    const std::uint8_t valid = sense.information ? 0x80 : 0x00;
    out.u8(static_cast<std::uint8_t>(valid | (sense.deferred ? fixed_deferred : fixed_current)))
        .u8(0);
    out.u8(static_cast<std::uint8_t>(
        (sense.filemark ? 0x80 : 0) | (sense.end_of_medium ? 0x40 : 0) |
        (sense.incorrect_length ? 0x20 : 0) | static_cast<std::uint8_t>(sense.key)));
    out.u32(static_cast<std::uint32_t>(sense.information.value_or(0)));
    out.u8(fixed_size - 8).zeros(4);
    out.u8(sense.additional.asc).u8(sense.additional.ascq).u8(0);
    if (sense.field) {
        out.u8(static_cast<std::uint8_t>(0x80 | (sense.field->in_cdb ? 0x40 : 0) |
                                         (sense.field->bit ? 0x08 | *sense.field->bit : 0)));
        out.u16(sense.field->byte);
    } else {
        out.zeros(3);
    }
    return out.take();
}

std::string_view sense_key_name(SenseKey key) {
    constexpr std::string_view names[] = {
        "NO SENSE",       "RECOVERED ERROR", "NOT READY",      "MEDIUM ERROR",
        "HARDWARE ERROR", "ILLEGAL REQUEST", "UNIT ATTENTION", "DATA PROTECT",
        "BLANK CHECK",    "VENDOR SPECIFIC", "COPY ABORTED",   "ABORTED COMMAND",
        "RESERVED",       "VOLUME OVERFLOW", "MISCOMPARE",     "COMPLETED"};
    return names[static_cast<std::uint8_t>(key) & 0x0f];
}

std::string_view additional_sense_name(AdditionalSense sense) {
    for (const auto& entry : additional_sense_names) {
        if (entry.sense == sense) return entry.name;
    }
    return {};
}

std::string to_text(const SenseData& sense) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text{digits[static_cast<std::uint8_t>(sense.key) & 0x0f], 'h', '/'};
    text += hex_byte(sense.additional.asc) + "/" + hex_byte(sense.additional.ascq) + " ";
    text += sense_key_name(sense.key);
    if (const auto name = additional_sense_name(sense.additional); !name.empty())
        text.append(", ").append(name);
    if (sense.field) {
        text += sense.field->in_cdb ? " (CDB byte " : " (parameter list byte ";
        text += std::to_string(sense.field->byte);
        if (sense.field->bit) text += " bit " + std::to_string(*sense.field->bit);
        text += ")";
    }
    if (sense.deferred) text += " (deferred)";
    return text;
}

}  // namespace drive_iface::scsi
