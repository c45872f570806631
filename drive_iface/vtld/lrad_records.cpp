#include "drive_iface/vtld/lrad_records.hpp"

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>

#include "agent/runtime/clock.hpp"
#include "agent/runtime/control_client.hpp"

namespace drive_iface::vtld {

using admin_volumes::Record;
using admin_volumes::Value;
using agent::runtime::ControlError;
using nlohmann::json;

namespace {

constexpr agent::core::Duration patience{2'000};  // for all questions together

std::string holder_text(const json& holder) {
    std::string text;
    for (const auto* key : {"host", "domain", "transport", "name", "isid", "address"}) {
        const auto found = holder.find(key);
        if (found == holder.end() || !found->is_string()) continue;
        text += (text.empty() ? "" : " ") + std::string(key) + "=" + found->get<std::string>();
    }
    return text;
}

// Objects and lists as they are in JSON; what lrad adds in later versions comes along.
Value value_of(const json& value) {
    if (value.is_null()) return std::monostate{};
    if (value.is_boolean()) return value.get<bool>();
    if (value.is_number_unsigned()) return admin_volumes::number(value.get<std::uint64_t>());
    if (value.is_number_integer()) return value.get<std::int64_t>();
    if (value.is_string()) return value.get<std::string>();
    return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

void append_fields(Record& record, const json& object, const std::string& prefix) {
    for (const auto& [key, value] : object.items()) {
        if (key == "holders" && value.is_array()) {
            std::vector<std::string> holders;
            for (const auto& holder : value)
                if (holder.is_object()) holders.push_back(holder_text(holder));
            record.push_back({prefix + key, std::move(holders)});
        } else if (value.is_object()) {
            append_fields(record, value, prefix + key + "_");
        } else {
            record.push_back({prefix + key, value_of(value)});
        }
    }
}

struct Question {
    const char* method;
    const char* record;  // what an answer's objects are called
};
constexpr Question questions[] = {{"drive.list", "lrad_drive"},
                                  {"agent.list", "lrad_agent"},
                                  {"handshake.list", "lrad_handshake"},
                                  {"alarm.list", "lrad_alarm"}};

// Nothing: all were answered.
std::optional<std::string> ask(std::vector<Record>& records, const std::string& socket) {
    const auto until = agent::runtime::clock_now().monotonic + patience;
    const auto left = [until] {
        return agent::core::Duration{
            std::max<std::int64_t>((until - agent::runtime::clock_now().monotonic).ms, 1)};
    };
    auto client = agent::runtime::ControlClient::connect(socket, left());
    if (!client) return client.error().message;
    for (const auto& question : questions) {
        const auto answer = client.value().call(question.method, json::object(), left());
        if (const auto* error = std::get_if<ControlError>(&answer)) return error->message;
        const auto& list = std::get<json>(answer);
        if (!list.is_array()) return std::string(question.method) + " was not answered with a list";
        for (const auto& one : list) {
            if (!one.is_object()) continue;
            Record record{{"record", std::string(question.record)}};
            append_fields(record, one, "");
            records.push_back(std::move(record));
        }
    }
    return std::nullopt;
}

}  // namespace

void append_lrad_records(std::vector<Record>& records, const std::string& socket) {
    std::optional<std::string> missing = "administration.lrad_socket is not configured";
    if (!socket.empty()) missing = ask(records, socket);
    records.push_back({{"record", std::string("source")},
                       {"name", std::string("lrad")},
                       {"socket", admin_volumes::text_or_nothing(socket)},
                       {"answered", !missing.has_value()},
                       {"text", admin_volumes::text_or_nothing(missing.value_or(""))}});
}

}  // namespace drive_iface::vtld
