#pragma once

// The rows of all sessions in memory and on disk, who refers to them, and who is told of changes.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "drive_iface/sessions/session_ledger.hpp"

namespace drive_iface::sessions {

class SessionBook {
  public:
    // Errors: the ledger can not be read.
    [[nodiscard]] static agent::core::Result<std::unique_ptr<SessionBook>> open(
        const std::string& file);

    [[nodiscard]] const std::map<std::uint32_t, LedgerRow>& rows() const { return rows_; }
    [[nodiscard]] const LedgerRow* find(std::uint32_t identifier) const;

    [[nodiscard]] agent::core::Result<std::uint32_t> begin(Session session);
    // On disk when it returns well; else nothing changed.
    [[nodiscard]] agent::core::Outcome change(LedgerRow row);
    // In memory only: what a crash may forget.
    void note(const Session& session);
    [[nodiscard]] agent::core::Outcome forget(std::uint32_t identifier);
    [[nodiscard]] std::uint64_t next_completion() { return ++last_completion_; }

    [[nodiscard]] bool hold(std::uint32_t identifier);
    void release(std::uint32_t identifier);
    [[nodiscard]] bool is_held(std::uint32_t identifier) const;

    [[nodiscard]] std::uint64_t revision() const { return revision_; }
    [[nodiscard]] std::shared_ptr<void> listen(Tracking::Listener listener);

  private:
    explicit SessionBook(std::unique_ptr<SessionLedger> ledger) : ledger_(std::move(ledger)) {}
    void tell(const Session& session);

    std::unique_ptr<SessionLedger> ledger_;
    std::map<std::uint32_t, LedgerRow> rows_;
    std::map<std::uint32_t, std::size_t> holds_;
    std::uint64_t last_completion_ = 0;
    std::uint64_t revision_ = 0;
    std::vector<std::weak_ptr<Tracking::Listener>> listeners_;
};

// Segments that may be deleted now: ended, not held, and without data or not among the newest to be
// kept.
[[nodiscard]] std::vector<std::uint32_t> deletable(const SessionBook& book, std::size_t merged_kept,
                                                   std::size_t incomplete_kept);
// Rows without segments beyond the newest `remembered_max`.
[[nodiscard]] std::vector<std::uint32_t> forgettable(const SessionBook& book,
                                                     std::size_t remembered_max);

}  // namespace drive_iface::sessions
