#pragma once

// What the server of a node is told, as text. All of it lies outside the data folder and is written
// anew at each change of its part: rewinding and copying bring the other node's files along, and a
// server that takes those over waits for itself.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/pair/node.hpp"
#include "agent/runtime/pair_database_configuration.hpp"

namespace agent::postgres {

// Where what is, below PairDatabaseConfiguration::folder.
struct ServerPaths {
    explicit ServerPaths(const std::string& folder);
    std::string folder;
    std::string data;
    std::string new_data;  // a copy that is being made
    std::string old_data;  // what was there before, until it is removed
    std::string settings;
    std::string configuration;
    std::string host_access;
    std::string user_names;
    std::string password;
    std::string certificate;
    std::string certificate_key;
    std::string authority;
    std::string socket;
    std::string log_folder;
    std::string log;
    std::string state;
    std::string lock;
};

enum class ServerRole : std::uint8_t {
    primary,
    standby,    // follows the other node
    detached,   // a copy that follows nobody and is about to be promoted
    inspected,  // the same, for this process alone: only to read what it holds
};
[[nodiscard]] std::string_view to_text(ServerRole value);

// Names in PostgreSQL. The superuser and the owner of the tables come in by the socket and by who
// they are in the operating system; the other node by its address and the password.
inline constexpr std::string_view superuser_role = "lra_admin";
inline constexpr std::string_view owner_role = "lra";
inline constexpr std::string_view peer_role = "lra_peer";
inline constexpr std::string_view database_name = "lra";
// As whom a node follows, and its replication slot: "lra_first", "lra_second".
[[nodiscard]] std::string follower_name(pair::Node node);

// Users of the operating system: this program's and the server's.
struct LocalUsers {
    std::string own;
    std::string server;
};

// `synchronous`: each commit waits for the other node's disk.
[[nodiscard]] std::string settings_text(const runtime::PairDatabaseConfiguration& configuration,
                                        pair::Node node, ServerRole role, bool synchronous);
[[nodiscard]] std::string host_access_text(const runtime::PairDatabaseConfiguration& configuration);
[[nodiscard]] std::string user_names_text(const LocalUsers& users);
// libpq's passfile.
[[nodiscard]] std::string password_text(std::string_view secret);

// Connection strings. To the other node's server, for replication or with SQL, under a name that
// shows in its pg_stat_replication (empty: none).
[[nodiscard]] std::string peer_connection(const runtime::PairDatabaseConfiguration& configuration,
                                          std::string_view application_name);
// To this node's server.
[[nodiscard]] std::string own_connection(const runtime::PairDatabaseConfiguration& configuration,
                                         std::string_view role, std::string_view database);

// 'it''s': as SQL and postgresql.conf take it.
[[nodiscard]] std::string quoted(std::string_view text);

}  // namespace agent::postgres
