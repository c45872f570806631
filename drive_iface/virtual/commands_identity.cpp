#include "drive_iface/scsi/inquiry.hpp"
#include "drive_iface/scsi/report_luns.hpp"
#include "drive_iface/virtual/drive_state.hpp"
#include "drive_iface/virtual/handlers.hpp"
#include "drive_iface/virtual/logical_unit.hpp"
#include "drive_iface/virtual/medium_access.hpp"
#include "drive_iface/virtual/replies.hpp"

namespace drive_iface::virtual_library {
namespace {

constexpr std::uint8_t spc_4 = 0x06;
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

std::vector<scsi::Designator> designators(const LogicalUnitIdentity& identity) {
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
    const std::size_t allocation_length = cdb_u16(call.cdb, 3);
    const LogicalUnitIdentity& identity = call.unit.identity;
    const std::uint8_t peripheral = identity.device_type;
    if (page == scsi::vpd_page::supported_pages) {
        std::vector<std::uint8_t> pages{scsi::vpd_page::supported_pages,
                                        scsi::vpd_page::unit_serial_number,
                                        scsi::vpd_page::device_identification};
        for (const auto& [code, value] : identity.vital_product_data)
            pages.push_back(code);
        return good(scsi::encode_supported_vpd_pages(peripheral, pages), allocation_length);
    }
    if (page == scsi::vpd_page::unit_serial_number) {
        return good(scsi::encode_unit_serial_number(peripheral, identity.serial),
                    allocation_length);
    }
    if (page == scsi::vpd_page::device_identification) {
        return good(scsi::encode_device_identification(peripheral, designators(identity)),
                    allocation_length);
    }
    const auto found = identity.vital_product_data.find(page);
    if (found == identity.vital_product_data.end()) return invalid_field_in_cdb(2);
    return good(scsi::encode_vpd_page(peripheral, page, found->second), allocation_length);
}

}  // namespace

scsi::SenseData readiness(const DriveState& drive) {
    return medium_readiness(drive.tape);
}

scsi::SenseData readiness(const Call& call) {
    if (call.unit.forced_offline) {
        return {.key = scsi::SenseKey::hardware_error,
                .additional = scsi::additional_sense::internal_target_failure};
    }
    if (const auto* drive = std::get_if<DriveState*>(&call.device)) return readiness(**drive);
    return {};
}

Answer handle_inquiry(const Call& call) {
    const bool vital = (call.cdb[1] & 0x01) != 0;
    if ((call.cdb[1] & 0x02) != 0) return invalid_field_in_cdb(1, 1);  // CMDDT, obsolete
    if (vital) return vital_product_data(call, call.cdb[2]);
    if (call.cdb[2] != 0) return invalid_field_in_cdb(2);
    const LogicalUnitIdentity& identity = call.unit.identity;
    const scsi::StandardInquiry inquiry{.peripheral_qualifier = 0,
                                        .device_type = identity.device_type,
                                        .removable = true,
                                        .version = spc_4,
                                        .multiple_ports = false,
                                        .command_queuing = true,
                                        .vendor = identity.vendor,
                                        .product = identity.product,
                                        .revision = identity.revision,
                                        .version_descriptors = identity.version_descriptors};
    return good(scsi::encode_standard_inquiry(inquiry), cdb_u16(call.cdb, 3));
}

Answer handle_report_luns(const Call& call) {
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
Answer handle_request_sense(const Call& call) {
    if ((call.cdb[1] & 0x01) != 0)
        return invalid_field_in_cdb(1, 0);  // DESC: fixed format is all there is
    scsi::SenseData sense = readiness(call);
    if (!call.unit.forced_offline) {
        if (const auto attention = call.nexus.attentions.take()) {
            sense = {.key = scsi::SenseKey::unit_attention, .additional = *attention};
        }
    }
    return good(scsi::encode_fixed_sense(sense), call.cdb[4]);
}

Answer handle_test_unit_ready(const Call& call) {
    const scsi::SenseData sense = readiness(call);
    return sense.key == scsi::SenseKey::no_sense ? good() : check_condition(sense);
}

// The default self-test passes; there is nothing else to diagnose.
Answer handle_send_diagnostic(const Call& call) {
    constexpr std::uint8_t self_test_code = 0xe0;
    if ((call.cdb[1] & self_test_code) != 0) return invalid_field_in_cdb(1, 7);
    if (cdb_u16(call.cdb, 3) != 0) return invalid_field_in_cdb(3);
    return good();
}

}  // namespace drive_iface::virtual_library
