#include "snmp_mib/mib_rows_json.hpp"

#include <nlohmann/json.hpp>

#include "snmp_mib/engine_state.hpp"

namespace snmp_mib {

namespace {

using nlohmann::json;

bool is_ascii(const std::string& text) {
    for (const char c : text) {
        if (static_cast<unsigned char>(c) >= 0x80 || static_cast<unsigned char>(c) < 0x20)
            return false;
    }
    return true;
}

// A number is an Integer32, a text an octet string; the others name their type.
json to_json(const VarbindValue& value) {
    if (const auto* integer = std::get_if<Integer32>(&value)) return integer->value;
    if (const auto* number = std::get_if<Unsigned32>(&value)) return {{"u32", number->value}};
    if (const auto* big = std::get_if<Counter64>(&value)) return {{"c64", big->value}};
    if (const auto* octets = std::get_if<OctetString>(&value)) {
        if (is_ascii(octets->bytes)) return octets->bytes;
        return {{"hex", to_hexadecimal(octets->bytes)}};
    }
    return nullptr;  // tables hold nothing else
}

VarbindValue value_from(const json& value) {
    if (value.is_number_integer()) return Integer32{value.get<std::int32_t>()};
    if (value.is_string()) return OctetString{value.get<std::string>()};
    if (value.contains("u32")) return Unsigned32{value.at("u32").get<std::uint32_t>()};
    if (value.contains("c64")) return Counter64{value.at("c64").get<std::uint64_t>()};
    const std::optional<std::string> bytes = from_hexadecimal(value.at("hex").get<std::string>());
    if (!bytes) throw std::invalid_argument("not hexadecimal");
    return OctetString{*bytes};
}

json list_of(const std::vector<VarbindValue>& values) {
    json list = json::array();
    for (const VarbindValue& value : values)
        list.push_back(to_json(value));
    return list;
}

std::vector<VarbindValue> values_from(const json& list) {
    std::vector<VarbindValue> values;
    for (const json& value : list)
        values.push_back(value_from(value));
    return values;
}

constexpr const char* authentication_names[] = {"SHA-256", "SHA-384", "SHA-512"};
constexpr const char* privacy_names[] = {"AES-128", "AES-256"};

template <typename Enumeration, std::size_t N>
Enumeration enumerator(const char* const (&names)[N], const std::string& name) {
    for (std::size_t i = 0; i < N; ++i) {
        if (name == names[i]) return static_cast<Enumeration>(i);
    }
    throw std::invalid_argument("unknown protocol " + name);
}

}  // namespace

std::string to_json_line(const MibServerConfiguration& configuration) {
    json users = json::array();
    for (const UsmUserConfiguration& user : configuration.users) {
        users.push_back(
            {{"name", user.name},
             {"auth", authentication_names[static_cast<std::size_t>(user.authentication)]},
             {"auth_key_file", user.authentication_key_file},
             {"priv", privacy_names[static_cast<std::size_t>(user.privacy)]},
             {"priv_key_file", user.privacy_key_file}});
    }
    return json{{"listen", configuration.listen},
                {"agentx", configuration.agentx},
                {"state_dir", configuration.state_dir},
                {"users", users},
                {"writers", configuration.writers}}
        .dump();
}

agent::core::Result<MibServerConfiguration> configuration_from_json_line(std::string_view line) {
    try {
        const json object = json::parse(line);
        MibServerConfiguration configuration;
        configuration.listen = object.at("listen").get<std::string>();
        configuration.agentx = object.value("agentx", "");
        configuration.state_dir = object.at("state_dir").get<std::string>();
        configuration.writers = object.value("writers", std::vector<std::string>());
        for (const json& user : object.at("users")) {
            configuration.users.push_back(
                {.name = user.at("name").get<std::string>(),
                 .authentication = enumerator<AuthenticationProtocol>(
                     authentication_names, user.at("auth").get<std::string>()),
                 .authentication_key_file = user.at("auth_key_file").get<std::string>(),
                 .privacy =
                     enumerator<PrivacyProtocol>(privacy_names, user.at("priv").get<std::string>()),
                 .privacy_key_file = user.at("priv_key_file").get<std::string>()});
        }
        return configuration;
    } catch (const std::exception& problem) {
        return agent::core::Error{std::string("the first line is no configuration: ") +
                                  problem.what()};
    }
}

std::string to_json_line(const MibRows& rows) {
    json object{{"scalars", list_of(rows.scalars)}};
    for (std::size_t i = 0; i < mib_table_count; ++i) {
        json& table = object[mib_tables().at(i).name] = json::array();
        for (const MibRow& row : rows.tables.at(i))
            table.push_back({{"index", row.index}, {"columns", list_of(row.columns)}});
    }
    return object.dump();
}

agent::core::Result<MibRows> rows_from_json_line(std::string_view line) {
    try {
        const json object = json::parse(line);
        MibRows rows;
        rows.scalars = values_from(object.at("scalars"));
        for (std::size_t i = 0; i < mib_table_count; ++i) {
            const MibTableShape& shape = mib_tables().at(i);
            for (const json& row : object.at(shape.name)) {
                MibRow read{row.at("index").get<Oid>(), values_from(row.at("columns"))};
                const std::size_t columns = shape.last_column - shape.first_column + 1;
                if (read.index.empty() || read.index.size() > 110 ||
                    read.columns.size() != columns) {
                    return agent::core::Error{std::string(shape.name) +
                                              ": a row has another shape than its table"};
                }
                rows.tables.at(i).push_back(std::move(read));
            }
        }
        return rows;
    } catch (const std::exception& problem) {
        return agent::core::Error{std::string("a line is no snapshot: ") + problem.what()};
    }
}

}  // namespace snmp_mib
