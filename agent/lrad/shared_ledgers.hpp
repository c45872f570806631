#pragma once

// The ledgers of hosts without an agent, for the node of a pair that serves. On the event loop's
// thread; the database is asked on a thread of its own.

#include <functional>
#include <memory>
#include <string>

#include "agent/agentless/ledger_doors.hpp"
#include "agent/runtime/pair_database_configuration.hpp"

namespace asio {
class io_context;
}

namespace agent::lrad {

class SharedLedgers {
  public:
    // `node`: which of the two this one is, "first" or "second".
    SharedLedgers(asio::io_context& loop, const runtime::PairDatabaseConfiguration& database,
                  std::string node);
    ~SharedLedgers();

    // As LedgerDoors has them. What was asked before leave() is not answered after it.
    void read(const core::AgentName& agent,
              std::function<void(const agentless::LedgerDoors::Rows&)> then);
    void put(const core::HostLedgerRow& row, std::function<void(const core::Outcome&)> then);
    // Of all hosts, configured here or not: drives that are offline there, or may be brought online
    // by a command whose end nobody saw.
    void read_open(std::function<void(const agentless::LedgerDoors::Rows&)> then);
    // Of a host that nobody plays: nothing is to be brought back there any more.
    void strike_out(const core::AgentName& agent, std::function<void(const core::Outcome&)> then);
    // This node does not serve any more: what is under way is given up.
    void leave();
    // Nothing more is asked.
    void stop();

  private:
    class Work;
    std::shared_ptr<Work> work_;
};

}  // namespace agent::lrad
