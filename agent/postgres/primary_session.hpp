#pragma once

// A conversation with whichever of a pair's two servers takes writes, for what the nodes tell each
// other in tables. Blocks, never for ever; one thread.

#include <memory>
#include <string>
#include <vector>

#include "agent/postgres/server_session.hpp"
#include "agent/runtime/pair_database_configuration.hpp"

namespace agent::postgres {

class PrimarySession {
  public:
    // `interrupted`: gives up what is under way.
    PrimarySession(runtime::PairDatabaseConfiguration configuration, Interrupted interrupted);

    // Only this node's own server counts, or the other's too; a server of the site is either node's
    // own. Makes the tables where this node's
    // server takes writes: the other one comes in as somebody who may only use them.
    [[nodiscard]] core::Outcome connect(bool own_only);
    [[nodiscard]] bool is_connected() const { return session_ != nullptr; }
    // With this node's own server.
    [[nodiscard]] bool is_own() const { return session_ != nullptr && own_; }
    // Asks the server for a sign of life, two seconds long: a connection over a wire that is cut
    // looks well until something is sent. False ends it.
    [[nodiscard]] bool answers();
    // Connects when there is no connection. Any error ends it, and one about tables that are not
    // there has the next connection make them.
    [[nodiscard]] core::Result<Rows> read(std::string_view sql,
                                          const std::vector<std::string>& parameters);
    // One statement, a transaction of its own. Well: it is on every disk that commits wait for.
    // An error: nobody can say; the statement must be one that can be repeated.
    [[nodiscard]] core::Result<Rows> write(std::string_view sql,
                                           const std::vector<std::string>& parameters);
    // The last write that failed did so for what was written, or because a row of it is locked:
    // another one may go well.
    [[nodiscard]] bool refused() const { return refused_; }

  private:
    [[nodiscard]] core::Outcome try_server(const std::string& connection);
    [[nodiscard]] core::Outcome make_tables();
    [[nodiscard]] core::Outcome connect_to_site();
    void forget_session();

    runtime::PairDatabaseConfiguration configuration_;
    Interrupted interrupted_;
    std::unique_ptr<ServerSession> session_;
    bool own_ = false;
    bool tables_made_ = false;
    bool refused_ = false;
};

}  // namespace agent::postgres
