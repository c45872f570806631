#pragma once

#include <memory>
#include <string>
#include <vector>

#include "agent/core/result.hpp"
#include "agent/core/time.hpp"
#include "agent/mounts/sql_session.hpp"

namespace agent::mounts {

struct PostgresOptions {
    std::vector<std::string> servers;  // connection strings, all tried at the same time
    std::string library;
    std::string node;
    core::Duration connect_within{5'000};
    core::Duration answer_within{15'000};   // one trip, sending and its wait for a standby included
    core::Duration lock_within{30'000};     // another controller chooses a drive meanwhile
    core::Duration resolve_within{20'000};  // a commit whose outcome is unknown
};

// A connection to the one server of `servers` that takes writes; made again when it was lost. Makes
// the tables when they are missing.
//
// A commit that came back with a warning, was cut off or took too long is unknown, not done: a
// cancelled wait for the standby ends with success and a warning, and what it wrote is on one disk
// only. It is resolved by reading back the mark that each transaction leaves, and by a commit of
// its own behind it, without a warning: then everything before it is on every disk too. Never is a
// cancel sent.
[[nodiscard]] core::Result<std::unique_ptr<SqlSession>> open_postgres_session(
    PostgresOptions options);

}  // namespace agent::mounts
