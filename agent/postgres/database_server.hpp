#pragma once

// The PostgreSQL server of one controller node, started, stopped, promoted and made a copy of the
// other's by nobody but this: what agent/pair orders is carried out here, one order after the
// other, on a thread of its own. The server is a child of this process and ends with it.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/pair/node.hpp"
#include "agent/pair_node/database_door.hpp"
#include "agent/postgres/order_line.hpp"
#include "agent/runtime/pair_database_configuration.hpp"

namespace asio {
class io_context;
}

namespace agent::postgres {

// Orders are carried out in the order they are given. A newer one ends a follow_peer under way
// (answered: not done); a barrier waits beside the line, so that the waiting can be ended by
// synchronous_off; an order that stops the database ends everything before it. Every wait has an
// end: the configured times, and at most one minute for a barrier.
class DatabaseServer final : public pair_node::DatabaseDoor {
  public:
    // Touches nothing yet. `node`: this one. `loop` outlives this.
    DatabaseServer(asio::io_context& loop, runtime::PairDatabaseConfiguration configuration,
                   pair::Node node, Tell tell);
    // Stops the server in an orderly way, as long as stop_timeout; then kills it.
    ~DatabaseServer() override;

    // A server that is found running is stopped. Then on_seen tells what the copy here holds; epoch
    // 0 when there is none, or it can not be read.
    void start() override;
    void carry_out(const pair::Order& order,
                   std::function<void(const pair::OrderAnswered&)> answered) override;

  private:
    class Work;
    std::unique_ptr<Work> work_;
};

// For the mount service of this node (PostgresOptions::servers): its own server by its socket, as
// the owner of the tables. It takes writes only while this node is the primary, and the mount
// service works on no other. Or the site's servers.
[[nodiscard]] std::vector<std::string> table_connections(
    const runtime::PairDatabaseConfiguration& configuration);

}  // namespace agent::postgres
