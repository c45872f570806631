#pragma once

// MODE SENSE and MODE SELECT parameter lists (SPC-4 7.5): header, block descriptor, pages.

#include <array>
#include <optional>
#include <vector>

#include "agent/core/result.hpp"
#include "drive_iface/scsi/bytes.hpp"

namespace drive_iface::scsi {

[[nodiscard]] std::array<std::uint8_t, 6> mode_sense_6_cdb(std::uint8_t page, std::uint8_t subpage,
                                                           bool disable_block_descriptors,
                                                           std::uint8_t allocation_length);
[[nodiscard]] std::array<std::uint8_t, 10> mode_sense_10_cdb(std::uint8_t page,
                                                             std::uint8_t subpage,
                                                             bool disable_block_descriptors,
                                                             std::uint16_t allocation_length);

// General mode parameter block descriptor, SSC-3 8.3.2.
struct BlockDescriptor {
    std::uint8_t density_code = 0;
    std::uint32_t block_count = 0;   // 24 bits
    std::uint32_t block_length = 0;  // 24 bits; 0: variable
    bool operator==(const BlockDescriptor&) const = default;
};

struct ModePage {
    std::uint8_t page = 0;  // 6 bits
    std::uint8_t subpage = 0;
    bool savable = false;  // PS
    Bytes value;           // without the header
    bool operator==(const ModePage&) const = default;
};

struct ModeParameters {
    bool complete = true;
    std::uint8_t medium_type = 0;
    std::uint8_t device_specific =
        0;  // tape: bit 7 WP, bits 6-4 buffered mode, bits 3-0 speed (SSC-3 8.3.1)
    std::optional<BlockDescriptor> block_descriptor;
    std::vector<ModePage> pages;
    bool operator==(const ModeParameters&) const = default;
};

// Data cut by the allocation length decodes to the pages that arrived whole, and `complete` is
// false.
[[nodiscard]] agent::core::Result<ModeParameters> decode_mode_parameters_6(ByteView data);
[[nodiscard]] agent::core::Result<ModeParameters> decode_mode_parameters_10(ByteView data);
[[nodiscard]] Bytes encode_mode_parameters_6(const ModeParameters& parameters);
[[nodiscard]] Bytes encode_mode_parameters_10(const ModeParameters& parameters);

}  // namespace drive_iface::scsi
