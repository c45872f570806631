#pragma once

// libpq without its blocking calls: every wait has an end. Inside this room only; one thread.

#include <memory>
#include <string>
#include <vector>

#include <libpq-fe.h>

#include "agent/core/result.hpp"
#include "agent/core/time.hpp"

namespace agent::mounts {

struct PostgresConnectionEnd {
    void operator()(PGconn* connection) const { PQfinish(connection); }
};
struct PostgresResultEnd {
    void operator()(PGresult* result) const { PQclear(result); }
};
using PostgresConnection = std::unique_ptr<PGconn, PostgresConnectionEnd>;
using PostgresResult = std::unique_ptr<PGresult, PostgresResultEnd>;

// Connects to all servers at once and takes the first that is no standby. A server that hangs costs
// nothing. The error has what each of them said.
[[nodiscard]] core::Result<PostgresConnection> connect_to_primary(
    const std::vector<std::string>& servers, core::Duration within);

// The last result of what was sent. An error: the connection broke, or it took too long; nobody
// knows then what the server has done. What the server refuses is a result.
[[nodiscard]] core::Result<PostgresResult> result_of_sent(PGconn* connection,
                                                          core::Duration within);

[[nodiscard]] bool is_good(const PostgresResult& result);
[[nodiscard]] std::string words_of(const PostgresResult& result);
[[nodiscard]] std::string sql_state_of(const PostgresResult& result);

}  // namespace agent::mounts
