#pragma once

// CDBs without a parameter list that reservation handling needs: TEST UNIT READY, REQUEST SENSE,
// and the legacy reservation commands of SPC-2 (7.21, 7.22, 7.16, 7.17), which SPC-3 declared
// obsolete and hosts still send.

#include <array>
#include <cstdint>

namespace drive_iface::scsi {

[[nodiscard]] std::array<std::uint8_t, 6> test_unit_ready_cdb();
[[nodiscard]] std::array<std::uint8_t, 6> request_sense_cdb(std::uint8_t allocation_length);
[[nodiscard]] std::array<std::uint8_t, 6> reserve_6_cdb();
[[nodiscard]] std::array<std::uint8_t, 6> release_6_cdb();
[[nodiscard]] std::array<std::uint8_t, 10> reserve_10_cdb();
[[nodiscard]] std::array<std::uint8_t, 10> release_10_cdb();

}  // namespace drive_iface::scsi
