#pragma once

// Which effects are records: written, synced, and only then followed by the others of their step.

#include <variant>

#include "agent/core/drive_sharing_agent_io.hpp"
#include "agent/core/reservation_agent_io.hpp"

namespace agent::runtime {

[[nodiscard]] inline bool is_record(const core::ReservationAgentEffect& effect) {
    return std::holds_alternative<core::RecordDrive>(effect) ||
           std::holds_alternative<core::RecordAgent>(effect) ||
           std::holds_alternative<core::RecordDebt>(effect) ||
           std::holds_alternative<core::RecordEvent>(effect) ||
           std::holds_alternative<core::RecordAlarm>(effect);
}

[[nodiscard]] inline bool is_record(const core::DriveSharingAgentEffect& effect) {
    return std::holds_alternative<core::RecordLedgerEntry>(effect) ||
           std::holds_alternative<core::RecordNoticeMark>(effect) ||
           std::holds_alternative<core::RecordOnlineCommand>(effect) ||
           std::holds_alternative<core::RecordAgentEvent>(effect);
}

template <typename Effects>
[[nodiscard]] bool has_records(const Effects& effects) {
    for (const auto& effect : effects) {
        if (is_record(effect)) return true;
    }
    return false;
}

}  // namespace agent::runtime
