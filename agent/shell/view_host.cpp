// `lractl host show`, for people.

#include <nlohmann/json.hpp>

#include "agent/shell/screen_table.hpp"
#include "agent/shell/view_parts.hpp"
#include "agent/shell/view_values.hpp"

namespace agent::shell {

using nlohmann::json;

namespace {

// "by hand, root (uid 0)"; nothing for what nobody has said.
std::string source_words(const std::string& source, const std::string& actor) {
    if (source != "by_hand") return source;
    return actor.empty() ? "by hand" : "by hand, " + actor;
}

std::string ports_of_host(const json& ports, const Screen& screen) {
    std::vector<Row> rows;
    for (const json* port : elements(ports)) {
        const bool own = at(*port, {"own"}) != json(false);
        rows.push_back({{text_at(*port, {"port"}), own ? Tone::strong : Tone::plain},
                        {own ? "yes" : "no", own ? Tone::plain : Tone::attention},
                        {source_words(text_at(*port, {"source"}), text_at(*port, {"by"}))},
                        {dated(at(*port, {"since"}), screen)},
                        {text_at(*port, {"found_at"})}});
    }
    if (rows.empty()) return "no ports\n";
    const std::vector<Column> columns{{"PORT", Fit::elide, 12},
                                      {"OWN"},
                                      {"KNOWN BY", Fit::wrap, 10},
                                      {"SINCE", Fit::wrap, 10},
                                      {"FOUND AT", Fit::elide, 8}};
    return screen_table(columns, rows, screen);
}

std::string with_source(const json& drive, const char* what, const char* from) {
    const std::string value = text_at(drive, {what});
    const std::string source = source_words(text_at(drive, {from}), "");
    return value.empty() || source.empty() ? value : value + " (" + source + ")";
}

std::string nodes_of_drive(const json& drive) {
    const std::string tape = text_at(drive, {"tape_nodes"});
    const std::string generic = text_at(drive, {"generic_nodes"});
    return tape.empty() || generic.empty() ? tape + generic : tape + ", " + generic;
}

std::string drives_of_host(const json& drives, const Screen& screen) {
    std::vector<Row> rows;
    for (const json* drive : elements(drives)) {
        const bool used = at(*drive, {"used"}) != json(false);
        const std::string source = text_at(*drive, {"source"});
        rows.push_back({{text_at(*drive, {"serial"}), used ? Tone::strong : Tone::plain},
                        {used ? source_words(source, text_at(*drive, {"by"})) : "not used",
                         used ? Tone::plain : Tone::attention},
                        {with_source(*drive, "application_name", "name_from")},
                        {with_source(*drive, "device", "device_from")},
                        {nodes_of_drive(*drive)},
                        {text_at(*drive, {"vendor"}) + " " + text_at(*drive, {"product"})}});
    }
    if (rows.empty()) return "no tape drives\n";
    const std::vector<Column> columns{{"DRIVE", Fit::elide, 8},      {"KNOWN BY", Fit::wrap, 10},
                                      {"APPLICATION", Fit::wrap, 8}, {"NODE", Fit::wrap, 9},
                                      {"LINUX SEES", Fit::wrap, 10}, {"PRODUCT", Fit::elide, 8}};
    return screen_table(columns, rows, screen);
}

}  // namespace

std::string host_view(const json& host, const Screen& screen) {
    if (!host.is_object()) return facts_view(host, screen);
    std::string text = ports_of_host(at(host, {"ports"}), screen) + "\n" +
                       drives_of_host(at(host, {"drives"}), screen);
    for (const json* trouble : elements(at(host, {"troubles"})))
        text += "\n" + text_of(*trouble) + "\n";
    return text;
}

}  // namespace agent::shell
