#pragma once

// The site's own highly available PostgreSQL in place of a server beside each node of a pair
// (pair.database.mode external). Both nodes use the one database; who answers for its copies, and
// promotes them, is the site. What agent/pair orders of a server is nothing to be done here, except
// that the record of each epoch is committed, so that the nodes' rules stand on the same facts:
// whatever either has acknowledged the other one has.

#include <functional>
#include <memory>
#include <string>

#include "agent/postgres/database_server.hpp"

namespace agent::postgres {

class ExternalServer final : public pair_node::DatabaseDoor {
  public:
    // Touches nothing yet. `cluster`: the pair's name, which a database of another pair has not.
    ExternalServer(asio::io_context& loop, runtime::PairDatabaseConfiguration configuration,
                   std::string cluster, Tell tell);
    ~ExternalServer() override;

    // Makes the table of the epochs when nobody has.
    void start() override;
    void carry_out(const pair::Order& order,
                   std::function<void(const pair::OrderAnswered&)> answered) override;

  private:
    class Work;
    std::unique_ptr<Work> work_;
};

// The database of this node, as configured.
[[nodiscard]] std::unique_ptr<pair_node::DatabaseDoor> database_of_pair(
    asio::io_context& loop, const runtime::PairDatabaseConfiguration& configuration,
    pair::Node node, const std::string& cluster, Tell tell);

}  // namespace agent::postgres
