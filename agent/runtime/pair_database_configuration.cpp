#include "agent/runtime/pair_database_configuration.hpp"

#include <arpa/inet.h>

#include <algorithm>

#include <nlohmann/json.hpp>

namespace agent::runtime {

using nlohmann::json;

namespace {

constexpr std::size_t socket_folder_bytes_max = 80;  // of 107 that a Unix socket's name may have

bool is_ip_address(std::string_view text) {
    in6_addr ignored{};
    const std::string address(text);
    return ::inet_pton(AF_INET, address.c_str(), &ignored) == 1 ||
           ::inet_pton(AF_INET6, address.c_str(), &ignored) == 1;
}

std::optional<std::string> wrong_with_ip_address(std::string_view text) {
    if (is_ip_address(text)) return std::nullopt;
    return "must be an IP address, like 192.0.2.11 or 2001:db8::11";
}

bool is_printable(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) {
        return static_cast<unsigned char>(c) >= 0x20 && static_cast<unsigned char>(c) != 0x7f;
    });
}

std::optional<std::string> wrong_with_absolute_path(std::string_view text) {
    if (text.front() == '/' && text.size() > 1 && is_printable(text)) return std::nullopt;
    return "must be an absolute path";
}

std::optional<std::string> wrong_with_server_folder(std::string_view text) {
    if (auto wrong = wrong_with_absolute_path(text)) return wrong;
    if (text.size() <= socket_folder_bytes_max) return std::nullopt;
    return "must have at most " + std::to_string(socket_folder_bytes_max) +
           " characters: the name of a Unix socket below it has room for no more";
}

std::optional<std::string> wrong_with_file_name(std::string_view text) {
    if (is_printable(text)) return std::nullopt;
    return "must have no control characters";
}

