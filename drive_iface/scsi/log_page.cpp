#include "drive_iface/scsi/log_page.hpp"

#include <algorithm>

#include "drive_iface/scsi/opcodes.hpp"
#include "drive_iface/scsi/transport_id.hpp"

namespace drive_iface::scsi {
namespace {

using agent::core::Error;
using agent::core::Result;

constexpr std::size_t page_header_size = 4;
constexpr std::uint8_t subpage_format = 0x40;  // SPF

constexpr std::uint16_t very_high_frequency_code = 0x0000;
constexpr std::uint16_t polling_delay_code = 0x0001;
constexpr std::uint16_t potential_conflict_count_code = 0x0200;
constexpr std::uint16_t potential_conflict_first_code = 0x0201;
constexpr std::uint16_t potential_conflict_last_code = 0x02ff;
constexpr std::size_t potential_conflict_size_min = 19;

constexpr std::uint8_t status_parameter_control = 0x03;  // FORMAT AND LINKING 11b: binary list
constexpr std::uint8_t timestamp_set_by_host = 0x02;

VeryHighFrequencyData decode_very_high_frequency(ByteView value) {
    const auto bit = [value](std::size_t byte, unsigned number) {
        return (value[byte] >> number & 1) != 0;
    };
    return {.prevent_removal = bit(0, 7),
            .host_unload = bit(0, 6),
            .auxiliary_memory_access = bit(0, 5),
            .compression = bit(0, 4),
            .write_protected = bit(0, 3),
            .cleaning_requested = bit(0, 2),
            .cleaning_required = bit(0, 1),
            .initialized = bit(0, 0),
            .in_transition = bit(1, 7),
            .robot_access_allowed = bit(1, 5),
            .medium_present = bit(1, 4),
            .medium_seated = bit(1, 2),
            .medium_threaded = bit(1, 1),
            .mounted = bit(1, 0),
            .activity = value[2],
            .vendor_status = bit(3, 7),
            .encryption_parameters = bit(3, 5),
            .encryption_present = bit(3, 4),
            .encryption_service = bit(3, 3),
            .recovery_requested = bit(3, 2),
            .interface_changed = bit(3, 1),
            .tape_alert_changed = bit(3, 0)};
}

Bytes encode_very_high_frequency(const VeryHighFrequencyData& data) {
    const auto bit = [](bool set, unsigned number) { return static_cast<unsigned>(set) << number; };
    const unsigned byte0 = bit(data.prevent_removal, 7) | bit(data.host_unload, 6) |
                           bit(data.auxiliary_memory_access, 5) | bit(data.compression, 4) |
                           bit(data.write_protected, 3) | bit(data.cleaning_requested, 2) |
                           bit(data.cleaning_required, 1) | bit(data.initialized, 0);
    const unsigned byte1 = bit(data.in_transition, 7) | bit(data.robot_access_allowed, 5) |
                           bit(data.medium_present, 4) | bit(data.medium_seated, 2) |
                           bit(data.medium_threaded, 1) | bit(data.mounted, 0);
    const unsigned byte3 = bit(data.vendor_status, 7) | bit(data.encryption_parameters, 5) |
                           bit(data.encryption_present, 4) | bit(data.encryption_service, 3) |
                           bit(data.recovery_requested, 2) | bit(data.interface_changed, 1) |
                           bit(data.tape_alert_changed, 0);
    return {static_cast<std::uint8_t>(byte0), static_cast<std::uint8_t>(byte1), data.activity,
            static_cast<std::uint8_t>(byte3)};
}

// Timestamp as in REPORT TIMESTAMP (SPC-4 6.36): length, origin, reserved, 48 bits of milliseconds,
// reserved.
PotentialConflict decode_potential_conflict(ByteView value) {
    PotentialConflict conflict;
    ByteReader in(value);
    conflict.operation_code = in.u8();
    conflict.detail = in.u32();
    in.skip(4);
    conflict.timestamp_ms = in.u48();
    in.skip(2);
    conflict.relative_target_port = in.u16();
    if (auto port = decode_transport_id(value.subspan(potential_conflict_size_min)))
        conflict.port = *std::move(port);
    return conflict;
}

Bytes encode_potential_conflict(const PotentialConflict& conflict) {
    constexpr std::uint16_t timestamp_parameter_data_length = 10;
    ByteWriter out;
    out.u8(conflict.operation_code).u32(conflict.detail);
    out.u16(timestamp_parameter_data_length)
        .u8(timestamp_set_by_host)
        .u8(0)
        .u48(conflict.timestamp_ms)
        .u16(0);
    out.u16(conflict.relative_target_port);
    if (conflict.port) {
        if (const auto transport_id = encode_transport_id(*conflict.port)) out.bytes(*transport_id);
    }
    return out.take();
}

}  // namespace

std::array<std::uint8_t, 10> log_sense_cdb(std::uint8_t page, std::uint8_t subpage,
                                           std::uint16_t allocation_length) {
    constexpr std::uint8_t current_cumulative_values = 0x40;  // PC 01b
    return {opcode::log_sense,
            0,
            static_cast<std::uint8_t>(current_cumulative_values | (page & 0x3f)),
            subpage,
            0,
            0,
            0,
            static_cast<std::uint8_t>(allocation_length >> 8),
            static_cast<std::uint8_t>(allocation_length),
            0};
}

Result<LogPage> decode_log_page(ByteView data) {
    ByteReader in(data);
    const std::uint8_t first = in.u8();
    LogPage page{.page = static_cast<std::uint8_t>(first & 0x3f),
                 .subpage = in.u8(),
                 .complete = true,
                 .parameters = {}};
    const std::size_t length = in.u16();
    if (!in.ok()) {
        return Error{"log page: " + std::to_string(data.size()) +
                     " bytes, 4 are needed for the header"};
    }
    if ((first & subpage_format) == 0) page.subpage = 0;
    page.complete = in.remaining() >= length;

    ByteReader parameters(data.subspan(page_header_size, std::min(length, in.remaining())));
    while (parameters.remaining() > 0) {
        const std::size_t at = page_header_size + parameters.position();
        LogParameter parameter{.code = parameters.u16(), .control = parameters.u8(), .value = {}};
        const ByteView value = parameters.take(parameters.u8());
        if (!parameters.ok()) {
            if (!page.complete) break;
            return Error{"log page " + to_hex({&page.page, 1}) + "h: byte " + std::to_string(at) +
                         ": parameter ends behind the page"};
        }
        parameter.value.assign(value.begin(), value.end());
        page.parameters.push_back(std::move(parameter));
    }
    return page;
}

Bytes encode_log_page(const LogPage& page) {
    ByteWriter out;
    out.u8(static_cast<std::uint8_t>((page.subpage != 0 ? subpage_format : 0) | page.page))
        .u8(page.subpage)
        .u16(0);
    for (const LogParameter& parameter : page.parameters) {
        out.u16(parameter.code)
            .u8(parameter.control)
            .u8(static_cast<std::uint8_t>(parameter.value.size()));
        out.bytes(parameter.value);
    }
    out.set_u16(2, static_cast<std::uint16_t>(out.size() - page_header_size));
    return out.take();
}

Result<std::vector<std::uint8_t>> decode_supported_log_pages(ByteView data) {
    ByteReader in(data);
    const std::uint8_t page = in.u8();
    in.skip(1);
    const std::size_t length = in.u16();
    if (!in.ok()) {
        return Error{"log page 00h: " + std::to_string(data.size()) +
                     " bytes, 4 are needed for the header"};
    }
    if (page != log_page_code::supported_pages) {
        return Error{"log page 00h: byte 0: the device returned page " + to_hex({&page, 1}) + "h"};
    }
    const ByteView codes = in.take(std::min(length, in.remaining()));
    return std::vector<std::uint8_t>(codes.begin(), codes.end());
}

Bytes encode_supported_log_pages(const std::vector<std::uint8_t>& pages) {
    ByteWriter out;
    out.u8(log_page_code::supported_pages)
        .u8(0)
        .u16(static_cast<std::uint16_t>(pages.size()))
        .bytes(pages);
    return out.take();
}

Result<DtDeviceStatus> decode_dt_device_status(ByteView data) {
    const auto page = decode_log_page(data);
    if (!page) return page.error();
    if (page->page != log_page_code::dt_device_status || page->subpage != 0) {
        return Error{"log page 11h: byte 0: the device returned page " + to_hex({&page->page, 1}) +
                     "h"};
    }
    DtDeviceStatus status;
    status.complete = page->complete;
    for (const LogParameter& parameter : page->parameters) {
        const ByteView value = parameter.value;
        if (parameter.code == very_high_frequency_code && value.size() >= 4) {
            status.very_high_frequency = decode_very_high_frequency(value);
        } else if (parameter.code == polling_delay_code && value.size() >= 2) {
            status.polling_delay_ms = ByteReader(value).u16();
        } else if (parameter.code == potential_conflict_count_code && !value.empty()) {
            status.potential_conflict_count = value[0];
        } else if (parameter.code >= potential_conflict_first_code &&
                   parameter.code <= potential_conflict_last_code &&
                   value.size() >= potential_conflict_size_min) {
            status.potential_conflicts.push_back(decode_potential_conflict(value));
        }
    }
    return status;
}

Bytes encode_dt_device_status(const DtDeviceStatus& status) {
    LogPage page{
        .page = log_page_code::dt_device_status, .subpage = 0, .complete = true, .parameters = {}};
    const auto add = [&page](std::uint16_t code, Bytes value) {
        page.parameters.push_back(
            {.code = code, .control = status_parameter_control, .value = std::move(value)});
    };
    if (status.very_high_frequency)
        add(very_high_frequency_code, encode_very_high_frequency(*status.very_high_frequency));
    if (status.polling_delay_ms) {
        add(polling_delay_code, {static_cast<std::uint8_t>(*status.polling_delay_ms >> 8),
                                 static_cast<std::uint8_t>(*status.polling_delay_ms)});
    }
    if (status.potential_conflict_count)
        add(potential_conflict_count_code, {*status.potential_conflict_count});
    std::uint16_t code = potential_conflict_first_code;
    for (const PotentialConflict& conflict : status.potential_conflicts) {
        if (code > potential_conflict_last_code) break;
        add(code++, encode_potential_conflict(conflict));
    }
    return encode_log_page(page);
}

}  // namespace drive_iface::scsi
