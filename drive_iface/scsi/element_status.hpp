#pragma once

// READ ELEMENT STATUS (SMC-3 6.11): where the elements of a library are, and which drive sits in
// which.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/result.hpp"
#include "drive_iface/scsi/bytes.hpp"
#include "drive_iface/scsi/inquiry.hpp"
#include "drive_iface/scsi/sense.hpp"

namespace drive_iface::scsi {

namespace element_type {
inline constexpr std::uint8_t all = 0;
inline constexpr std::uint8_t transport = 1;
inline constexpr std::uint8_t storage = 2;
inline constexpr std::uint8_t import_export = 3;
inline constexpr std::uint8_t data_transfer = 4;
}  // namespace element_type

// Byte 2 of an element descriptor.
namespace element_flag {
inline constexpr std::uint8_t full = 0x01;
inline constexpr std::uint8_t by_operator = 0x02;  // IMPEXP
inline constexpr std::uint8_t exception = 0x04;
inline constexpr std::uint8_t access = 0x08;
inline constexpr std::uint8_t export_enabled = 0x10;
inline constexpr std::uint8_t import_enabled = 0x20;
}  // namespace element_flag

inline constexpr std::size_t volume_tag_size = 36;
inline constexpr std::size_t volume_identifier_size = 32;  // the rest is a sequence number

struct ReadElementStatus {
    std::uint8_t type = element_type::all;
    std::uint16_t first = 0;          // lowest element address
    std::uint16_t count = 0xffff;     // elements at most
    bool volume_tags = false;         // VOLTAG
    bool current_data = false;        // CURDATA: answer from what is known, move nothing
    bool device_identifiers = false;  // DVCID; some tools set the bit beside it, which is CURDATA
    std::uint32_t allocation_length = 0;  // 24 bits
};
[[nodiscard]] std::array<std::uint8_t, 12> read_element_status_cdb(const ReadElementStatus& wanted);

struct ElementStatus {
    std::uint8_t type = element_type::all;  // one of element_type, or what the library made up
    std::uint16_t address = 0;
    std::uint8_t flags = 0;                       // element_flag
    AdditionalSense additional;                   // why, when `exception` is set
    std::optional<std::uint16_t> source;          // where its medium came from (SVALID)
    std::string volume_tag;                       // without the blanks at its end; may be empty
    std::optional<Designator> device_identifier;  // of the drive in it, with DVCID
    bool operator==(const ElementStatus&) const = default;
};

struct ElementStatusData {
    std::vector<ElementStatus> elements;  // those that arrived whole
    std::size_t whole_size = 0;           // bytes of the whole answer: more than arrived means cut
};

// An answer cut by the allocation length decodes to what arrived whole. Errors: shorter than its
// header, descriptors that can not be told apart, or that lie outside their page.
[[nodiscard]] agent::core::Result<ElementStatusData> decode_element_status(ByteView data);

// Does the library mean this drive? Libraries identify a drive by its whole T10 designator (vendor,
// product and serial number) or by the serial number alone: the drive's own serial number (VPD page
// 80h) stands at the end of both.
[[nodiscard]] bool identifies(const Designator& device_identifier, const std::string& serial);

}  // namespace drive_iface::scsi
