#pragma once

// One PERSISTENT RESERVE OUT to a drive, and what came of it. Works over any Transport; one thread
// at a time.

#include <cstdint>

#include "agent/core/result.hpp"
#include "agent/core/time.hpp"
#include "drive_iface/device/transport.hpp"
#include "drive_iface/scsi/persistent_reserve.hpp"

namespace drive_iface {

struct PersistentReserveOut {
    scsi::PrOutAction action = scsi::PrOutAction::register_key;
    std::uint8_t type = 0;  // 0 for service actions that have none
    std::uint64_t key = 0;
    std::uint64_t service_action_key = 0;
    bool persist = false;  // APTPL
};

// Sent once: after a unit attention, which says that it was not carried out (SAM-5 5.14), the
// caller looks again before it decides again.
[[nodiscard]] agent::core::Result<ScsiReply> send(Transport& drive,
                                                  const PersistentReserveOut& command,
                                                  agent::core::Duration timeout);

// Whether a CHECK CONDITION is a unit attention.
[[nodiscard]] bool is_unit_attention(const ScsiReply& reply);

}  // namespace drive_iface
