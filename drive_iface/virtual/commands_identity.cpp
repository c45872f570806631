#include "drive_iface/scsi/inquiry.hpp"
#include "drive_iface/scsi/report_luns.hpp"
#include "drive_iface/virtual/handlers.hpp"
#include "drive_iface/virtual/replies.hpp"

namespace drive_iface::virtual_library {
namespace {

constexpr std::uint8_t spc_4 = 0x06;
constexpr const char* product_revision = "0001";

// Annex D of SPC-4: SAM-5, iSCSI, SPC-4, SSC-3.
constexpr std::uint16_t version_descriptors[] = {0x00a0, 0x0960, 0x0460, 0x0400};

Bytes text_bytes(std::string_view text) {
    return {text.begin(), text.end()};
}

// A name of ours that is unique as long as serials are: NAA 3h, locally assigned, and 60 bits of
// FNV-1a of the serial.
Bytes locally_assigned_name(std::string_view serial) {
    std::uint64_t hash = 0xcbf29ce484222325u;
    for (const char c : serial)
        hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x100000001b3u;
    scsi::ByteWriter name;
    name.u64(0x3000000000000000u | (hash & 0x0fffffffffffffffu));
    return name.take();
}

std::vector<scsi::Designator> designators(const DriveIdentity& identity) {
    constexpr std::uint8_t binary = 1;
    constexpr std::uint8_t ascii = 2;
    constexpr std::uint8_t iscsi = 5;
    scsi::ByteWriter t10;
    t10.ascii(identity.vendor, 8)
        .ascii(identity.product, 16)
        .ascii(identity.serial, identity.serial.size());
    return {{.protocol = {},
             .code_set = ascii,
             .association = scsi::Designator::Association::logical_unit,
             .type = scsi::Designator::type_t10_vendor,
             .value = t10.take()},
            {.protocol = {},
             .code_set = binary,
             .association = scsi::Designator::Association::logical_unit,
             .type = scsi::Designator::type_naa,
             .value = locally_assigned_name(identity.serial)},
            {.protocol = iscsi,
             .code_set = binary,
             .association = scsi::Designator::Association::target_port,
             .type = scsi::Designator::type_relative_target_port,
             .value = {0, 0, 0, 1}}};
}

CommandReply vital_product_data(const Call& call, std::uint8_t page) {
    constexpr std::uint8_t peripheral = scsi::device_type::sequential_access;
    const std::size_t allocation_length = cdb_u16(call.cdb, 3);
    const DriveIdentity& identity = call.drive.identity;
    switch (page) {
        case scsi::vpd_page::supported_pages:
            return good(
                scsi::encode_supported_vpd_pages(
                    peripheral,
                    {scsi::vpd_page::supported_pages, scsi::vpd_page::unit_serial_number,
                     scsi::vpd_page::device_identification, scsi::vpd_page::extended_inquiry,
                     scsi::vpd_page::sequential_access_capabilities,
                     scsi::vpd_page::manufacturer_serial_number}),
                allocation_length);
        case scsi::vpd_page::unit_serial_number:
            return good(scsi::encode_unit_serial_number(peripheral, identity.serial),
                        allocation_length);
        case scsi::vpd_page::device_identification:
            return good(scsi::encode_device_identification(peripheral, designators(identity)),
                        allocation_length);
        case scsi::vpd_page::extended_inquiry: {
            // SPC-4 7.8.7: only simple task attributes, no protection information.
            Bytes payload(60, 0);
            payload[1] = 0x01;  // SIMPSUP
            return good(scsi::encode_vpd_page(peripheral, page, payload), allocation_length);
        }
        case scsi::vpd_page::sequential_access_capabilities:
            return good(scsi::encode_vpd_page(peripheral, page, Bytes(2, 0)),
                        allocation_length);  // no WORM
        case scsi::vpd_page::manufacturer_serial_number:
            return good(scsi::encode_vpd_page(peripheral, page, text_bytes(identity.serial)),
                        allocation_length);
        default:
            return invalid_field_in_cdb(2);
    }
}

}  // namespace

scsi::SenseData readiness(const DriveState& drive) {
    if (drive.forced_offline) {
        return {.key = scsi::SenseKey::hardware_error,
                .additional = scsi::additional_sense::internal_target_failure};
    }
    if (!drive.medium_loaded) {
        return {.key = scsi::SenseKey::not_ready,
                .additional = scsi::additional_sense::medium_not_present};
    }
    return {};
}

CommandReply handle_inquiry(const Call& call) {
    const bool vital = (call.cdb[1] & 0x01) != 0;
    if ((call.cdb[1] & 0x02) != 0) return invalid_field_in_cdb(1, 1);  // CMDDT, obsolete
    if (vital) return vital_product_data(call, call.cdb[2]);
    if (call.cdb[2] != 0) return invalid_field_in_cdb(2);
    const scsi::StandardInquiry inquiry{
        .peripheral_qualifier = 0,
        .device_type = scsi::device_type::sequential_access,
        .removable = true,
        .version = spc_4,
        .multiple_ports = false,
        .command_queuing = true,
        .vendor = call.drive.identity.vendor,
        .product = call.drive.identity.product,
        .revision = product_revision,
        .version_descriptors = {std::begin(version_descriptors), std::end(version_descriptors)}};
    return good(scsi::encode_standard_inquiry(inquiry), cdb_u16(call.cdb, 3));
}

CommandReply handle_report_luns(const Call& call) {
    constexpr std::uint8_t all_but_well_known = 0x00;
    constexpr std::uint8_t only_well_known = 0x01;
    constexpr std::uint8_t all = 0x02;
    const std::uint8_t select_report = call.cdb[2];
    const std::size_t allocation_length = cdb_u32(call.cdb, 6);
    if (select_report != all_but_well_known && select_report != only_well_known &&
        select_report != all) {
        return invalid_field_in_cdb(2);
    }
    if (allocation_length < 16) return invalid_field_in_cdb(6);  // SPC-4 6.33
    const std::vector<std::uint64_t> only_lun_0{0};
    return good(scsi::encode_report_luns(
                    select_report == only_well_known ? std::vector<std::uint64_t>{} : only_lun_0),
                allocation_length);
}

// SPC-4 6.39: a pending unit attention is what it reports, and then it is gone.
CommandReply handle_request_sense(const Call& call) {
    if ((call.cdb[1] & 0x01) != 0)
        return invalid_field_in_cdb(1, 0);  // DESC: fixed format is all there is
    scsi::SenseData sense = readiness(call.drive);
    if (!call.drive.forced_offline) {
        if (const auto attention = call.nexus.attentions.take()) {
            sense = {.key = scsi::SenseKey::unit_attention, .additional = *attention};
        }
    }
    return good(scsi::encode_fixed_sense(sense), call.cdb[4]);
}

CommandReply handle_test_unit_ready(const Call& call) {
    const scsi::SenseData sense = readiness(call.drive);
    return sense.key == scsi::SenseKey::no_sense ? good() : check_condition(sense);
}

// The default self-test passes; there is nothing else to diagnose.
CommandReply handle_send_diagnostic(const Call& call) {
    constexpr std::uint8_t self_test_code = 0xe0;
    if ((call.cdb[1] & self_test_code) != 0) return invalid_field_in_cdb(1, 7);
    if (cdb_u16(call.cdb, 3) != 0) return invalid_field_in_cdb(3);
    return good();
}

}  // namespace drive_iface::virtual_library
