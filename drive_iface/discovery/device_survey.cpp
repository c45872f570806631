#include "drive_iface/discovery/device_survey.hpp"

#include <algorithm>
#include <utility>

#include "drive_iface/device/patient_execute.hpp"
#include "drive_iface/scsi/opcodes.hpp"

namespace drive_iface::discovery {

using agent::core::Duration;
using agent::core::Error;
using agent::core::Nothing;
using agent::core::Outcome;
using agent::core::Result;

namespace {

constexpr std::uint16_t short_page_size = 255;  // fits the one-byte length of SPC-2 devices
constexpr std::uint16_t long_page_size = 4'096;

Result<scsi::Bytes> ask_inquiry(Transport& device, const std::array<std::uint8_t, 6>& cdb,
                                std::size_t size, Duration timeout) {
    auto reply = execute_patiently(device, {cdb, {}, size}, timeout, nullptr);
    if (!reply) return reply.error();
    if (reply->status != scsi::status::good) return Error{in_words(*reply)};
    return std::move(reply.value().data_in);
}

Result<scsi::Bytes> ask_page(Transport& device, std::uint8_t page, std::uint16_t size,
                             Duration timeout) {
    auto data = ask_inquiry(device, scsi::inquiry_vpd_cdb(page, size), size, timeout);
    return data ? data : data.error().within("INQUIRY page " + scsi::to_hex({&page, 1}) + "h");
}

// Reads one page the device says it has; what comes of it goes to `into`, trouble to the problems.
template <typename Decode, typename Into>
void read_page(Transport& device, std::uint8_t page, std::uint16_t size, Duration timeout,
               Decode decode, Into& into, std::vector<std::string>& problems) {
    const auto data = ask_page(device, page, size, timeout);
    if (!data) return problems.push_back(data.error().message);
    auto decoded = decode(*data);
    if (!decoded) return problems.push_back(decoded.error().message);
    into = std::move(decoded).value();
}

std::string logical_unit_name_in(const std::vector<scsi::Designator>& designators) {
    for (const auto& designator : designators) {
        if (designator.association == scsi::Designator::Association::logical_unit &&
            designator.type == scsi::Designator::type_naa)
            return scsi::to_hex(designator.value);
    }
    return "";
}

void read_further_pages(Transport& device, Duration timeout, DeviceSurvey& survey) {
    std::vector<std::uint8_t> pages;
    read_page(device, scsi::vpd_page::supported_pages, short_page_size, timeout,
              scsi::decode_supported_vpd_pages, pages, survey.problems);
    const auto has = [&](std::uint8_t page) {
        return std::find(pages.begin(), pages.end(), page) != pages.end();
    };
    auto& problems = survey.problems;
    if (has(scsi::vpd_page::device_identification)) {
        read_page(device, scsi::vpd_page::device_identification, long_page_size, timeout,
                  scsi::decode_device_identification, survey.designators, problems);
        survey.identity.logical_unit_name = logical_unit_name_in(survey.designators);
    }
    if (has(scsi::vpd_page::scsi_ports)) {
        read_page(device, scsi::vpd_page::scsi_ports, long_page_size, timeout,
                  scsi::decode_scsi_ports, survey.ports, problems);
    }
    if (survey.identity.device_type != scsi::device_type::sequential_access) return;
    if (has(scsi::vpd_page::manufacturer_serial_number)) {
        read_page(device, scsi::vpd_page::manufacturer_serial_number, short_page_size, timeout,
                  scsi::decode_manufacturer_serial_number, survey.manufacturer_serial, problems);
    }
    if (has(scsi::vpd_page::automation_device_serial_number)) {
        read_page(device, scsi::vpd_page::automation_device_serial_number, short_page_size, timeout,
                  scsi::decode_automation_device_serial_number, survey.library_serial, problems);
    }
    if (has(scsi::vpd_page::data_transfer_device_element_address)) {
        read_page(device, scsi::vpd_page::data_transfer_device_element_address, short_page_size,
                  timeout, scsi::decode_data_transfer_device_element_address,
                  survey.element_address, problems);
    }
}

Outcome read_standard_inquiry(Transport& device, Duration timeout, DriveIdentity& identity) {
    constexpr std::uint16_t size = 96;
    const auto data = ask_inquiry(device, scsi::inquiry_cdb(size), size, timeout);
    if (!data) return data.error().within("INQUIRY");
    const auto inquiry = scsi::decode_standard_inquiry(*data);
    if (!inquiry) return inquiry.error();
    if (inquiry->peripheral_qualifier != 0)
        return Error{"INQUIRY: no device is connected at this logical unit"};
    identity.vendor = inquiry->vendor;
    identity.product = inquiry->product;
    identity.revision = inquiry->revision;
    identity.device_type = inquiry->device_type;
    return Nothing{};
}

}  // namespace

Result<std::string> serial_of(Transport& device, Duration timeout) {
    const auto data =
        ask_page(device, scsi::vpd_page::unit_serial_number, short_page_size, timeout);
    if (!data) return data.error();
    auto serial = scsi::decode_unit_serial_number(*data);
    if (serial && serial->empty())
        return Error{"INQUIRY page 80h: the device has no serial number"};
    return serial;
}

Result<DeviceSurvey> survey_device(Transport& device, Duration timeout) {
    DeviceSurvey survey;
    if (auto read = read_standard_inquiry(device, timeout, survey.identity); !read)
        return read.error();
    const bool changer = survey.identity.device_type == scsi::device_type::medium_changer;
    if (!changer && survey.identity.device_type != scsi::device_type::sequential_access)
        return survey;
    auto serial = serial_of(device, timeout);
    if (!serial) return serial.error();
    survey.identity.serial.text = std::move(serial).value();
    read_further_pages(device, timeout, survey);
    if (!changer) return survey;
    auto drives = survey_changer(device, timeout);
    if (drives) {
        survey.library_drives = std::move(drives).value();
    } else {
        survey.problems.push_back(drives.error().message);
    }
    return survey;
}

}  // namespace drive_iface::discovery
