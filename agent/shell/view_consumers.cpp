// lractl notice consumers.

#include <nlohmann/json.hpp>

#include "agent/shell/screen_table.hpp"
#include "agent/shell/view_parts.hpp"
#include "agent/shell/view_values.hpp"

namespace agent::shell {

using nlohmann::json;

std::string consumers_view(const json& consumers, const Screen& screen) {
    const std::vector<Column> columns{{"CONSUMER", Fit::elide, 14},
                                      {"BY"},
                                      {"QUEUED", Fit::keep, 4, true},
                                      {"DELIVERED", Fit::keep, 4, true},
                                      {"LOST", Fit::keep, 4, true},
                                      {"RESENT", Fit::keep, 4, true},
                                      {"LAST", Fit::keep}};
    std::vector<Row> rows;
    std::string troubles;
    for (const json* consumer : elements(consumers)) {
        const std::string address = text_at(*consumer, {"address"});
        const bool lost = at(*consumer, {"lost"}) != json(0);
        rows.push_back(
            {{address},
             {"v" + text_at(*consumer, {"version"}) + " " + text_at(*consumer, {"delivery"})},
             {text_at(*consumer, {"queued"})},
             {text_at(*consumer, {"delivered"})},
             {text_at(*consumer, {"lost"}), lost ? Tone::bad : Tone::plain},
             {text_at(*consumer, {"resent"})},
             {aged(at(*consumer, {"last_delivered"}), screen)}});
        const std::string trouble = text_at(*consumer, {"trouble"});
        if (!trouble.empty()) {
            const std::string said = std::string(address).append(": ").append(trouble);
            troubles += "\n" + paragraph(said, 0, screen);
        }
    }
    if (rows.empty()) return "no consumers: snmp.consumers of lrad.json is empty\n";
    return screen_table(columns, rows, screen) + troubles;
}

}  // namespace agent::shell
