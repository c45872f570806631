#pragma once

// REPORT LUNS (SPC-4 6.33).

#include <array>
#include <vector>

#include "agent/core/result.hpp"
#include "drive_iface/scsi/bytes.hpp"

namespace drive_iface::scsi {

[[nodiscard]] std::array<std::uint8_t, 12> report_luns_cdb(std::uint32_t allocation_length);

// LUNs as 8-byte values (SAM-5 4.7); LUN 0 is 0. Data cut by the allocation length decodes to the
// LUNs that arrived.
[[nodiscard]] agent::core::Result<std::vector<std::uint64_t>> decode_report_luns(ByteView data);
[[nodiscard]] Bytes encode_report_luns(const std::vector<std::uint64_t>& luns);

}  // namespace drive_iface::scsi
