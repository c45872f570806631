#include "agent/core/assert.hpp"
#include "drive_iface/scsi/inquiry.hpp"

using namespace drive_iface::scsi;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteView bytes(data, size);
    if (const auto inquiry = decode_standard_inquiry(bytes)) {
        AGENT_ASSERT(decode_standard_inquiry(encode_standard_inquiry(*inquiry)).value() ==
                     *inquiry);
    }
    static_cast<void>(decode_supported_vpd_pages(bytes));
    static_cast<void>(decode_unit_serial_number(bytes));
    static_cast<void>(decode_scsi_ports(bytes));
    static_cast<void>(decode_manufacturer_serial_number(bytes));
    static_cast<void>(decode_automation_device_serial_number(bytes));
    static_cast<void>(decode_data_transfer_device_element_address(bytes));
    if (const auto designators = decode_device_identification(bytes)) {
        for (const auto& designator : *designators)
            static_cast<void>(to_text(designator));
        const auto again =
            decode_device_identification(encode_device_identification(bytes[0], *designators));
        AGENT_ASSERT(again.value() == *designators);
    }
    return 0;
}
