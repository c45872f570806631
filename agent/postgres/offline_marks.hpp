#pragma once

// What the nodes of a pair tell each other of drives that are forced offline: one row for each time
// that happened. A row is added and, later, ended; nothing else is ever changed of it, so that
// either node may write either at any time and again, in whatever order.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/result.hpp"
#include "agent/core/time.hpp"

namespace agent::postgres {

class PrimarySession;

struct OfflineMark {
    std::string id;  // printable; never used again
    std::string drive;
    core::WallTime since;
    std::string reason;
    std::string node;  // that forced it offline
    std::optional<core::WallTime> ended_at;
    std::string ended_by;  // who, and why
    bool operator==(const OfflineMark&) const = default;
};

// SQL that makes what is missing, and lets the other node use it.
[[nodiscard]] std::string offline_mark_tables();

// Those that have not ended, and those named, ended or not.
[[nodiscard]] core::Result<std::vector<OfflineMark>> read_offline_marks(
    PrimarySession& session, const std::vector<std::string>& named);

// Adds it where it is missing, ends it where it has ended. Of ended ones the newest thousand stay.
[[nodiscard]] core::Outcome put_offline_mark(PrimarySession& session, const OfflineMark& mark);

}  // namespace agent::postgres
