#pragma once

// The library reservation agent's durable state: <state_dir>/lrad.db.

#include <span>

#include "agent/core/reservation_agent_io.hpp"
#include "agent/runtime/store.hpp"

namespace agent::runtime {

class ReservationAgentStore : public Store {
  public:
    // Makes the file (0600) when it is not there; the folder must exist. Raises the epoch to
    // max(stored + 1, unix seconds) and records it before it returns. Errors in words: not
    // writable, disk full, damaged (SQLite's quick_check), in use by another process, written by a
    // newer version.
    [[nodiscard]] static core::Result<ReservationAgentStore> open(const std::string& path,
                                                                  const StoreOptions& options);

    [[nodiscard]] std::uint64_t epoch() const { return epoch_; }
    // As open() does, for rules that begin anew without a new process; not below `at_least`.
    [[nodiscard]] core::Outcome begin_new_epoch(std::uint64_t at_least);
    [[nodiscard]] core::Result<core::ReservationAgentState> load() const;

    // Writes every Record* among the effects in one synced transaction: all of them or none. Others
    // are passed over. Without any Record* nothing is written.
    [[nodiscard]] core::Outcome commit(std::span<const core::ReservationAgentEffect> effects);

    // Drive event channel: has this event of this drive been dealt with already? A drive that
    // begins to count again sends a known sequence with other content, and that is a new event. The
    // last 256 of each drive are kept.
    [[nodiscard]] core::Result<bool> drive_event_is_repeat(const core::DriveSerial& drive,
                                                           std::uint64_t sequence,
                                                           std::string_view content) const;
    // Not synced by itself (the next commit syncs it too): a repeated event is harmless, it is only
    // not counted twice.
    [[nodiscard]] core::Outcome remember_drive_event(const core::DriveSerial& drive,
                                                     std::uint64_t sequence,
                                                     std::string_view content);

  private:
    ReservationAgentStore(std::unique_ptr<Database> database, std::uint64_t epoch,
                          std::size_t events_max);
    std::uint64_t epoch_;
};

}  // namespace agent::runtime
