#pragma once

// The tracking structure on disk: one row for each session, synced before anything else is done
// about it. Its records are in the index of its segment files.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/result.hpp"
#include "drive_iface/sessions/tracking.hpp"

namespace agent::runtime {
class Database;
}

namespace drive_iface::sessions {

struct LedgerRow {
    Session session;
    // Being copied: the volume's files ended here when it began. What is behind it there counts
    // for nothing until the session is merged.
    std::optional<std::uint64_t> merge_start;
    // Its segment files were there once, so that something may be in them wherever they are now.
    bool made = true;
};

class SessionLedger {
  public:
    static constexpr std::uint32_t identifier_max = 2'147'483'647;

    // Errors: the file can not be used, or is not a ledger.
    [[nodiscard]] static agent::core::Result<std::unique_ptr<SessionLedger>> open(
        const std::string& file);
    ~SessionLedger();

    [[nodiscard]] agent::core::Result<std::vector<LedgerRow>> load() const;
    // The next identifier, which is never given out again. Error: all are used up.
    [[nodiscard]] agent::core::Result<std::uint32_t> begin(Session session);
    [[nodiscard]] agent::core::Outcome save(const LedgerRow& row);
    [[nodiscard]] agent::core::Outcome forget(std::uint32_t identifier);

  private:
    explicit SessionLedger(std::unique_ptr<agent::runtime::Database> database);
    [[nodiscard]] agent::core::Outcome write(const LedgerRow& row);

    std::unique_ptr<agent::runtime::Database> database_;
};

}  // namespace drive_iface::sessions
