#pragma once

// The log pages of a tape drive (SPC-4 7.3, SSC-3 8.2) but for DT device status: counters of what
// really happened, none of them invented.

#include <optional>
#include <vector>

#include "drive_iface/scsi/log_page.hpp"
#include "drive_iface/virtual/tape_state.hpp"

namespace drive_iface::virtual_library {

namespace tape_log_page {
inline constexpr std::uint8_t write_errors = 0x02;
inline constexpr std::uint8_t read_errors = 0x03;
inline constexpr std::uint8_t sequential_access = 0x0c;
inline constexpr std::uint8_t temperature = 0x0d;
inline constexpr std::uint8_t tape_alert_response = 0x12;
inline constexpr std::uint8_t volume_statistics = 0x17;
inline constexpr std::uint8_t data_compression = 0x1b;
inline constexpr std::uint8_t tape_alert = 0x2e;
// Vendor specific, as LTO drives have them.
inline constexpr std::uint8_t tape_usage = 0x30;
inline constexpr std::uint8_t tape_capacity = 0x31;
inline constexpr std::uint8_t vendor_data_compression = 0x32;
// Vendor specific, our own: the write session of a nexus on a parallel drive.
inline constexpr std::uint8_t write_session = 0x3a;
}  // namespace tape_log_page

// Codes of the pages there are, ascending.
[[nodiscard]] std::vector<std::uint8_t> tape_log_pages(const TapeState& drive);

// Nothing: not one of these pages. Reading the TapeAlert page tells the nexus its flags, as far as
// they are in the `reply`, so that it does not see them again.
[[nodiscard]] std::optional<scsi::LogPage> tape_log(TapeState& drive, NexusId nexus,
                                                    std::uint8_t page, TapeAlerts::Range reply);

}  // namespace drive_iface::virtual_library
