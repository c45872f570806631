#pragma once

// The key "database" of the section "pair": the PostgreSQL server that this node runs beside the
// other one's.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "agent/core/time.hpp"
#include "agent/runtime/configuration.hpp"
#include "agent/runtime/configuration_schema.hpp"

namespace agent::runtime {

struct PairDatabaseConfiguration {
    // external: the site's own highly available server, which both nodes use and neither promotes;
    // besides its connection strings and answer_timeout nothing that follows has a meaning.
    enum class Mode : std::uint8_t { pair, external };
    Mode mode = Mode::pair;
    std::vector<std::string> servers;

    std::string folder;               // absolute; all of the server's files are below it
    std::string programs;             // absolute; where initdb and postgres are
    std::string user;                 // whom the server runs as when this program is root
    std::vector<std::string> listen;  // addresses of this machine
    std::uint16_t port = 0;
    std::string peer_address;
    std::uint16_t peer_port = 0;
    std::string password_file;     // absolute; the same secret on both nodes
    std::string sslmode;           // libpq's word
    std::string certificate_file;  // absolute, as the next two; empty without TLS
    std::string certificate_key_file;
    std::string authority_file;  // empty: the other's certificate is not verified
    core::Duration start_timeout{120'000};
    core::Duration stop_timeout{15'000};
    core::Duration answer_timeout{5'000};
    core::Duration copy_timeout{3'600'000};
    std::uint32_t wal_keep_mb = 256;
    std::uint32_t slot_keep_mb = 2'048;
    bool operator==(const PairDatabaseConfiguration&) const = default;
};

// A required key.
[[nodiscard]] ConfigurationKey pair_database_key();
// `values` has the shape of that key and stands at `path` ("pair.database").
[[nodiscard]] PairDatabaseConfiguration pair_database_configuration(const Configuration& source,
                                                                    const nlohmann::json& values,
                                                                    std::string_view path,
                                                                    ConfigurationErrors& errors);

}  // namespace agent::runtime
