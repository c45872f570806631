#include <algorithm>
#include <nlohmann/json.hpp>

#include "agent/shell/point_in_time.hpp"
#include "agent/shell/screen_table.hpp"
#include "agent/shell/view_parts.hpp"
#include "agent/shell/view_values.hpp"

namespace agent::shell {

using nlohmann::json;

namespace {

Row timeline_row(const json& entry, const Screen& screen) {
    const auto time = time_of(at(entry, {"at"}));
    const std::string severity = text_at(entry, {"severity"});
    return {{time ? short_local_time(*time, screen.now) : text_at(entry, {"at"}), Tone::faint},
            {time ? age(*time, screen.now) : "", Tone::faint},
            {text_at(entry, {"what"}), tone_of_severity(severity)},
            {text_at(entry, {"message"}), Tone::faint}};
}

}  // namespace

std::string timeline_view(const json& why, const Screen& screen) {
    if (!why.is_object()) return facts_view(why, screen);
    const auto heading = [&](std::string_view text) {
        return "\n" + painted(text, Tone::strong, screen) + "\n";
    };
    std::string text =
        paragraph(text_at(why, {"serial"}) + ": " + text_at(why, {"summary"}), 0, screen);

    std::vector<Row> rows;
    for (const json* entry : elements(at(why, {"timeline"})))
        rows.push_back(timeline_row(*entry, screen));
    text += heading("What happened");
    if (rows.empty()) {
        text += "nothing is recorded about this drive\n";
    } else {
        const std::vector<Column> columns{{"WHEN"},
                                          {"AGO", Fit::keep, 4, true},
                                          {"WHAT", Fit::wrap, 30},
                                          {"MESSAGE", Fit::wrap, 7}};
        text += screen_table(columns, rows, screen);
    }
    if (at(why, {"now"}).is_object()) text += heading("Now") + drive_view(at(why, {"now"}), screen);
    const std::string next = text_at(why, {"next_step"});
    if (!next.empty()) text += heading("Next step") + paragraph(next, 0, screen);
    return text;
}

}  // namespace agent::shell
