#include "drive_iface/virtual/other_logical_units.hpp"

#include "drive_iface/scsi/inquiry.hpp"
#include "drive_iface/virtual/handlers.hpp"
#include "drive_iface/virtual/replies.hpp"

namespace drive_iface::virtual_library {
namespace {

constexpr scsi::SenseKey illegal_request = scsi::SenseKey::illegal_request;
constexpr scsi::AdditionalSense not_supported = scsi::additional_sense::logical_unit_not_supported;

}  // namespace

CommandReply invalid_operation_code() {
    return check_condition({.key = illegal_request,
                            .additional = scsi::additional_sense::invalid_command_operation_code,
                            .field = scsi::FieldPointer{.in_cdb = true, .byte = 0, .bit = {}}});
}

CommandReply execute_without_logical_unit(const Cdb& cdb) {
    switch (cdb[0]) {
        case scsi::opcode::inquiry: {
            constexpr std::uint8_t no_such_logical_unit = 3;
            if ((cdb[1] & 0x01) != 0 || cdb[2] != 0) return invalid_field_in_cdb(1, 0);
            const scsi::StandardInquiry nothing{.peripheral_qualifier = no_such_logical_unit,
                                                .device_type = scsi::device_type::not_known,
                                                .removable = false,
                                                .version = 0x06};
            return good(scsi::encode_standard_inquiry(nothing), cdb_u16(cdb, 3));
        }
        case scsi::opcode::request_sense:
            return good(
                scsi::encode_fixed_sense({.key = illegal_request, .additional = not_supported}),
                cdb[4]);
        default:
            return check_condition(illegal_request, not_supported);
    }
}

}  // namespace drive_iface::virtual_library
