#pragma once

// The answer to S: struct mtget of Linux on a 64-bit little-endian machine (mtio.h), and its single
// fields for star.

#include <cstdint>
#include <optional>

#include "drive_iface/rmt/rmt_codec.hpp"

namespace drive_iface::rmt {

struct MagneticTapeStatus {
    std::uint8_t density = 0;
    std::uint32_t block_length = 0;  // 0: variable
    bool loaded = false;
    bool write_protected = false;
    bool at_beginning = false;  // of the tape
    bool at_filemark = false;   // just behind one
    bool at_end_of_data = false;
    std::int32_t file_number = -1;   // -1: not known
    std::int32_t block_number = -1;  // within the file
};

constexpr std::size_t status_size = 48;
[[nodiscard]] Bytes encode_status(const MagneticTapeStatus& status);
// T type, D density and block length, E error register, R residual, F file, B block, f flags,
// b blocking. Nothing: no such field.
[[nodiscard]] std::optional<std::int64_t> status_field(const MagneticTapeStatus& status,
                                                       char field);

}  // namespace drive_iface::rmt
