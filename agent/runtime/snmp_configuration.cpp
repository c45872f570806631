#include "agent/runtime/snmp_configuration.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

namespace agent::runtime {

using nlohmann::json;

namespace {

constexpr std::size_t engine_id_bytes_min = 5;  // SnmpEngineID, RFC 3411 section 5
constexpr std::size_t engine_id_bytes_max = 32;

std::optional<std::uint8_t> hex_value(char c) {
    if (c >= '0' && c <= '9') return static_cast<std::uint8_t>(c - '0');
    if (c >= 'a' && c <= 'f') return static_cast<std::uint8_t>(c - 'a' + 10);
    if (c >= 'A' && c <= 'F') return static_cast<std::uint8_t>(c - 'A' + 10);
    return std::nullopt;
}

std::optional<std::vector<std::uint8_t>> bytes_from_hex(std::string_view text) {
    if (text.substr(0, 2) == "0x") text.remove_prefix(2);
    if (text.size() % 2 != 0) return std::nullopt;
    std::vector<std::uint8_t> bytes;
    for (std::size_t i = 0; i < text.size(); i += 2) {
        const auto high = hex_value(text[i]);
        const auto low = hex_value(text[i + 1]);
        if (!high || !low) return std::nullopt;
        bytes.push_back(static_cast<std::uint8_t>(*high << 4 | *low));
    }
    return bytes;
}

// SnmpEngineID of RFC 3411: the first bit tells the form that everyone uses today.
std::optional<std::string> wrong_with_engine_id(std::string_view text) {
    const auto bytes = bytes_from_hex(text);
    const bool right = bytes && bytes->size() >= engine_id_bytes_min &&
                       bytes->size() <= engine_id_bytes_max && bytes->front() >= 0x80;
    if (right) return std::nullopt;
    return "is not an SNMP engine ID; it must be 5 to 32 bytes in hexadecimal digits and begin "
           "with 80 or more, for example "
           "\"80001f88036c726131\"";
}

ValueShape user_shape() {
    const auto secret = [](ValueShape protocol, const std::string& protocol_default,
                           const std::string& what) {
        return object_shape({
            default_key("protocol", std::move(protocol), protocol_default, what + " protocol."),
            required_key(
                "key_file", text_shape(),
                "File (mode 0600) with one line: passphrase TEXT (8 characters or more), or "
                "master HEX.",
                "\"/etc/lra/keys/host1.auth\""),
        });
    };
    return object_shape({
        required_key("name", text_shape(32), "SNMPv3 security name.", "\"host1\""),
        required_key("auth",
                     secret(choice_shape({"SHA-256", "SHA-384", "SHA-512"}), "\"SHA-256\"",
                            "Authentication"),
                     "How messages of this user are authenticated.",
                     "{\"key_file\": \"/etc/lra/keys/host1.auth\"}"),
        required_key("priv",
                     secret(choice_shape({"AES-128", "AES-256"}), "\"AES-128\"", "Encryption"),
                     "How messages of this user are encrypted. AES-256 is no standard: both ends "
                     "must be Net-SNMP, or follow the same draft.",
                     "{\"key_file\": \"/etc/lra/keys/host1.priv\"}"),
    });
}

std::optional<std::string> wrong_with_agentx(std::string_view text) {
    const auto address = address_from_text(text);
    const bool tcp = address && address->kind == AddressText::Kind::tcp;
    if (text.starts_with('/') || text.starts_with("unix:/") || tcp) return std::nullopt;
    return "must be the path of snmpd's AgentX socket, like /var/agentx/master, or tcp:HOST:PORT";
}

ValueShape consumer_shape() {
    return object_shape({
        required_key("address", text_shape("udp:HOST:PORT", wrong_with_udp_address),
                     "Where the management station listens for notifications.",
                     "\"udp:192.0.2.50:162\""),
        default_key("version", choice_shape({"3", "v3", "2c", "v2c"}), "\"3\"", "SNMP version."),
        optional_key("user", text_shape(32),
                     "Security name, one of snmp.users; required with version 3.", "\"noc\""),
        optional_key("community", text_shape(64),
                     "Community; required with version 2c, which sends it readable for everyone.",
                     "\"public\""),
        default_key("allow_insecure", boolean_shape(), "false", "Must be true beside a community."),
        optional_key("delivery", choice_shape({"inform", "trap"}),
                     "As snmp.delivery, for this consumer.", "\"trap\""),
    });
}

ValueShape hint_source_shape() {
    return object_shape({
        required_key("library", text_shape(64), "What it is called in the log.", "\"scalar-1\""),
        required_key("address", text_shape(64),
                     "IP address that its traps come from; others are not heard.",
                     "\"192.0.2.60\""),
        default_key("version", choice_shape({"3", "v3", "2c", "v2c", "1", "v1"}), "\"3\"",
                    "SNMP version; with 1 or 2c both are taken."),
        optional_key("user", text_shape(32),
                     "Security name, one of snmp.users and no agent's; required with version 3.",
                     "\"scalar-1\""),
        optional_key("community", text_shape(64),
                     "Community; required with versions 1 and 2c, which anybody can forge.",
                     "\"library\""),
        default_key("allow_insecure", boolean_shape(), "false", "Must be true beside a community."),
    });
}

std::vector<ConfigurationKey> shared_keys() {
    return {
        required_key("listen", text_shape("udp:HOST:PORT", wrong_with_udp_address),
                     "Where notifications of the other agents arrive.", "\"udp:0.0.0.0:1162\""),
        optional_key("engine_id", text_shape("hexadecimal digits", wrong_with_engine_id, 66),
                     "This program's SNMP engine ID; without it one is made once and kept in "
                     "state_dir.",
                     "\"80001f88036c726131\""),
        required_key("users", list_shape(user_shape(), 1, 2'000),
                     "Users of the user-based security model; every message is authenticated and "
                     "encrypted.",
                     "[{\"name\": \"host1\", \"auth\": {\"key_file\": \"host1.auth\"}, \"priv\": "
                     "{\"key_file\": \"host1.priv\"}}]"),
    };
}

}  // namespace

ValueShape dsad_snmp_shape() {
    return object_shape(shared_keys());
}

ValueShape lrad_snmp_shape() {
    std::vector<ConfigurationKey> keys = shared_keys();
    keys.push_back(optional_key("mib_listen", text_shape("udp:HOST:PORT", wrong_with_udp_address),
                                "Where lra-mibd answers queries by itself; without it, nowhere.",
                                "\"udp:127.0.0.1:1161\""));
    keys.push_back(default_key("mib_writers", list_shape(text_shape(32), 0, 64), "[]",
                               "Users of snmp.users that may force drives offline and clear them "
                               "by SNMP SET at mib_listen; none of them an agent's."));
    keys.push_back(default_key(
        "agentx", either_shape({null_shape(), text_shape("a socket", wrong_with_agentx, 107)}),
        "null",
        "Socket of this machine's snmpd, whose AgentX subagent lra-mibd is then: a path, or "
        "tcp:HOST:PORT. snmpd's own rules say who may read; nothing can be written there."));
    keys.push_back(default_key("heartbeat_s", integer_shape(0, 86'400), "300",
                               "A heartbeat goes to every consumer this often; 0: none does."));
    keys.push_back(default_key("refused_per_minute", integer_shape(1, 1'000'000), "60",
                               "More SNMP messages a minute that are not believed, and two for "
                               "each agent, are an alarm."));
    keys.push_back(default_key("delivery", choice_shape({"inform", "trap"}), "\"inform\"",
                               "How notices and alarms are delivered: acknowledged or not."));
    keys.push_back(default_key("consumers", list_shape(consumer_shape(), 0, 64), "[]",
                               "Management stations that are told of alarms."));
    keys.push_back(default_key("hints", list_shape(hint_source_shape(), 0, 64), "[]",
                               "Tape libraries whose traps about a drive's state are hints to "
                               "look at it at once; they change nothing by themselves."));
    return object_shape(std::move(keys));
}

namespace {

SnmpAuthentication authentication_from(const std::string& text) {
    if (text == "SHA-384") return SnmpAuthentication::sha384;
    if (text == "SHA-512") return SnmpAuthentication::sha512;
    return SnmpAuthentication::sha256;
}

SnmpPrivacy privacy_from(const std::string& text) {
    return text == "AES-256" ? SnmpPrivacy::aes256 : SnmpPrivacy::aes128;
}

SnmpDelivery delivery_from(const json& value) {
    return value == "trap" ? SnmpDelivery::trap : SnmpDelivery::inform;
}

AddressText address_at(const json& object, const char* key) {
    const auto found = object.find(key);
    if (found == object.end()) return {};
    return address_from_text(found->get_ref<const std::string&>()).value_or(AddressText{});
}

std::string secret_at(const Configuration& configuration, const json& protection,
                      const std::string& path, ConfigurationErrors& errors) {
    const std::string file =
        configuration.file_beside(protection["key_file"].get_ref<const std::string&>());
    core::Result<std::string> secret = read_key_file(file);
    if (secret.ok()) return std::move(secret).value();
    errors.push_back(configuration.error_at(path + ".key_file", secret.error().message));
    return {};
}

void read_users(const Configuration& configuration, SnmpConfiguration& snmp,
                ConfigurationErrors& errors) {
    std::set<std::string> names;
    const json& users = configuration.values()["snmp"]["users"];
    for (std::size_t i = 0; i < users.size(); ++i) {
        const std::string path = "snmp.users[" + std::to_string(i) + "]";
        SnmpUser user;
        user.name = users[i]["name"].get<std::string>();
        if (!names.insert(user.name).second) {
            errors.push_back(configuration.error_at(
                path + ".name", "user \"" + user.name + "\" stands twice; names must differ"));
        }
        user.authentication = authentication_from(users[i]["auth"]["protocol"].get<std::string>());
        user.privacy = privacy_from(users[i]["priv"]["protocol"].get<std::string>());
        user.authentication_key =
            secret_at(configuration, users[i]["auth"], path + ".auth", errors);
        user.privacy_key = secret_at(configuration, users[i]["priv"], path + ".priv", errors);
        user.authentication_key_file =
            configuration.file_beside(users[i]["auth"]["key_file"].get<std::string>());
        user.privacy_key_file =
            configuration.file_beside(users[i]["priv"]["key_file"].get<std::string>());
        snmp.users.push_back(std::move(user));
    }
}

void read_consumer(const Configuration& configuration, const json& value, const std::string& path,
                   SnmpConfiguration& snmp, ConfigurationErrors& errors) {
    SnmpConsumer consumer;
    consumer.address = address_at(value, "address");
    consumer.user = value.value("user", "");
    consumer.community = value.value("community", "");
    consumer.delivery =
        value.contains("delivery") ? delivery_from(value["delivery"]) : snmp.delivery;
    const std::string version = value["version"].get<std::string>();
    consumer.version = version == "3" || version == "v3" ? SnmpVersion::v3 : SnmpVersion::v2c;
    const auto wrong = [&](const std::string& key, const std::string& text) {
        errors.push_back(configuration.error_at(path + key, text));
    };
    const bool given_twice =
        std::any_of(snmp.consumers.begin(), snmp.consumers.end(), [&](const SnmpConsumer& other) {
            return to_text(other.address) == to_text(consumer.address);
        });
    if (given_twice) {
        wrong(".address",
              "\"" + to_text(consumer.address) + "\" stands twice; each must be different");
    }
    if (consumer.version == SnmpVersion::v3) {
        if (consumer.user.empty()) {
            wrong(".user", "is missing; with version 3 it must name one of snmp.users");
        } else {
            check_snmp_user(configuration, snmp, path + ".user", consumer.user, errors);
        }
        if (!consumer.community.empty()) {
            wrong(".community", "has no meaning with version 3; remove it");
        }
    } else {
        if (consumer.community.empty()) wrong(".community", "is missing; version 2c needs one");
        if (!consumer.user.empty()) wrong(".user", "has no meaning with version 2c; remove it");
        if (!value["allow_insecure"].get<bool>()) {
            wrong(".community",
                  "version 2c sends alarms readable and forgeable for everyone on the network; "
                  "use version 3, or say \"allow_insecure\": true beside the community");
        }
    }
    snmp.consumers.push_back(std::move(consumer));
}

void read_writers(const Configuration& configuration, SnmpConfiguration& snmp,
                  ConfigurationErrors& errors) {
    const json& values = configuration.values()["snmp"];
    if (!values.contains("mib_writers")) return;
    snmp.mib_writers = values["mib_writers"].get<std::vector<std::string>>();
    for (std::size_t i = 0; i < snmp.mib_writers.size(); ++i) {
        const std::string path = "snmp.mib_writers[" + std::to_string(i) + "]";
        check_snmp_user(configuration, snmp, path, snmp.mib_writers[i], errors);
        if (snmp.mib_listen.host.empty()) {
            errors.push_back(configuration.error_at(
                path, "has no meaning without snmp.mib_listen: through snmpd nothing is written"));
        }
    }
}

void read_hint_source(const Configuration& configuration, const json& value,
                      const std::string& path, SnmpConfiguration& snmp,
                      ConfigurationErrors& errors) {
    SnmpHintSource source;
    source.library = value["library"].get<std::string>();
    source.address = value["address"].get<std::string>();
    source.user = value.value("user", "");
    source.community = value.value("community", "");
    std::string version = value["version"].get<std::string>();
    if (version.starts_with('v')) version.erase(0, 1);
    source.version = version == "3" ? SnmpVersion::v3 : SnmpVersion::v2c;
    const auto wrong = [&](const std::string& key, const std::string& text) {
        errors.push_back(configuration.error_at(path + key, text));
    };
    in6_addr ignored{};
    if (::inet_pton(AF_INET, source.address.c_str(), &ignored) != 1 &&
        ::inet_pton(AF_INET6, source.address.c_str(), &ignored) != 1) {
        wrong(".address", "must be the library's IP address");
    }
    for (const auto& known : snmp.hints) {
        if (known.address == source.address) wrong(".address", "stands twice");
    }
    if (source.version == SnmpVersion::v3) {
        if (source.user.empty()) {
            wrong(".user", "is missing; with version 3 it must name one of snmp.users");
        } else {
            check_snmp_user(configuration, snmp, path + ".user", source.user, errors);
        }
        if (!source.community.empty()) {
            wrong(".community", "has no meaning with version 3; remove it");
        }
    } else {
        if (source.community.empty())
            wrong(".community", "is missing; version " + version + " needs one");
        if (!source.user.empty())
            wrong(".user", "has no meaning with version " + version + "; remove it");
        if (!value["allow_insecure"].get<bool>()) {
            wrong(".community", "anybody on the network can forge version " + version +
                                    ", and with it make the drives be polled more often; use "
                                    "version 3, or say \"allow_insecure\": true beside it");
        }
    }
    snmp.hints.push_back(std::move(source));
}

}  // namespace

void check_snmp_user(const Configuration& configuration, const SnmpConfiguration& snmp,
                     const std::string& path, const std::string& user,
                     ConfigurationErrors& errors) {
    const bool known =
        std::any_of(snmp.users.begin(), snmp.users.end(),
                    [&](const SnmpUser& known_user) { return known_user.name == user; });
    if (known) return;
    errors.push_back(configuration.error_at(
        path, "\"" + user + "\" is not one of snmp.users; add that user with its key files there"));
}

SnmpConfiguration snmp_configuration(const Configuration& configuration,
                                     ConfigurationErrors& errors) {
    const json& values = configuration.values()["snmp"];
    SnmpConfiguration snmp;
    snmp.listen = address_at(values, "listen");
    snmp.engine_id =
        bytes_from_hex(values.value("engine_id", "")).value_or(std::vector<std::uint8_t>{});
    if (values.contains("delivery")) snmp.delivery = delivery_from(values["delivery"]);
    snmp.mib_listen = address_at(values, "mib_listen");
    if (values.contains("agentx") && values["agentx"].is_string())
        snmp.agentx = values["agentx"].get<std::string>();
    snmp.heartbeat_s = values.value("heartbeat_s", 0U);
    snmp.refused_per_minute = values.value("refused_per_minute", 0U);
    read_users(configuration, snmp, errors);
    read_writers(configuration, snmp, errors);
    if (values.contains("consumers")) {
        const json& consumers = values["consumers"];
        for (std::size_t i = 0; i < consumers.size(); ++i) {
            read_consumer(configuration, consumers[i], "snmp.consumers[" + std::to_string(i) + "]",
                          snmp, errors);
        }
    }
    if (values.contains("hints")) {
        const json& hints = values["hints"];
        for (std::size_t i = 0; i < hints.size(); ++i) {
            read_hint_source(configuration, hints[i], "snmp.hints[" + std::to_string(i) + "]", snmp,
                             errors);
        }
    }
    return snmp;
}

}  // namespace agent::runtime
