#pragma once

// Ways a command ends.

#include <cstddef>
#include <optional>

#include "drive_iface/scsi/sense.hpp"
#include "drive_iface/virtual/target_device.hpp"

namespace drive_iface::virtual_library {

[[nodiscard]] CommandReply good();
// Cut to the allocation length, which is no error (SPC-4 4.2.5.6).
[[nodiscard]] CommandReply good(Bytes data_in, std::size_t allocation_length);
[[nodiscard]] CommandReply check_condition(const scsi::SenseData& sense);
[[nodiscard]] CommandReply check_condition(scsi::SenseKey key, scsi::AdditionalSense additional);
// ILLEGAL REQUEST, INVALID FIELD IN CDB with the field pointer (SPC-4 4.5.2.4.2).
[[nodiscard]] CommandReply invalid_field_in_cdb(std::uint16_t byte,
                                                std::optional<std::uint8_t> bit = {});
[[nodiscard]] CommandReply invalid_field_in_parameter_list(std::uint16_t byte,
                                                           std::optional<std::uint8_t> bit = {});
[[nodiscard]] CommandReply reservation_conflict();

}  // namespace drive_iface::virtual_library
