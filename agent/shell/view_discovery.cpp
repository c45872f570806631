// `lractl drive discover`, for people.

#include <nlohmann/json.hpp>

#include "agent/shell/screen_table.hpp"
#include "agent/shell/view_parts.hpp"
#include "agent/shell/view_values.hpp"

namespace agent::shell {

using nlohmann::json;

namespace {

// One row a path.
std::vector<Row> rows_of_paths(const Row& device, const json& paths) {
    std::vector<Row> rows;
    for (const json* path : elements(paths)) {
        Row row = device;
        row.push_back({text_at(*path, {"path"})});
        row.push_back({text_at(*path, {"target_port"})});
        rows.push_back(std::move(row));
    }
    return rows;
}

std::string configured_text(const json& drive) {
    if (text_at(drive, {"configured"}) != "yes") return "no";
    const std::string elsewhere = text_at(drive, {"found_again_at"});
    return elsewhere == "-" || elsewhere.empty() ? "yes" : "yes, now at " + elsewhere;
}

std::string drives_found(const json& drives, const Screen& screen) {
    std::vector<Row> rows;
    for (const json* drive : elements(drives)) {
        const Row device{{text_at(*drive, {"serial"}), Tone::strong},
                         {text_at(*drive, {"vendor"}) + " " + text_at(*drive, {"product"})},
                         {text_at(*drive, {"firmware"})},
                         {text_at(*drive, {"element_address"})},
                         {configured_text(*drive)}};
        for (Row& row : rows_of_paths(device, at(*drive, {"paths"})))
            rows.push_back(std::move(row));
    }
    if (rows.empty()) return "no tape drives found\n";
    const std::vector<Column> columns{{"drive"},           {"product", Fit::elide},
                                      {"firmware"},        {"element", Fit::keep, 4, true},
                                      {"configured"},      {"path", Fit::wrap},
                                      {"port", Fit::elide}};
    return screen_table(columns, rows, screen);
}

std::string changers_found(const json& changers, const Screen& screen) {
    std::vector<Row> rows;
    for (const json* changer : elements(changers)) {
        const Row device{{text_at(*changer, {"serial"}), Tone::strong},
                         {text_at(*changer, {"vendor"}) + " " + text_at(*changer, {"product"})},
                         {text_at(*changer, {"firmware"})},
                         {std::to_string(elements(at(*changer, {"bays"})).size())}};
        for (Row& row : rows_of_paths(device, at(*changer, {"paths"})))
            rows.push_back(std::move(row));
    }
    if (rows.empty()) return "";
    const std::vector<Column> columns{{"changer"},         {"product", Fit::elide},
                                      {"firmware"},        {"drives", Fit::keep, 4, true},
                                      {"path", Fit::wrap}, {"port", Fit::elide}};
    return "\n" + screen_table(columns, rows, screen);
}

}  // namespace

std::string discovered_drives_view(const json& found, const Screen& screen) {
    std::string text = drives_found(at(found, {"drives"}), screen);
    text += changers_found(at(found, {"changers"}), screen);
    for (const json* serial : elements(at(found, {"not_found"})))
        text += "\n" + painted("not found: drive " + text_of(*serial), Tone::attention, screen);
    if (!elements(at(found, {"not_found"})).empty()) text += "\n";
    const auto problems = elements(at(found, {"problems"}));
    if (!problems.empty()) text += "\nproblems\n";
    for (const json* problem : problems)
        text += paragraph(text_of(*problem), 2, screen);
    const auto fresh = elements(at(found, {"configuration", "drives"}));
    if (!fresh.empty()) text += "\nNot configured yet; for \"drives\" in lrad.json:\n";
    for (std::size_t i = 0; i < fresh.size(); ++i) {
        text += "  " + printable(fresh[i]->dump(-1, ' ', true, json::error_handler_t::replace)) +
                (i + 1 < fresh.size() ? ",\n" : "\n");
    }
    return text;
}

}  // namespace agent::shell
