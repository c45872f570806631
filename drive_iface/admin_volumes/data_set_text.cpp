#include "drive_iface/admin_volumes/data_set_text.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "drive_iface/admin_volumes/sha256.hpp"

namespace drive_iface::admin_volumes {

using nlohmann::ordered_json;

namespace {

constexpr int schema_version = 1;

ordered_json json_of(const Value& value) {
    return std::visit(
        [](const auto& one) -> ordered_json {
            if constexpr (std::is_same_v<std::decay_t<decltype(one)>, std::monostate>) {
                return nullptr;
            } else {
                return one;
            }
        },
        value);
}

std::string line_of(const ordered_json& object) {
    return object.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

std::string json_line(const Record& record) {
    ordered_json object = ordered_json::object();
    for (const auto& field : record)
        object[field.name] = json_of(field.value);
    return line_of(object);
}

std::size_t size_of(const Value& value) {
    if (const auto* text = std::get_if<std::string>(&value)) return text->size();
    const auto* list = std::get_if<std::vector<std::string>>(&value);
    if (list == nullptr) return 0;
    std::size_t size = list->size();
    for (const auto& text : *list)
        size += text.size();
    return size;
}

void halve(Value& value) {
    if (auto* text = std::get_if<std::string>(&value)) {
        text->resize(text->size() / 2);
        return;
    }
    auto* list = std::get_if<std::vector<std::string>>(&value);
    if (list == nullptr) return;
    if (list->size() > 1) {
        list->resize(list->size() / 2);
    } else if (!list->empty()) {
        list->front().resize(list->front().size() / 2);
    }
}

// Nearly always as it was.
Record cut_to_fit(Record record) {
    bool cut = false;
    while (json_line(record).size() > record_max) {
        const auto longest = std::max_element(
            record.begin(), record.end(),
            [](const auto& a, const auto& b) { return size_of(a.value) < size_of(b.value); });
        if (longest == record.end() || size_of(longest->value) == 0) break;
        halve(longest->value);
        cut = true;
    }
    if (cut) record.push_back({"cut", true});
    return record;
}

bool may_be_long(const Record& record) {
    // JSON writes one byte as six at most; names, numbers and quotes of a field fit in 128.
    std::size_t size = 0;
    for (const auto& field : record)
        size += 6 * size_of(field.value) + 128;
    return size > record_max;
}

std::string plain_text(const Value& value) {
    if (const auto* text = std::get_if<std::string>(&value)) return *text;
    if (const auto* yes = std::get_if<bool>(&value)) return *yes ? "true" : "false";
    if (const auto* count = std::get_if<std::int64_t>(&value)) return std::to_string(*count);
    std::string joined;
    if (const auto* list = std::get_if<std::vector<std::string>>(&value)) {
        for (const auto& text : *list)
            joined += (joined.empty() ? "" : "; ") + text;
    }
    return joined;
}

std::string csv_field(const std::string& text) {
    if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
    std::string quoted = "\"";
    for (const char c : text) {
        if (c == '"') quoted += '"';
        quoted += c;
    }
    return quoted + "\"";
}

std::string csv_line(const std::vector<std::string>& fields) {
    std::string line;
    for (const auto& field : fields)
        line += (&field == &fields.front() ? "" : ",") + csv_field(field);
    return line + "\r\n";
}

}  // namespace

std::vector<std::string> json_lines(const DataSet& data) {
    std::vector<std::string> lines;
    lines.reserve(data.records.size());
    for (const auto& record : data.records)
        lines.push_back(json_line(may_be_long(record) ? cut_to_fit(record) : record));
    return lines;
}

std::vector<std::string> csv_lines(const DataSet& data) {
    std::vector<std::string> names;
    std::map<std::string, std::size_t> columns;
    const auto column = [&](const std::string& name) {
        const auto [found, added] = columns.emplace(name, names.size());
        if (added) names.push_back(name);
        return found->second;
    };
    std::vector<std::vector<std::string>> rows;
    rows.reserve(data.records.size());
    for (const auto& record : data.records) {
        auto& row = rows.emplace_back();
        for (const auto& field : may_be_long(record) ? cut_to_fit(record) : record) {
            const auto at = column(field.name);
            if (row.size() <= at) row.resize(at + 1);
            row[at] = plain_text(field.value);
        }
    }
    if (names.empty()) return {};
    std::vector<std::string> lines{csv_line(names)};
    for (auto& row : rows) {
        row.resize(names.size());
        lines.push_back(csv_line(row));
    }
    return lines;
}

std::string header_line(const DataSet& data, const Occasion& occasion, const std::string& records) {
    return line_of({{"type", name_of(data.type)},
                    {"schema", schema_version},
                    {"library", occasion.library},
                    {"drive", json_of(text_or_nothing(occasion.drive))},
                    {"time", occasion.time},
                    {"generation", occasion.generation},
                    {"records", data.records.size()},
                    {"bytes", records.size()},
                    {"sha256", sha256_text(records)}});
}

}  // namespace drive_iface::admin_volumes
