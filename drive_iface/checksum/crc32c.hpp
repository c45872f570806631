#pragma once

// CRC32C (Castagnoli): the digest of iSCSI (RFC 7143 13.1) and of every block a cartridge holds.

#include <cstdint>
#include <span>

namespace drive_iface::checksum {

// `before` is the sum of the bytes in front of these, 0 for none. Uses the processor's carry-less
// multiplication of wide registers where there is one, or its CRC instruction.
[[nodiscard]] std::uint32_t crc32c(std::span<const std::uint8_t> bytes, std::uint32_t before = 0);

// The same without wide registers.
[[nodiscard]] std::uint32_t crc32c_by_instruction(std::span<const std::uint8_t> bytes,
                                                  std::uint32_t before = 0);

// The same from a table, on any processor: what the others are tested against.
[[nodiscard]] std::uint32_t crc32c_by_table(std::span<const std::uint8_t> bytes,
                                            std::uint32_t before = 0);

}  // namespace drive_iface::checksum
