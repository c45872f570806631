#include "agent/postgres/server_files.hpp"

#include <utility>

namespace agent::postgres {

using runtime::PairDatabaseConfiguration;

namespace {

struct Setting {
    std::string_view name;
    std::string value;
};

// One word of a connection string.
std::string connection_word(std::string_view name, std::string_view value) {
    std::string text(name);
    text += "='";
    for (const char c : value) {
        if (c == '\'' || c == '\\') text += '\\';
        text += c;
    }
    return text + "' ";
}

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const auto& word : words)
        text += (text.empty() ? "" : ",") + word;
    return text;
}

bool uses_tls(const PairDatabaseConfiguration& configuration) {
    return configuration.sslmode != "disable";
}

std::string address_mask(const std::string& address) {
    return address + (address.find(':') == std::string::npos ? "/32" : "/128");
}

// What never changes: why is in docs/POSTGRES.md.
std::vector<Setting> constant_settings() {
    return {
        {"max_connections", "40"},
        {"wal_level", "replica"},
        {"hot_standby", "on"},
        {"max_wal_senders", "6"},
        {"max_replication_slots", "6"},
        {"fsync", "on"},
        {"full_page_writes", "on"},
        {"wal_log_hints", "on"},
        {"synchronous_commit", "on"},
        // Written and on the disk with one call.
        {"wal_sync_method", "open_datasync"},
        {"wal_sender_timeout", "3s"},
        {"wal_receiver_timeout", "3s"},
        {"wal_receiver_status_interval", "1s"},
        {"wal_retrieve_retry_interval", "500ms"},
        {"recovery_target_timeline", "latest"},
        // A server that begins again by itself shows commits that nobody was told of.
        {"restart_after_crash", "off"},
        // After a crash, instead of opening each of a thousand files.
        {"recovery_init_sync_method", "syncfs"},
        {"jit", "off"},
        {"password_encryption", "scram-sha-256"},
        {"tcp_keepalives_idle", "2"},
        {"tcp_keepalives_interval", "1"},
        {"tcp_keepalives_count", "3"},
        {"unix_socket_permissions", "0700"},
        {"lc_messages", "C"},
        {"log_line_prefix", "%m [%p] %q%u "},
        {"logging_collector", "off"},
        {"log_checkpoints", "off"},
    };
}

}  // namespace

ServerPaths::ServerPaths(const std::string& below)
    : folder(below),
      data(below + "/data"),
      new_data(below + "/data.new"),
      old_data(below + "/data.old"),
      settings(below + "/settings"),
      configuration(settings + "/postgresql.conf"),
      host_access(settings + "/pg_hba.conf"),
      user_names(settings + "/pg_ident.conf"),
      password(settings + "/password"),
      certificate(settings + "/certificate"),
      certificate_key(settings + "/certificate_key"),
      authority(settings + "/authority"),
      socket(below + "/socket"),
      log_folder(below + "/log"),
      log(log_folder + "/postgres.log"),
      state(below + "/state"),
      lock(state + "/lock") {}

std::string_view to_text(ServerRole value) {
    switch (value) {
        case ServerRole::primary:
            return "primary";
        case ServerRole::standby:
            return "standby";
        case ServerRole::detached:
            return "detached standby";
        case ServerRole::inspected:
            return "inspected copy";
    }
    return "?";
}

std::string follower_name(pair::Node node) {
    return "lra_" + std::string(pair::to_text(node));
}

std::string quoted(std::string_view text) {
    std::string result = "'";
    for (const char c : text) {
        if (c == '\'') result += c;
        result += c;
    }
    return result + "'";
}

