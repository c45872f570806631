#include "agent/shell/view_values.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "agent/runtime/clock.hpp"
#include "agent/shell/point_in_time.hpp"

namespace agent::shell {

using nlohmann::json;

const json& at(const json& value, Path path) {
    static const json nothing;
    const json* here = &value;
    for (const std::string_view key : path) {
        if (!here->is_object()) return nothing;
        const auto found = here->find(key);
        if (found == here->end()) return nothing;
        here = &*found;
    }
    return *here;
}

std::string text_of(const json& value) {
    if (value.is_null()) return {};
    if (value.is_string()) return printable(value.get_ref<const std::string&>());
    if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
    if (value.is_array()) {
        std::string text;
        for (const json& element : value)
            text += (text.empty() ? "" : ", ") + text_of(element);
        return text;
    }
    return printable(value.dump(-1, ' ', false, json::error_handler_t::replace));
}

std::string text_at(const json& value, Path path) {
    return text_of(at(value, path));
}

std::optional<core::WallTime> time_of(const json& value) {
    if (!value.is_string()) return std::nullopt;
    return runtime::wall_time_from_text(value.get_ref<const std::string&>());
}

std::string dated(const json& value, const Screen& screen) {
    const auto time = time_of(value);
    if (!time) return text_of(value);
    return local_time(*time) + " (" + age(*time, screen.now) + ")";
}

std::string aged(const json& value, const Screen& screen) {
    const auto time = time_of(value);
    return time ? age(*time, screen.now) : text_of(value);
}

std::vector<const json*> elements(const json& value) {
    std::vector<const json*> list;
    if (!value.is_array()) return list;
    for (const json& element : value)
        list.push_back(&element);
    return list;
}

std::string size_text(const json& bytes) {
    if (!bytes.is_number()) return text_of(bytes);
    constexpr std::array units{"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    double size = bytes.get<double>();
    std::size_t unit = 0;
    for (; size >= 1024 && unit + 1 < units.size(); ++unit)
        size /= 1024;
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), unit == 0 || size >= 100 ? "%.0f %s" : "%.1f %s", size,
                  units[unit]);
    return text.data();
}

std::string notice_text(const json& notice_id) {
    if (!notice_id.is_object()) return text_of(notice_id);
    return text_at(notice_id, {"epoch"}) + "." + text_at(notice_id, {"sequence"});
}

namespace {

std::string port_text(const json& port) {
    const std::string transport = text_at(port, {"transport"});
    std::string text = (transport.empty() ? "" : transport + ":") + text_at(port, {"name"});
    const std::string address = text_at(port, {"address"});
    return address.empty() ? text : text + "@" + address;
}

std::string short_holder_text(const json& holder) {
    for (const std::string_view key : {"host", "domain", "name"}) {
        std::string text = text_at(holder, {key});
        if (!text.empty()) return text;
    }
    return text_of(holder);
}

}  // namespace

std::string holder_text(const json& holder) {
    if (!holder.is_object()) return text_of(holder);
    const std::string host = text_at(holder, {"host"});
    const std::string domain = text_at(holder, {"domain"});
    std::string text = host.empty() ? port_text(holder) : host + " (" + port_text(holder) + ")";
    return domain.empty() ? text : text + ", domain " + domain;
}

std::string short_holders_text(const json& reservation) {
    const auto holders = elements(at(reservation, {"holders"}));
    if (!holders.empty()) {
        const std::string more =
            holders.size() > 1 ? " +" + std::to_string(holders.size() - 1) : std::string{};
        return short_holder_text(*holders.front()) + more;
    }
    return text_at(reservation, {"state"}) == "reserved" ? "not known" : "";
}

std::string reservation_text(const json& reservation) {
    std::string state = text_at(reservation, {"state"});
    if (state != "reserved") return state;
    const std::string kind = text_at(reservation, {"kind"});
    return kind.empty() || kind == "none" ? state : kind;
}

Tone tone_of_state(std::string_view state) {
    using namespace std::string_view_literals;
    if (std::ranges::count(std::array{"online"sv, "started"sv}, state) > 0) return Tone::good;
    if (std::ranges::count(std::array{"forced_offline"sv, "unprotected"sv, "lost"sv}, state) > 0) {
        return Tone::bad;
    }
    if (std::ranges::count(std::array{"unreachable"sv, "unknown"sv, "draining"sv}, state) > 0) {
        return Tone::attention;
    }
    return Tone::plain;
}

Tone tone_of_severity(std::string_view severity) {
    if (severity == "critical" || severity == "major") return Tone::bad;
    return severity == "warning" ? Tone::attention : Tone::plain;
}

}  // namespace agent::shell
