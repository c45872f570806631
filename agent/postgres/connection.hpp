#pragma once

// libpq without its blocking calls: every wait has an end. One thread.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/core/result.hpp"
#include "agent/core/time.hpp"
#include "agent/postgres/libpq.hpp"

namespace agent::postgres {

struct PostgresConnectionEnd {
    void operator()(PGconn* connection) const { PQfinish(connection); }
};
struct PostgresResultEnd {
    void operator()(PGresult* result) const { PQclear(result); }
};
using PostgresConnection = std::unique_ptr<PGconn, PostgresConnectionEnd>;
using PostgresResult = std::unique_ptr<PGresult, PostgresResultEnd>;

// true: somebody else wants the waiting to end. Asked every 50 ms; empty: nobody ever does.
using Interrupted = std::function<bool()>;

// PQconnectStart(). Errors: no libpq, no memory.
[[nodiscard]] core::Result<PostgresConnection> begin_connection(
    const std::string& connection_string);

// To one server, whichever part it plays.
[[nodiscard]] core::Result<PostgresConnection> connect_to_server(
    const std::string& connection_string, core::Duration within,
    const Interrupted& interrupted = {});

// From here on what a server does not read waits on this side, and whoever waits for the answer
// sends it; otherwise sending would wait for a server that hangs, without end. For a connection
// that stands; connect_to_server() has done it.
[[nodiscard]] core::Outcome send_without_waiting(PGconn* connection);

// The last result of what was sent. An error: the connection broke, or it took too long; nobody
// knows then what the server has done. What the server refuses is a result.
[[nodiscard]] core::Result<PostgresResult> result_of_sent(PGconn* connection, core::Duration within,
                                                          const Interrupted& interrupted = {});

// The results of `count` statements that were sent in pipeline mode with one PQpipelineSync behind
// them, which ends that mode. Behind one that was refused none was tried. An error: as above.
[[nodiscard]] core::Result<std::vector<PostgresResult>> results_of_trip(PGconn* connection,
                                                                        std::size_t count,
                                                                        core::Duration within);

[[nodiscard]] bool is_good(const PostgresResult& result);
[[nodiscard]] std::string words_of(const PostgresResult& result);
[[nodiscard]] std::string sql_state_of(const PostgresResult& result);
// Without line ends.
[[nodiscard]] std::string one_line(std::string text);

}  // namespace agent::postgres
