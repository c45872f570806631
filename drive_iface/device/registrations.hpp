#pragma once

// What a look tells besides the reservation, in the words of the rules.

#include "agent/core/reservation_agent_io.hpp"
#include "drive_iface/device/drive_poller.hpp"

namespace drive_iface {

// `look` has a reading. Registrations that can not be told apart from nothing (no READ FULL STATUS,
// no READ KEYS, a RESERVE) are absent, as is the device status that was not asked for.
[[nodiscard]] agent::core::DriveExamined examined(const agent::core::DriveSerial& drive,
                                                  const DriveLook& look);

}  // namespace drive_iface
