#pragma once

// What a controller node of a pair keeps besides the shared table: <state_dir>/pair.db of lrad. The
// numbers of its ballots above all: one that is used twice may name two nodes.

#include <cstdint>
#include <memory>
#include <string>

#include "agent/core/result.hpp"
#include "agent/pair/controller_node_io.hpp"

namespace agent::runtime {

class Database;

class ControllerNodeStore {
  public:
    // One start of the program: counts it, and draws its mark of ballots. Makes the file when there
    // is none. Errors: as VotingAgentStore::open().
    [[nodiscard]] static core::Result<ControllerNodeStore> open(const std::string& path);
    ~ControllerNodeStore();
    ControllerNodeStore(ControllerNodeStore&&) noexcept;
    ControllerNodeStore& operator=(ControllerNodeStore&&) noexcept;

    [[nodiscard]] core::Result<pair::NodeRecord> load() const;

    // So many starts, this one counted: its messages begin above those of the earlier ones.
    [[nodiscard]] core::Result<std::uint64_t> lives() const;

    // Synced when it returns well; before that nothing of the step may be sent.
    [[nodiscard]] core::Outcome record(const pair::NodeRecord& record);

  private:
    explicit ControllerNodeStore(std::unique_ptr<Database> database);
    std::unique_ptr<Database> database_;
};

}  // namespace agent::runtime
