#pragma once

// One command, sent again while the device only says that something happened meanwhile.

#include <optional>
#include <string>
#include <vector>

#include "agent/core/result.hpp"
#include "agent/core/time.hpp"
#include "drive_iface/device/transport.hpp"
#include "drive_iface/scsi/sense.hpp"

namespace drive_iface {

// Sends `command` again after each UNIT ATTENTION, which belongs to what happened before and not to
// this command (SAM-5 5.14), up to 10 times. Those seen are added to `unit_attentions` unless it is
// null. Never for commands that change something: their effect may be there already.
[[nodiscard]] agent::core::Result<ScsiReply> execute_patiently(
    Transport& drive, const ScsiCommand& command, agent::core::Duration timeout,
    std::vector<scsi::AdditionalSense>* unit_attentions);

// Status, and sense when there is some: "CHECK CONDITION, 5h/24h/00h ILLEGAL REQUEST, ...".
[[nodiscard]] std::string in_words(const ScsiReply& reply);

// Sense data of a CHECK CONDITION, empty otherwise.
[[nodiscard]] std::optional<scsi::SenseData> sense_of(const ScsiReply& reply);

// ILLEGAL REQUEST, INVALID COMMAND OPERATION CODE or INVALID FIELD IN CDB: the device does not know
// this command or service action.
[[nodiscard]] bool says_not_supported(const ScsiReply& reply);

}  // namespace drive_iface
