#pragma once

// What both stores have in common: one SQLite file (WAL, synchronous=FULL) with a schema version,
// an event log of bounded length, named counters and notes, and an audit trail, which is bounded in
// what programs did and keeps what people did. "Recorded" means:
// on the disk when the call returns. One thread. No other process may have the file open.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/alarm.hpp"
#include "agent/core/result.hpp"

namespace agent::runtime {

class Database;  // database.hpp: SQLite behind a narrow door

struct StoreOptions {
    // Older events are dropped, and in the audit trail what programs did that many rows ago.
    std::size_t events_max = 100'000;
    // Unix seconds for open(); nothing: the host's clock. A parameter so that tests can turn it
    // back.
    std::optional<std::uint64_t> unix_seconds;
};

struct EventQuery {
    std::optional<core::DriveSerial> drive;
    std::optional<core::WallTime> since;
    std::size_t limit = 100;   // 1 to 10,000
    bool newest_first = true;  // which end `limit` counts from, and the order of the answer
};

struct StoredEvent {
    std::uint64_t number = 0;  // rises by one with each event, never used again
    core::EventRecord record;
};

// Something a person did through a control socket or by SNMP, or a program of ours on its own.
struct AdministratorAction {
    core::WallTime at;
    std::string actor;    // "root (uid 0, pid 4711)"; a program is just "dsad" or "lrad"
    std::string action;   // "drive.clear"
    std::string subject;  // "VT00000001"
    std::string reason;
    bool operator==(const AdministratorAction&) const = default;
};

class Store {
  public:
    [[nodiscard]] core::Result<std::vector<StoredEvent>> events(const EventQuery& query) const;

    // Append-only: the file itself refuses to change a line, or to delete one of a person. Those of
    // programs are dropped when `events_max` newer lines, of anybody, stand behind them.
    [[nodiscard]] core::Outcome append_audit(const AdministratorAction& action);
    [[nodiscard]] core::Result<std::vector<AdministratorAction>> audit(
        std::size_t limit) const;  // newest first

    // Raises a named counter by one and answers its new value, which is recorded: SNMP engine
    // boots, alarm sequences.
    [[nodiscard]] core::Result<std::uint64_t> raise_counter(const std::string& name);

    // A small named text that survives restarts (an SNMP engine ID, say); at most 64 KiB.
    [[nodiscard]] core::Outcome remember(const std::string& name, const std::string& text);
    // The same, for what can be found out again: not synced, and on disk with the next that is.
    [[nodiscard]] core::Outcome remember_soon(const std::string& name, const std::string& text);
    [[nodiscard]] core::Result<std::optional<std::string>> recall(const std::string& name) const;

  protected:
    Store(std::unique_ptr<Database> database, std::size_t events_max);
    ~Store();
    Store(Store&&) noexcept;
    Store& operator=(Store&&) noexcept;

    std::unique_ptr<Database> database_;
    std::size_t events_max_;

  private:
    core::Outcome shorten_audit();
    core::Outcome note(const std::string& name, const std::string& text);
};

}  // namespace agent::runtime
