#pragma once

// A conversation with one PostgreSQL server, by the one who looks after it. Blocks, never for ever;
// one thread.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/postgres/connection.hpp"

namespace agent::postgres {

using Row = std::vector<std::string>;  // NULL: empty
using Rows = std::vector<Row>;

class ServerSession {
  public:
    [[nodiscard]] static core::Result<std::unique_ptr<ServerSession>> open(
        const std::string& connection_string, core::Duration within, Interrupted interrupted = {});

    // Without parameters several statements are allowed; the rows are the last one's. The error has
    // the server's words and, when it gave one, state() has its SQLSTATE.
    [[nodiscard]] core::Result<Rows> run(std::string_view sql,
                                         const std::vector<std::string>& parameters,
                                         core::Duration within);
    [[nodiscard]] const std::string& state() const { return state_; }

    // The last warning since it was forgotten. A commit that comes with one has not reached the
    // other node for certain.
    [[nodiscard]] const std::string& warning() const { return warning_; }
    void forget_warning() { warning_.clear(); }
    [[nodiscard]] int process() const { return PQbackendPID(connection_.get()); }

    // What was answered to BEGIN ... COMMIT: "COMMIT", or "ROLLBACK".
    [[nodiscard]] const std::string& command() const { return command_; }

  private:
    ServerSession(PostgresConnection connection, Interrupted interrupted);
    static void noticed(void* self, const PGresult* result) noexcept;

    PostgresConnection connection_;
    Interrupted interrupted_;
    std::string warning_;
    std::string state_;
    std::string command_;
};

}  // namespace agent::postgres
