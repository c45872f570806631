#pragma once

#include <cstdint>
#include <span>

namespace drive_iface::iscsi {

// CRC32C (Castagnoli), the digest of RFC 7143 13.1; on the wire its bytes go least significant
// first. `before` is the digest of the bytes in front of these, 0 for none.
[[nodiscard]] std::uint32_t crc32c(std::span<const std::uint8_t> bytes, std::uint32_t before = 0);

}  // namespace drive_iface::iscsi
