#pragma once

// A drive sharing agent's durable state: <state_dir>/dsad.db.

#include <span>

#include "agent/core/drive_sharing_agent_io.hpp"
#include "agent/runtime/store.hpp"

namespace agent::runtime {

class DriveSharingAgentStore : public Store {
  public:
    // As ReservationAgentStore::open(); what is raised here is the incarnation, to max(stored + 1,
    // unix seconds).
    [[nodiscard]] static core::Result<DriveSharingAgentStore> open(const std::string& path,
                                                                   const StoreOptions& options);

    [[nodiscard]] std::uint64_t incarnation() const { return incarnation_; }
    // Begins another life in the same process: the new incarnation, recorded.
    [[nodiscard]] core::Result<std::uint64_t> raise_incarnation();
    [[nodiscard]] core::Result<core::DriveSharingAgentState> load() const;

    // As ReservationAgentStore::commit().
    [[nodiscard]] core::Outcome commit(std::span<const core::DriveSharingAgentEffect> effects);

  private:
    DriveSharingAgentStore(std::unique_ptr<Database> database, std::uint64_t incarnation,
                           std::size_t events_max);
    std::uint64_t incarnation_;
};

}  // namespace agent::runtime
