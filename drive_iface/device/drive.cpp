#include "drive_iface/device/drive.hpp"

#include <algorithm>

#include "drive_iface/device/patient_execute.hpp"
#include "drive_iface/scsi/inquiry.hpp"
#include "drive_iface/scsi/opcodes.hpp"

namespace drive_iface {

using namespace agent::core;

namespace {

constexpr std::uint16_t inquiry_size = 96;
constexpr std::uint16_t vpd_size = 255;  // fits the one-byte allocation length of SPC-2 devices
constexpr std::uint16_t vpd_83_size = 1024;

// GOOD, or in words what else came back.
Result<scsi::Bytes> ask(Transport& drive, const std::array<std::uint8_t, 6>& cdb, std::size_t size,
                        Duration timeout, const std::string& what) {
    auto reply = execute_patiently(drive, {cdb, {}, size}, timeout, nullptr);
    if (!reply) return reply.error().within(what);
    if (reply->status != scsi::status::good) return Error{what + ": " + in_words(*reply)};
    return std::move(reply.value().data_in);
}

std::string logical_unit_name(const std::vector<scsi::Designator>& designators) {
    const auto found = std::find_if(
        designators.begin(), designators.end(), [](const scsi::Designator& designator) {
            return designator.association == scsi::Designator::Association::logical_unit &&
                   designator.type == scsi::Designator::type_naa;
        });
    return found == designators.end() ? "" : scsi::to_hex(found->value);
}

}  // namespace

Result<DriveIdentity> identify(Transport& drive, Duration timeout) {
    DriveIdentity identity;
    const auto standard =
        ask(drive, scsi::inquiry_cdb(inquiry_size), inquiry_size, timeout, "INQUIRY");
    if (!standard) return standard.error();
    const auto inquiry = scsi::decode_standard_inquiry(*standard);
    if (!inquiry) return inquiry.error().within("INQUIRY");
    if (inquiry->peripheral_qualifier != 0)
        return Error{"INQUIRY: no device is connected at this logical unit"};
    identity.vendor = inquiry->vendor;
    identity.product = inquiry->product;
    identity.revision = inquiry->revision;
    identity.device_type = inquiry->device_type;

    const auto page_80 =
        ask(drive, scsi::inquiry_vpd_cdb(scsi::vpd_page::unit_serial_number, vpd_size), vpd_size,
            timeout, "INQUIRY page 80h (unit serial number)");
    if (!page_80) return page_80.error();
    const auto serial = scsi::decode_unit_serial_number(*page_80);
    if (!serial) return serial.error().within("INQUIRY page 80h (unit serial number)");
    if (serial->empty()) return Error{"INQUIRY page 80h: the device has no serial number"};
    identity.serial.text = *serial;

    const auto page_83 =
        ask(drive, scsi::inquiry_vpd_cdb(scsi::vpd_page::device_identification, vpd_83_size),
            vpd_83_size, timeout, "INQUIRY page 83h");
    if (page_83) {
        const auto designators = scsi::decode_device_identification(*page_83);
        if (designators) identity.logical_unit_name = logical_unit_name(*designators);
    }
    return identity;
}

}  // namespace drive_iface
