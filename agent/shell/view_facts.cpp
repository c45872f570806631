#include <algorithm>
#include <nlohmann/json.hpp>

#include "agent/shell/screen_table.hpp"
#include "agent/shell/view_parts.hpp"
#include "agent/shell/view_values.hpp"

namespace agent::shell {

using nlohmann::json;

namespace {

constexpr int depth_max = 4;
constexpr std::size_t label_columns = 18;

std::string fact(std::string_view label, std::string_view value, std::size_t indent,
                 const Screen& screen, Tone tone = Tone::plain) {
    const std::size_t column = std::max(label_columns, indent + 2);
    std::string line = std::string(indent, ' ') + std::string{label};
    line += columns_of(line) + 2 > column ? "  " : std::string(column - columns_of(line), ' ');
    const std::size_t used = columns_of(line);
    const auto lines =
        wrapped(value.empty() ? "-" : value, screen.columns - std::min(used, screen.columns - 20));
    for (std::size_t i = 0; i < lines.size(); ++i) {
        if (i > 0) line += "\n" + std::string(used, ' ');
        line += painted(lines[i], tone, screen);
    }
    return line + "\n";
}

bool table_like(const json& value) {
    return value.is_array() && !value.empty() &&
           std::ranges::all_of(value, [](const json& element) { return element.is_object(); });
}

std::string cell_text(const json& value, const Screen& screen) {
    return time_of(value) ? dated(value, screen) : text_of(value);
}

std::string objects_table(const json& list, const Screen& screen) {
    std::vector<std::string> keys;
    for (const json& element : list) {
        for (const auto& [key, ignored] : element.items()) {
            if (std::ranges::find(keys, key) == keys.end()) keys.push_back(key);
        }
    }
    std::vector<Column> columns;
    columns.reserve(keys.size());
    for (const std::string& key : keys)
        columns.push_back({printable(key), Fit::elide, 6});
    std::vector<Row> rows;
    for (const json& element : list) {
        Row row;
        for (const std::string& key : keys)
            row.push_back({cell_text(at(element, {key}), screen)});
        rows.push_back(std::move(row));
    }
    return screen_table(columns, rows, screen);
}

// A list of objects under its name: as a table while a screen can hold its columns, otherwise one
// block each.
std::string objects(std::string_view key, const json& list, int depth, const Screen& screen);

std::string facts(const json& object, std::size_t indent, int depth, const Screen& screen) {
    std::string text;
    std::string below;  // tables and inner objects after the plain facts
    for (const auto& [key, value] : object.items()) {
        if (value.is_object() && depth < depth_max) {
            below += std::string(indent, ' ') + printable(key) + "\n";
            below += facts(value, indent + 2, depth + 1, screen);
        } else if (table_like(value)) {
            below += "\n" + printable(key) + "\n" + objects(key, value, depth, screen);
        } else {
            const std::string shown = cell_text(value, screen);
            text += fact(printable(key), shown, indent, screen, tone_of_state(shown));
        }
    }
    return text + below;
}

std::string objects(std::string_view key, const json& list, int depth, const Screen& screen) {
    constexpr std::size_t columns_max = 6;
    if (key == "drives") return drives_view(list, screen);
    const bool wide =
        std::ranges::any_of(list, [](const json& element) { return element.size() > columns_max; });
    if (!wide || depth >= depth_max) return objects_table(list, screen);
    std::string text;
    for (const json& element : list) {
        text += (text.empty() ? "" : "\n") + facts(element, 2, depth + 1, screen);
    }
    return text;
}

}  // namespace

std::string facts_view(const json& result, const Screen& screen) {
    if (result.is_object()) return result.empty() ? "done\n" : facts(result, 0, 0, screen);
    if (table_like(result)) return objects("", result, 0, screen);
    if (result.is_array() && result.empty()) return "none\n";
    if (result.is_null()) return "done\n";
    return paragraph(text_of(result), 0, screen);
}

std::string drive_view(const json& drive, const Screen& screen) {
    if (!drive.is_object()) return facts_view(drive, screen);
    const json& reservation = at(drive, {"reservation"});
    const std::string state = text_at(drive, {"operational_state"});
    std::string text;
    text += fact("drive", text_at(drive, {"serial"}), 0, screen, Tone::strong);
    text +=
        fact("product", text_at(drive, {"vendor"}) + " " + text_at(drive, {"product"}), 0, screen);
    text += fact("element address", text_at(drive, {"element_address"}), 0, screen);
    text += fact("shared", text_at(drive, {"shared"}), 0, screen);
    text += fact("state", state, 0, screen, tone_of_state(state));
    text += fact("reservation", reservation_text(reservation), 0, screen);
    for (const json* holder : elements(at(reservation, {"holders"}))) {
        text += fact("held by", holder_text(*holder), 0, screen);
    }
    if (text_at(reservation, {"state"}) == "reserved" &&
        elements(at(reservation, {"holders"})).empty()) {
        text += fact("held by", "not known", 0, screen, Tone::attention);
    }
    text += fact("evidence", text_at(reservation, {"evidence"}), 0, screen);
    text += fact("since", dated(at(reservation, {"since"}), screen), 0, screen);
    json rest = drive;
    for (const char* key : {"serial", "vendor", "product", "element_address", "shared",
                            "operational_state", "reservation"}) {
        rest.erase(key);
    }
    for (auto value = rest.begin(); value != rest.end();) {
        const bool empty = value->is_null() || *value == json("");
        value = empty ? rest.erase(value) : std::next(value);
    }
    return text + facts(rest, 0, 0, screen);
}

}  // namespace agent::shell
