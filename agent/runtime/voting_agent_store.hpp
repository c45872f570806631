#pragma once

// What a voting agent keeps: <state_dir>/pair.db. Its register and keys stand there as the lines of
// agent/pair/pair_message.hpp, so that `sqlite3` shows them and nothing is written in two ways.

#include <memory>
#include <span>
#include <string>

#include "agent/core/result.hpp"
#include "agent/pair/voting_agent_io.hpp"

namespace agent::runtime {

class Database;

class VotingAgentStore {
  public:
    // Makes the file when there is none, with an instance of its own: an agent whose file was lost
    // is another one for the nodes, and has no register until it is enrolled. Errors: a folder that
    // can not be written, a file of another program, contents that make no sense.
    [[nodiscard]] static core::Result<VotingAgentStore> open(const std::string& path);
    ~VotingAgentStore();
    VotingAgentStore(VotingAgentStore&&) noexcept;
    VotingAgentStore& operator=(VotingAgentStore&&) noexcept;

    [[nodiscard]] core::Result<pair::VotingAgentState> load() const;

    // All Record* effects of one step in one synced transaction; nothing when there is none. On an
    // error nothing is recorded and nothing of the step may be said to anybody: the process ends.
    [[nodiscard]] core::Outcome commit(std::span<const pair::VotingAgentEffect> effects);

  private:
    explicit VotingAgentStore(std::unique_ptr<Database> database);
    std::unique_ptr<Database> database_;
};

}  // namespace agent::runtime
