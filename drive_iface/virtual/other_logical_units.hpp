#pragma once

#include "drive_iface/virtual/command_table.hpp"

namespace drive_iface::virtual_library {

// A command for a logical unit that is not there: INQUIRY says so with peripheral qualifier 011b,
// REQUEST SENSE with its data, everything else is refused (SPC-4 6.4.2, 6.39; SAM-5 5.11).
[[nodiscard]] CommandReply execute_without_logical_unit(const Cdb& cdb);

// ILLEGAL REQUEST, INVALID COMMAND OPERATION CODE, pointing at byte 0.
[[nodiscard]] CommandReply invalid_operation_code();

}  // namespace drive_iface::virtual_library
