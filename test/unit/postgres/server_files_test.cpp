#include "agent/postgres/server_files.hpp"

#include <map>

#include "test/support/catch.hpp"

namespace {

using namespace agent::postgres;
using agent::pair::Node;
using agent::runtime::PairDatabaseConfiguration;

PairDatabaseConfiguration of_first() {
    PairDatabaseConfiguration configuration;
    configuration.folder = "/var/lib/lra/postgres";
    configuration.programs = "/usr/lib/postgresql/15/bin";
    configuration.listen = {"192.0.2.11", "2001:db8::11"};
    configuration.port = 5442;
    configuration.peer_address = "192.0.2.12";
    configuration.peer_port = 5443;
    configuration.sslmode = "disable";
    return configuration;
}

std::map<std::string, std::string> settings_in(const std::string& text) {
    std::map<std::string, std::string> settings;
    for (std::size_t at = 0; at < text.size();) {
        const auto end = text.find('\n', at);
        const auto line = text.substr(at, end - at);
        at = end + 1;
        const auto equals = line.find(" = ");
        if (line.front() == '#' || equals == std::string::npos) continue;
        const auto name = line.substr(0, equals);
        CHECK(settings.count(name) == 0);
        settings[name] = line.substr(equals + 3);
    }
    return settings;
}

}  // namespace

TEST_CASE("a primary waits for the other node by the name it follows as, and for nobody else") {
    const auto alone =
        settings_in(settings_text(of_first(), Node::first, ServerRole::primary, false));
    CHECK(alone.at("synchronous_standby_names") == "''");
    CHECK(alone.at("primary_conninfo") == "''");
    CHECK(alone.at("listen_addresses") == "'192.0.2.11,2001:db8::11'");
    const auto both =
        settings_in(settings_text(of_first(), Node::first, ServerRole::primary, true));
    CHECK(both.at("synchronous_standby_names") == "'\"lra_second\"'");
    CHECK(both.at("synchronous_commit") == "'on'");
    CHECK(both.at("restart_after_crash") == "'off'");
    CHECK(both.at("max_slot_wal_keep_size") == "'2048MB'");
}

TEST_CASE("only a standby knows where to follow, and an inspected copy is heard by nobody") {
    const auto standby =
        settings_in(settings_text(of_first(), Node::first, ServerRole::standby, false));
    CHECK(standby.at("primary_slot_name") == "'lra_first'");
    CHECK(standby.at("primary_conninfo").find("host=''192.0.2.12'' port=''5443''") !=
          std::string::npos);
    CHECK(standby.at("primary_conninfo").find("application_name=''lra_first''") !=
          std::string::npos);
    CHECK(standby.at("synchronous_standby_names") == "''");
    const auto inspected =
        settings_in(settings_text(of_first(), Node::first, ServerRole::inspected, false));
    CHECK(inspected.at("listen_addresses") == "''");
    CHECK(inspected.at("primary_conninfo") == "''");
    const auto detached =
        settings_in(settings_text(of_first(), Node::second, ServerRole::detached, true));
    CHECK(detached.at("primary_conninfo") == "''");
    CHECK(detached.at("synchronous_standby_names") == "'\"lra_first\"'");
}

TEST_CASE("the network lets in the other node alone, by password, and with TLS when asked") {
    auto configuration = of_first();
    const auto plain = host_access_text(configuration);
    CHECK(plain.find("\nhost replication lra_peer 192.0.2.12/32 scram-sha-256\n") !=
          std::string::npos);
    CHECK(plain.find("trust") == std::string::npos);
    CHECK(plain.find("0.0.0.0") == std::string::npos);
    configuration.peer_address = "2001:db8::12";
    configuration.sslmode = "verify-full";
    configuration.authority_file = "/etc/lra/authority.crt";
    const auto secure = host_access_text(configuration);
    CHECK(secure.find("\nhostssl lra lra_peer 2001:db8::12/128 scram-sha-256\n") !=
          std::string::npos);
    CHECK(secure.find("\nhost ") == std::string::npos);
    CHECK(peer_connection(configuration, "x")
              .find("sslrootcert='/var/lib/lra/postgres/settings/authority'") != std::string::npos);
}

TEST_CASE("by the socket come in this program's user and the server's, nobody else") {
    CHECK(user_names_text({"root", "postgres"}) ==
          "# Written by lrad.\nlra \"root\" lra_admin\nlra \"root\" lra\n"
          "lra \"postgres\" lra_admin\nlra \"postgres\" lra\n");
    CHECK(user_names_text({"lra", "lra"}) ==
          "# Written by lrad.\nlra \"lra\" lra_admin\nlra \"lra\" lra\n");
}

TEST_CASE("quotes and backslashes survive each of the places they stand in") {
    CHECK(quoted("it's") == "'it''s'");
    CHECK(password_text("a:b\\c") == "*:*:*:lra_peer:a\\:b\\\\c\n");
    auto configuration = of_first();
    configuration.folder = "/srv/it's a \\ folder";
    // The connection string has the quote escaped; the settings file doubles what it escapes.
    CHECK(peer_connection(configuration, "")
              .find("passfile='/srv/it\\'s a \\\\ folder/settings/password'") != std::string::npos);
    const auto settings =
        settings_in(settings_text(configuration, Node::first, ServerRole::primary, false));
    CHECK(settings.at("data_directory") == "'/srv/it''s a \\\\ folder/data'");
}
