#include <nlohmann/json.hpp>

#include "agent/shell/screen_table.hpp"
#include "agent/shell/view_parts.hpp"
#include "agent/shell/view_values.hpp"

namespace agent::shell {

using nlohmann::json;

namespace {

std::string cause_text(const json& snapshot) {
    const std::string completed = text_at(snapshot, {"completed"});
    if (!completed.empty()) return "completion of " + completed;
    const std::string by = text_at(snapshot, {"by"});
    return by.empty() ? text_at(snapshot, {"cause"}) : "asked for by " + by;
}

std::string sessions_table(const json& sessions, const Screen& screen) {
    const std::vector<Column> columns{{"SESSION", Fit::keep, 4, true},
                                      {"VOLUME", Fit::elide, 8},
                                      {"DRIVE", Fit::elide, 10},
                                      {"HOST", Fit::elide, 12},
                                      {"STATE"},
                                      {"RECORDS", Fit::keep, 4, true},
                                      {"DATA", Fit::keep, 6, true},
                                      {"BEGUN"}};
    std::vector<Row> rows;
    for (const json* session : elements(sessions)) {
        rows.push_back({{text_at(*session, {"id"}), Tone::strong},
                        {text_at(*session, {"volume"})},
                        {text_at(*session, {"drive"})},
                        {text_at(*session, {"host"})},
                        {text_at(*session, {"state"})},
                        {text_at(*session, {"objects"})},
                        {size_text(at(*session, {"bytes"}))},
                        {dated(at(*session, {"started"}), screen)}});
    }
    return screen_table(columns, rows, screen);
}

// For a narrow column.
std::string short_cause_text(const json& snapshot) {
    const std::string completed = text_at(snapshot, {"completed"});
    if (!completed.empty()) return "session " + completed;
    const std::string by = text_at(snapshot, {"by"});
    return by.empty() ? text_at(snapshot, {"cause"}) : "by " + by;
}

std::string counted(const json& count, std::string_view one, std::string_view more) {
    const std::string number = text_of(count);
    return number + " " + std::string(number == "1" ? one : more);
}

std::string left_out_line(const json& result, const Screen& screen) {
    const json& left_out = at(result, {"left_out"});
    if (!left_out.is_number() || left_out == 0) return {};
    return "\n" + paragraph(text_of(left_out) + " more; --limit N shows more of them", 0, screen);
}

}  // namespace

std::string snapshots_view(const json& snapshots, const Screen& screen) {
    const std::vector<Column> columns{
        {"NO", Fit::keep, 3, true},   {"TAKEN"},
        {"CAUSE", Fit::elide, 8},     {"SESSIONS", Fit::keep, 4, true},
        {"DATA", Fit::keep, 6, true}, {"MOUNTED", Fit::elide, 8},
        {"WHY", Fit::wrap, 10}};
    std::vector<Row> rows;
    for (const json* snapshot : elements(snapshots)) {
        const std::string taken = dated(at(*snapshot, {"taken"}), screen);
        const std::string reason = text_at(*snapshot, {"reason"});
        const bool kept = at(*snapshot, {"kept"}) == json(true);
        rows.push_back({{text_at(*snapshot, {"number"}), Tone::strong},
                        {taken.substr(0, taken.find(" ("))},
                        {short_cause_text(*snapshot)},
                        {text_at(*snapshot, {"sessions"})},
                        {size_text(at(*snapshot, {"bytes"}))},
                        {text_at(*snapshot, {"volumes"})},
                        {kept ? "kept: " + text_at(*snapshot, {"kept_reason"}) : reason}});
    }
    return rows.empty() ? "no snapshots\n" : screen_table(columns, rows, screen);
}

std::string snapshot_view(const json& snapshot, const Screen& screen) {
    if (!snapshot.is_object()) return facts_view(snapshot, screen);
    const std::string reason = text_at(snapshot, {"reason"});
    std::string text = "snapshot " + text_at(snapshot, {"number"}) + ", " +
                       dated(at(snapshot, {"taken"}), screen) + ", " + cause_text(snapshot) +
                       (reason.empty() ? "" : ": " + reason);
    text = paragraph(text, 0, screen);
    if (at(snapshot, {"kept"}) == json(true)) {
        text += paragraph(
            "kept by " + text_at(snapshot, {"kept_by"}) + ": " + text_at(snapshot, {"kept_reason"}),
            0, screen);
    }
    const std::string volumes = text_at(snapshot, {"volumes"});
    if (!volumes.empty()) text += paragraph("mounted as " + volumes, 0, screen);
    text +=
        paragraph(counted(at(snapshot, {"sessions"}).is_array() ? at(snapshot, {"session_count"})
                                                                : at(snapshot, {"sessions"}),
                          "session, ", "sessions, ") +
                      text_at(snapshot, {"active"}) + " of them active, " +
                      counted(at(snapshot, {"objects"}), "record, ", "records, ") +
                      size_text(at(snapshot, {"bytes"})),
                  0, screen);
    if (!elements(at(snapshot, {"sessions"})).empty())
        text += "\n" + sessions_table(at(snapshot, {"sessions"}), screen);
    return text + left_out_line(snapshot, screen);
}

std::string snapshot_difference_view(const json& difference, const Screen& screen) {
    const auto named = [&](std::string_view side) {
        return text_at(difference, {side, "number"}) + " (" +
               dated(at(difference, {side, "taken"}), screen) + ")";
    };
    std::string text =
        paragraph("from snapshot " + named("from") + " to snapshot " + named("to"), 0, screen);
    const std::vector<Column> columns{{"SESSION", Fit::keep, 4, true},
                                      {"VOLUME", Fit::elide, 8},
                                      {"HOST", Fit::elide, 12},
                                      {"WHAT HAPPENED", Fit::wrap, 24}};
    std::vector<Row> rows;
    for (const json* session : elements(at(difference, {"sessions"}))) {
        rows.push_back({{text_at(*session, {"id"}), Tone::strong},
                        {text_at(*session, {"volume"})},
                        {text_at(*session, {"host"})},
                        {text_at(*session, {"what"})}});
    }
    if (rows.empty()) return text + "nothing happened\n";
    return text + "\n" + screen_table(columns, rows, screen) + left_out_line(difference, screen);
}

std::string snapshot_jobs_view(const json& jobs, const Screen& screen) {
    const std::vector<Column> columns{{"SNAPSHOT", Fit::keep, 4, true},
                                      {"SESSION", Fit::keep, 4, true},
                                      {"DONE", Fit::keep, 6, true},
                                      {"OF", Fit::keep, 6, true},
                                      {"TO", Fit::elide, 12}};
    std::vector<Row> rows;
    for (const json* job : elements(jobs)) {
        const std::string session = text_at(*job, {"session"});
        rows.push_back({{text_at(*job, {"number"})},
                        {session.empty() ? "all" : session},
                        {size_text(at(*job, {"bytes_done"}))},
                        {size_text(at(*job, {"bytes_total"}))},
                        {text_at(*job, {"to"})}});
    }
    return rows.empty() ? "no export is under way\n" : screen_table(columns, rows, screen);
}

}  // namespace agent::shell