ValueShape database_shape() {
    const auto file = text_shape("path", wrong_with_file_name);
    return object_shape({
        default_key("mode", choice_shape({"pair", "external"}), "\"pair\"",
                    "pair: this node runs a server of its own beside the other node's. external: "
                    "both nodes use a highly available server of the site, which answers for its "
                    "copies and promotes them itself; of the other keys only servers and "
                    "answer_timeout_ms count."),
        optional_key("servers", list_shape(text_shape(1'024), 1, 4),
                     "Connection strings of the site's servers, the same on both nodes; required "
                     "with mode external. The one that takes writes is used. A database for this "
                     "pair alone.",
                     "[\"host=db.example dbname=lra user=lra\"]"),
        default_key("folder", text_shape("absolute path", wrong_with_server_folder),
                    "\"/var/lib/lra/postgres\"",
                    "All files of the server are below it. Made by lrad --init-pair."),
        default_key("programs", text_shape("absolute path", wrong_with_absolute_path),
                    "\"/usr/lib/postgresql/15/bin\"", "Where initdb, postgres and their like are."),
        default_key("user", text_shape(32), "\"postgres\"",
                    "Whom the server runs as when lrad runs as root, which a server refuses; "
                    "otherwise it runs as lrad does."),
        optional_key("listen", list_shape(text_shape("IP address", wrong_with_ip_address), 1, 8),
                     "Addresses of this machine that the other node reaches it by; required with "
                     "mode pair.",
                     "[\"192.0.2.11\"]"),
        default_key("port", integer_shape(1, 65'535), "5442", "Where the server listens."),
        optional_key("peer_address", text_shape("IP address", wrong_with_ip_address),
                     "The other node's server; required with mode pair. Nobody else is let in.",
                     "\"192.0.2.12\""),
        default_key("peer_port", integer_shape(1, 65'535), "5442", "Its port."),
        optional_key("password_file", file,
                     "File with the secret the two servers log in to each other with, the same on "
                     "both nodes; only its owner may have access. Required with mode pair.",
                     "\"database.key\""),
        default_key("sslmode", choice_shape({"disable", "require", "verify-ca", "verify-full"}),
                    "\"disable\"",
                    "TLS between the two servers; with disable what is in the table can be read on "
                    "the wire, the password not."),
        optional_key("certificate_file", file,
                     "The server's certificate (PEM); required with TLS, unused without.",
                     "\"node.crt\""),
        optional_key("certificate_key_file", file, "Its key (PEM), unencrypted.", "\"node.key\""),
        optional_key("authority_file", file,
                     "Whose certificates are believed (PEM); required with verify-ca and "
                     "verify-full.",
                     "\"authority.crt\""),
        default_key("start_timeout_s", integer_shape(5, 3'600), "120",
                    "How long a server may take to start; after a crash it first replays its log."),
        default_key("stop_timeout_s", integer_shape(1, 600), "15",
                    "How long it may take to stop in an orderly way; then it is killed."),
        default_key("answer_timeout_ms", integer_shape(1'000, 60'000), "5000",
                    "A server that answers nothing for so long counts as hung."),
        default_key("copy_timeout_s", integer_shape(10, 86'400), "3600",
                    "How long rewinding or copying the other node's data may take."),
        default_key("wal_keep_mb", integer_shape(32, 65'536), "256",
                    "Log kept for the other node besides what it still has to fetch."),
        default_key("slot_keep_mb", integer_shape(64, 1'048'576), "2048",
                    "Log kept for the other node while it is away; it is copied anew when it comes "
                    "back later than that."),
    });
}

class DatabaseReading {
  public:
    DatabaseReading(const Configuration& source, std::string_view path, ConfigurationErrors& errors)
        : source_(source), path_(path), errors_(errors) {}

    PairDatabaseConfiguration read(const json& values) {
        using Mode = PairDatabaseConfiguration::Mode;
        PairDatabaseConfiguration database;
        database.mode = values["mode"] == "external" ? Mode::external : Mode::pair;
        if (database.mode == Mode::external) {
            database.answer_timeout = {values["answer_timeout_ms"].get<std::int64_t>()};
            if (values.contains("servers")) {
                database.servers = values["servers"].get<std::vector<std::string>>();
            } else {
                wrong("servers", "is missing; mode external needs it");
            }
            return database;
        }
        if (values.contains("servers"))
            wrong("servers", "has no meaning with mode pair, in which each node has its own");
        database.folder = values["folder"].get<std::string>();
        database.programs = values["programs"].get<std::string>();
        database.user = values["user"].get<std::string>();
        if (!has(values, "listen")) return database;
        database.listen = values["listen"].get<std::vector<std::string>>();
        database.port = values["port"].get<std::uint16_t>();
        if (!has(values, "peer_address")) return database;
        database.peer_address = values["peer_address"].get<std::string>();
        database.peer_port = values["peer_port"].get<std::uint16_t>();
        if (!has(values, "password_file")) return database;
        database.password_file = file(values, "password_file");
        read_tls(values, database);
        database.start_timeout = seconds(values, "start_timeout_s");
        database.stop_timeout = seconds(values, "stop_timeout_s");
        database.answer_timeout = {values["answer_timeout_ms"].get<std::int64_t>()};
        database.copy_timeout = seconds(values, "copy_timeout_s");
        database.wal_keep_mb = values["wal_keep_mb"].get<std::uint32_t>();
        database.slot_keep_mb = values["slot_keep_mb"].get<std::uint32_t>();
        return database;
    }

  private:
    static core::Duration seconds(const json& values, const char* key) {
        return {values[key].get<std::int64_t>() * 1'000};
    }
    std::string file(const json& values, const char* key) const {
        if (!values.contains(key)) return "";
        return source_.file_beside(values[key].get<std::string>());
    }
    void wrong(const std::string& key, const std::string& words) {
        errors_.push_back(source_.error_at(path_ + "." + key, words));
    }
    bool has(const json& values, const char* key) {
        if (values.contains(key)) return true;
        wrong(key, "is missing; mode pair needs it");
        return false;
    }

    void read_tls(const json& values, PairDatabaseConfiguration& database) {
        database.sslmode = values["sslmode"].get<std::string>();
        if (database.sslmode == "disable") return;
        database.certificate_file = file(values, "certificate_file");
        database.certificate_key_file = file(values, "certificate_key_file");
        database.authority_file = file(values, "authority_file");
        if (database.certificate_file.empty())
            wrong("certificate_file", "is missing; sslmode " + database.sslmode + " needs it");
        if (database.certificate_key_file.empty())
            wrong("certificate_key_file", "is missing; sslmode " + database.sslmode + " needs it");
        if (database.sslmode.starts_with("verify") && database.authority_file.empty())
            wrong("authority_file", "is missing; sslmode " + database.sslmode + " needs it");
    }

    const Configuration& source_;
    std::string path_;
    ConfigurationErrors& errors_;
};

}  // namespace

ConfigurationKey pair_database_key() {
    return required_key("database", database_shape(),
                        "The PostgreSQL server of this node, which holds its copy of the drive "
                        "table.",
                        "{\"listen\": [\"192.0.2.11\"], \"peer_address\": \"192.0.2.12\", "
                        "\"password_file\": \"database.key\"}");
}

PairDatabaseConfiguration pair_database_configuration(const Configuration& source,
                                                      const json& values, std::string_view path,
                                                      ConfigurationErrors& errors) {
    return DatabaseReading(source, path, errors).read(values);
}

}  // namespace agent::runtime
