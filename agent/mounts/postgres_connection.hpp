#pragma once

// Which of several servers holds the drive table. Inside this room only; one thread.

#include <string>
#include <vector>

#include "agent/postgres/connection.hpp"

namespace agent::mounts {

using postgres::is_good;
using postgres::PostgresConnection;
using postgres::PostgresResult;
using postgres::result_of_sent;
using postgres::results_of_trip;
using postgres::send_without_waiting;
using postgres::sql_state_of;
using postgres::words_of;

// Connects to all servers at once and takes the first that is no standby. A server that hangs costs
// nothing. The error has what each of them said.
[[nodiscard]] core::Result<PostgresConnection> connect_to_primary(
    const std::vector<std::string>& servers, core::Duration within);

}  // namespace agent::mounts
