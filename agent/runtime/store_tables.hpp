#pragma once

// The tables that both stores have, and what both do with them. Inside this room only.

#include <string>

#include "agent/runtime/database.hpp"
#include "agent/runtime/store.hpp"

namespace agent::runtime {

// SQL that makes the tables event, audit, counter and note.
[[nodiscard]] const std::string& shared_tables();
// DatabaseKind::additions of both.
[[nodiscard]] const std::string& shared_additions();

// Inside a transaction; drops the oldest events beyond `events_max`.
[[nodiscard]] core::Outcome write_event(Database& database, const core::EventRecord& record,
                                        std::size_t events_max);

// Raises a counter to max(its value + 1, unix seconds), records it and answers it. It never goes
// back, whatever the clock does; and when the file was lost, the clock makes it higher than it ever
// was.
[[nodiscard]] core::Result<std::uint64_t> raise_life_counter(Database& database,
                                                             const std::string& name,
                                                             const StoreOptions& options);

}  // namespace agent::runtime
