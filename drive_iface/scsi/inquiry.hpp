#pragma once

// Standard INQUIRY data and the vital product data pages that say who a device is.

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/result.hpp"
#include "drive_iface/scsi/bytes.hpp"

namespace drive_iface::scsi {

namespace device_type {
inline constexpr std::uint8_t direct_access = 0x00;
inline constexpr std::uint8_t sequential_access = 0x01;
inline constexpr std::uint8_t medium_changer = 0x08;
inline constexpr std::uint8_t automation_drive_interface = 0x12;
inline constexpr std::uint8_t not_known = 0x1f;
}  // namespace device_type

namespace vpd_page {
inline constexpr std::uint8_t supported_pages = 0x00;
inline constexpr std::uint8_t unit_serial_number = 0x80;
inline constexpr std::uint8_t device_identification = 0x83;
inline constexpr std::uint8_t extended_inquiry = 0x86;
inline constexpr std::uint8_t scsi_ports = 0x88;
inline constexpr std::uint8_t sequential_access_capabilities = 0xb0;  // SSC-3 8.5.2
inline constexpr std::uint8_t manufacturer_serial_number = 0xb1;      // SSC-3 8.5.3
inline constexpr std::uint8_t tape_alert_supported_flags = 0xb2;      // SSC-3 8.5.4
inline constexpr std::uint8_t automation_device_serial_number = 0xb3;
inline constexpr std::uint8_t data_transfer_device_element_address = 0xb4;
}  // namespace vpd_page

// SPC-4 6.4.2.
struct StandardInquiry {
    std::uint8_t peripheral_qualifier = 0;  // 0 connected, 1 not connected, 3 no such logical unit
    std::uint8_t device_type = device_type::not_known;
    bool removable = false;
    std::uint8_t version = 0;  // 6: SPC-4
    bool multiple_ports = false;
    bool command_queuing = false;
    std::string vendor;    // T10 VENDOR IDENTIFICATION, at most 8 characters, trimmed
    std::string product;   // PRODUCT IDENTIFICATION, at most 16
    std::string revision;  // PRODUCT REVISION LEVEL, at most 4
    std::vector<std::uint16_t> version_descriptors;  // at most 8, zero ones left out
    bool operator==(const StandardInquiry&) const = default;
};

// At least the 36 bytes of SPC-2 are needed; version descriptors only when they are there.
[[nodiscard]] agent::core::Result<StandardInquiry> decode_standard_inquiry(ByteView data);
// Always 96 bytes.
[[nodiscard]] Bytes encode_standard_inquiry(const StandardInquiry& inquiry);

[[nodiscard]] std::array<std::uint8_t, 6> inquiry_cdb(std::uint16_t allocation_length);
[[nodiscard]] std::array<std::uint8_t, 6> inquiry_vpd_cdb(std::uint8_t page,
                                                          std::uint16_t allocation_length);

// Page code and payload of any VPD page. `payload` points into the data given. Errors: shorter than
// PAGE LENGTH says.
struct VpdPage {
    std::uint8_t peripheral = 0;  // qualifier and device type, byte 0
    std::uint8_t page_code = 0;
    ByteView payload;
};
[[nodiscard]] agent::core::Result<VpdPage> decode_vpd_page(ByteView data);
[[nodiscard]] Bytes encode_vpd_page(std::uint8_t peripheral, std::uint8_t page_code,
                                    ByteView payload);

// Page 00h, SPC-4 7.8.17.
[[nodiscard]] agent::core::Result<std::vector<std::uint8_t>> decode_supported_vpd_pages(
    ByteView data);
[[nodiscard]] Bytes encode_supported_vpd_pages(std::uint8_t peripheral,
                                               const std::vector<std::uint8_t>& pages);

// Page 80h, SPC-4 7.8.18; trimmed at both ends. A drive without a serial number may return blanks:
// empty text.
[[nodiscard]] agent::core::Result<std::string> decode_unit_serial_number(ByteView data);
[[nodiscard]] Bytes encode_unit_serial_number(std::uint8_t peripheral, const std::string& serial);

// One designation descriptor of page 83h, SPC-4 7.8.6.
struct Designator {
    enum class Association : std::uint8_t {
        logical_unit = 0,
        target_port = 1,
        target_device = 2,
        reserved = 3
    };
    static constexpr std::uint8_t type_t10_vendor = 1;
    static constexpr std::uint8_t type_naa = 3;
    static constexpr std::uint8_t type_relative_target_port = 4;
    static constexpr std::uint8_t type_scsi_name = 8;

    std::optional<std::uint8_t> protocol;  // only when PIV is set
    std::uint8_t code_set = 1;             // 1 binary, 2 ASCII, 3 UTF-8
    Association association = Association::logical_unit;
    std::uint8_t type = 0;
    Bytes value;
    bool operator==(const Designator&) const = default;
};
[[nodiscard]] agent::core::Result<std::vector<Designator>> decode_device_identification(
    ByteView data);
[[nodiscard]] Bytes encode_device_identification(std::uint8_t peripheral,
                                                 const std::vector<Designator>& designators);

// One port of a device, page 88h: its relative port identifier and the names of its target port.
struct ScsiPort {
    std::uint16_t relative_identifier = 0;
    std::vector<Designator> target_port;
    bool operator==(const ScsiPort&) const = default;
};
[[nodiscard]] agent::core::Result<std::vector<ScsiPort>> decode_scsi_ports(ByteView data);

// Page B1h: the serial number of the mechanism, where page 80h has the one the library gave it.
// Trimmed, may be empty.
[[nodiscard]] agent::core::Result<std::string> decode_manufacturer_serial_number(ByteView data);

// Page B3h: the serial number of the library that the drive is built into. Trimmed, may be empty.
[[nodiscard]] agent::core::Result<std::string> decode_automation_device_serial_number(
    ByteView data);

// Page B4h: the drive's own element address, as its library told it. The whole payload is one
// number (so does sg_vpd read it); drives differ in its width. Errors: fewer than two bytes, or
// more than an element address can be.
[[nodiscard]] agent::core::Result<std::uint16_t> decode_data_transfer_device_element_address(
    ByteView data);

// ASCII and UTF-8 designators as text, trimmed; others as hex digits.
[[nodiscard]] std::string to_text(const Designator& designator);

}  // namespace drive_iface::scsi
