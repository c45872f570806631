#pragma once

// Where the ledger of a host is, when its agent is played by whichever of two controllers serves.

#include <chrono>
#include <cstdint>
#include <functional>
#include <vector>

#include "agent/core/host_ledger.hpp"
#include "agent/core/result.hpp"

namespace agent::agentless {

// All on the event loop's thread; answers are posted to it, at most one for each call. `may_run`
// from any turn of it.
struct LedgerDoors {
    using Rows = core::Result<std::vector<core::HostLedgerRow>>;

    // What the rows say of this host, everything that was put before included.
    std::function<void(const core::AgentName& agent, std::function<void(const Rows&)> then)> read;
    // Well: it is on every disk. An error: nobody can say; to be put again.
    std::function<void(const core::HostLedgerRow& row,
                       std::function<void(const core::Outcome&)> then)>
        put;
    // May a command be begun on a host at this moment? Asked right before each.
    std::function<bool()> may_run;
    // The newest life of this agent that anybody has heard of; 0: none.
    std::function<std::uint64_t(const core::AgentName& agent)> newest_life;
    // After an error.
    std::chrono::milliseconds tried_again_after{1'000};
};

}  // namespace agent::agentless
