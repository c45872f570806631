#pragma once

#include <memory>
#include <string>

#include "agent/core/result.hpp"
#include "agent/mounts/sql_session.hpp"

namespace agent::mounts {

// One file of this process alone (WAL, synchronous=FULL): a commit is on the disk when it returns.
// Makes the file and its tables when they are missing. Errors name the file and what helps.
[[nodiscard]] core::Result<std::unique_ptr<SqlSession>> open_sqlite_session(
    const std::string& file);

}  // namespace agent::mounts
