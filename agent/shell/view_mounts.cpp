#include <nlohmann/json.hpp>

#include "agent/shell/screen_table.hpp"
#include "agent/shell/view_parts.hpp"
#include "agent/shell/view_values.hpp"

namespace agent::shell {

using nlohmann::json;

namespace {

Tone tone_of_mount_state(const std::string& state) {
    if (state == "quarantined") return tone_of_severity("major");
    if (state == "disabled") return tone_of_severity("warning");
    return Tone::plain;
}

std::string where_it_is(const json& volume) {
    const std::string place = text_at(volume, {"place"});
    const std::string drive = text_at(volume, {"drive"});
    if (place == "drive" && !drive.empty()) return "drive " + drive;
    const std::string element = text_at(volume, {"element"});
    return element.empty() ? place : place + " " + element;
}

}  // namespace

std::string claims_view(const json& claims, const Screen& screen) {
    const std::vector<Column> columns{
        {"CLAIM", Fit::keep, 4, true}, {"VOLUME", Fit::elide, 8}, {"STATE"},
        {"DRIVE", Fit::elide, 8},      {"HOST", Fit::elide, 6},   {"SINCE"},
        {"WHAT", Fit::elide, 10}};
    std::vector<Row> rows;
    for (const json* claim : elements(claims)) {
        std::string what = text_at(*claim, {"step"});
        const std::string position = text_at(*claim, {"position"});
        if (!position.empty()) what = "number " + position + " in line";
        const std::string ending = text_at(*claim, {"ending"});
        if (!ending.empty()) what = ending;
        rows.push_back({{text_at(*claim, {"claim"})},
                        {text_at(*claim, {"volume"})},
                        {text_at(*claim, {"state"})},
                        {text_at(*claim, {"drive"})},
                        {text_at(*claim, {"host"})},
                        {aged(at(*claim, {"changed_at"}), screen)},
                        {what}});
    }
    if (rows.empty()) return "nothing is claimed\n";
    return screen_table(columns, rows, screen);
}

std::string volumes_view(const json& volumes, const Screen& screen) {
    const std::vector<Column> columns{{"VOLUME", Fit::elide, 8},
                                      {"GENERATION"},
                                      {"KIND"},
                                      {"STATE"},
                                      {"WHERE", Fit::elide, 10},
                                      {"SINCE"},
                                      {"REASON", Fit::elide, 8}};
    std::vector<Row> rows;
    for (const json* volume : elements(volumes)) {
        const std::string state = text_at(*volume, {"state"});
        rows.push_back({{text_at(*volume, {"barcode"})},
                        {text_at(*volume, {"generation"})},
                        {text_at(*volume, {"kind"})},
                        {state, tone_of_mount_state(state)},
                        {where_it_is(*volume)},
                        {aged(at(*volume, {"since"}), screen)},
                        {text_at(*volume, {"reason"})}});
    }
    if (rows.empty()) return "no volumes\n";
    return screen_table(columns, rows, screen);
}

std::string drive_table_view(const json& drives, const Screen& screen) {
    const std::vector<Column> columns{{"SERIAL", Fit::elide, 10},
                                      {"ELEMENT", Fit::keep, 4, true},
                                      {"GENERATION"},
                                      {"STATE"},
                                      {"VOLUME", Fit::elide, 8},
                                      {"NODE", Fit::elide, 4},
                                      {"SINCE"},
                                      {"MOUNTS", Fit::keep, 4, true},
                                      {"ERRORS", Fit::keep, 4, true},
                                      {"REASON", Fit::elide, 8}};
    std::vector<Row> rows;
    for (const json* drive : elements(drives)) {
        const std::string state = text_at(*drive, {"state"});
        rows.push_back({{text_at(*drive, {"serial"})},
                        {text_at(*drive, {"element_address"})},
                        {text_at(*drive, {"generation"})},
                        {state, tone_of_mount_state(state)},
                        {text_at(*drive, {"volume"})},
                        {text_at(*drive, {"node"})},
                        {aged(at(*drive, {"since"}), screen)},
                        {text_at(*drive, {"mounts"})},
                        {text_at(*drive, {"errors"})},
                        {text_at(*drive, {"reason"})}});
    }
    if (rows.empty()) return "no drives\n";
    return screen_table(columns, rows, screen);
}

}  // namespace agent::shell
