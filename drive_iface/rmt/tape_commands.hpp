#pragma once

// The commands rmt sends to a drive, as CDBs (SPC-4, SSC-3). Blocks are always of variable length:
// FIXED is 0.

#include <cstdint>

#include "drive_iface/rmt/rmt_codec.hpp"

namespace drive_iface::rmt {

[[nodiscard]] Bytes test_unit_ready();
[[nodiscard]] Bytes rewind();
[[nodiscard]] Bytes read_block(std::uint32_t length);
[[nodiscard]] Bytes write_block(std::uint32_t length);
[[nodiscard]] Bytes write_filemarks(std::uint32_t count, bool immediate);
[[nodiscard]] Bytes space_blocks(std::int32_t count);     // 24 bits
[[nodiscard]] Bytes space_filemarks(std::int32_t count);  // 24 bits
[[nodiscard]] Bytes space_to_end_of_data();
[[nodiscard]] Bytes erase_to_end();
[[nodiscard]] Bytes locate(std::uint32_t object);
[[nodiscard]] Bytes load(bool retension);
[[nodiscard]] Bytes unload();
[[nodiscard]] Bytes prevent_removal(bool prevent);
// Header and block descriptor, as Linux's st driver asks at each open: 12 bytes.
[[nodiscard]] Bytes mode_sense_header();
[[nodiscard]] Bytes read_position_long();

constexpr std::int64_t space_count_max = 0x7fffff;

}  // namespace drive_iface::rmt
