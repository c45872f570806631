#pragma once

#include <string>

namespace agent::mounts {

inline constexpr int claim_schema_version = 2;

// The tables, in words both engines understand. That a volume is in one drive, that a request is
// one claim and a volume has one, is held by unique indexes, not by code; a drive has one row with
// room for one claim. Only the primary keys begin with the library: PostgreSQL, which has counted
// nothing in a young table, takes any index that begins so for as good as the right one, and reads
// every claim to find one. `commit_mark`: which transaction has changed the library last, and which
// one the node has made last; PostgreSQL alone needs them, and they may not be NULL (see
// postgres_session.cpp). `is_open`: 0 once the claim's state is ended; an index of open claims that
// named the state itself would be written anew with each step.
[[nodiscard]] std::string claim_schema();

// Makes the tables of version 1 these. What a controller of that version has connected then can
// change nothing any more: the column that each of its transactions writes has another name.
[[nodiscard]] std::string claim_schema_from_1();

}  // namespace agent::mounts
