#pragma once

// The record of the epoch in the shared table: with which vote its writer served. It is what a copy
// says of itself, and its commit proves that everything before it stands.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/pair/controller_node_io.hpp"
#include "agent/postgres/server_session.hpp"

namespace agent::postgres {

struct EpochRecord {
    std::uint64_t epoch = 0;
    pair::Relation relation = pair::Relation::pair;
    pair::Node primary = pair::Node::first;
    bool operator==(const EpochRecord&) const = default;
};

// The first record of a new pair.
inline constexpr EpochRecord first_record{1, pair::Relation::pair, pair::Node::first};
// One row for ever; `cluster` is the name of the pair.
[[nodiscard]] std::string epoch_table(std::string_view cluster, const EpochRecord& record);
// The same, and what is there stays.
[[nodiscard]] std::string epoch_table_if_missing(std::string_view cluster,
                                                 const EpochRecord& record);
[[nodiscard]] std::optional<EpochRecord> record_from_row(const Row& row, std::size_t from);

// What a server shows of its copy and of the other's.
struct ServerSeen {
    bool recovering = false;  // it is a standby
    std::string cluster;
    pair::DataSeen data;
};
// An error with state() "42P01": there is no such table. `peer`: how the other one follows.
[[nodiscard]] core::Result<ServerSeen> look_at_server(ServerSession& session,
                                                      const std::string& peer,
                                                      core::Duration within);

enum class WriteEnd : std::uint8_t {
    done,     // it and everything before it is on every disk that commits wait for
    doubted,  // it may be: write it again
    refused,  // it is not
};
struct Written {
    WriteEnd end = WriteEnd::done;
    std::string words;
};
// Never lowers the epoch. `peer` not empty: commits wait for it, and it is seen to have this one.
// Waits as long as `within` for a standby that does not answer.
[[nodiscard]] Written write_record(ServerSession& session, const EpochRecord& record,
                                   const std::string& mark, const std::string& peer,
                                   core::Duration within);

}  // namespace agent::postgres