std::string settings_text(const PairDatabaseConfiguration& configuration, pair::Node node,
                          ServerRole role, bool synchronous) {
    const ServerPaths paths(configuration.folder);
    auto settings = constant_settings();
    const auto set = [&](std::string_view name, std::string value) {
        settings.push_back({name, std::move(value)});
    };
    set("data_directory", paths.data);
    set("hba_file", paths.host_access);
    set("ident_file", paths.user_names);
    set("unix_socket_directories", paths.socket);
    set("cluster_name", follower_name(node));
    set("port", std::to_string(configuration.port));
    set("listen_addresses", role == ServerRole::inspected ? "" : joined(configuration.listen));
    set("wal_keep_size", std::to_string(configuration.wal_keep_mb) + "MB");
    set("max_slot_wal_keep_size", std::to_string(configuration.slot_keep_mb) + "MB");
    set("synchronous_standby_names",
        synchronous ? "\"" + follower_name(pair::other(node)) + "\"" : "");
    const bool follows = role == ServerRole::standby;
    set("primary_conninfo", follows ? peer_connection(configuration, follower_name(node)) : "");
    set("primary_slot_name", follows ? follower_name(node) : "");
    set("ssl", uses_tls(configuration) ? "on" : "off");
    if (uses_tls(configuration)) {
        set("ssl_cert_file", paths.certificate);
        set("ssl_key_file", paths.certificate_key);
        set("ssl_min_protocol_version", "TLSv1.2");
    }
    std::string text =
        "# Written by lrad whenever this server's part in the pair changes: what is changed here "
        "is "
        "lost.\n# Part: " +
        std::string(to_text(role)) + "\n";
    for (const auto& setting : settings) {
        std::string value;  // a backslash begins an escape here, unlike in SQL
        for (const char c : setting.value)
            value += c == '\\' ? "\\\\" : std::string(1, c);
        text += std::string(setting.name) + " = " + quoted(value) + "\n";
    }
    return text;
}

std::string host_access_text(const PairDatabaseConfiguration& configuration) {
    const std::string type = uses_tls(configuration) ? "hostssl" : "host";
    const std::string from = address_mask(configuration.peer_address);
    const std::string peer(peer_role);
    std::string text = "# Written by lrad. By the socket: who one is in the operating system\n";
    text += "# (pg_ident.conf). By the network: the other node, with the password.\n";
    text += "local all " + std::string(superuser_role) + " peer map=lra\n";
    text +=
        "local " + std::string(database_name) + " " + std::string(owner_role) + " peer map=lra\n";
    text += type + " replication " + peer + " " + from + " scram-sha-256\n";
    text += type + " " + std::string(database_name) + " " + peer + " " + from + " scram-sha-256\n";
    return text;
}

std::string user_names_text(const LocalUsers& users) {
    std::string text = "# Written by lrad.\n";
    const auto let_in = [&](const std::string& user, std::string_view role) {
        text += "lra \"" + user + "\" " + std::string(role) + "\n";
    };
    let_in(users.own, superuser_role);
    let_in(users.own, owner_role);
    if (users.server != users.own) {
        let_in(users.server, superuser_role);
        let_in(users.server, owner_role);
    }
    return text;
}

std::string password_text(std::string_view secret) {
    std::string text = "*:*:*:" + std::string(peer_role) + ":";
    for (const char c : secret) {
        if (c == ':' || c == '\\') text += '\\';
        text += c;
    }
    return text + "\n";
}

std::string peer_connection(const PairDatabaseConfiguration& configuration,
                            std::string_view application_name) {
    const ServerPaths paths(configuration.folder);
    std::string text =
        connection_word("host", configuration.peer_address) +
        connection_word("port", std::to_string(configuration.peer_port)) +
        connection_word("user", peer_role) + connection_word("passfile", paths.password) +
        connection_word("sslmode", configuration.sslmode) +
        connection_word("gssencmode", "disable") + connection_word("connect_timeout", "5") +
        connection_word("tcp_user_timeout", "5000") + connection_word("keepalives_idle", "2") +
        connection_word("keepalives_interval", "1") + connection_word("keepalives_count", "3");
    if (uses_tls(configuration)) {
        // Otherwise libpq looks into somebody's home, which a service may not even be let read. A
        // file that is not there is no certificate.
        text += connection_word("sslrootcert", paths.authority) +
                connection_word("sslcert", paths.settings + "/no_certificate") +
                connection_word("sslcrl", paths.settings + "/no_revocations");
    }
    if (!application_name.empty()) text += connection_word("application_name", application_name);
    text.pop_back();
    return text;
}

std::string own_connection(const PairDatabaseConfiguration& configuration, std::string_view role,
                           std::string_view database) {
    std::string text = connection_word("host", ServerPaths(configuration.folder).socket) +
                       connection_word("port", std::to_string(configuration.port)) +
                       connection_word("user", role) + connection_word("dbname", database) +
                       connection_word("application_name", "lrad") +
                       connection_word("connect_timeout", "5");
    text.pop_back();
    return text;
}

}  // namespace agent::postgres
