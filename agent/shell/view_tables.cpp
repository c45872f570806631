#include <algorithm>
#include <nlohmann/json.hpp>

#include "agent/shell/point_in_time.hpp"
#include "agent/shell/screen_table.hpp"
#include "agent/shell/view.hpp"
#include "agent/shell/view_parts.hpp"
#include "agent/shell/view_values.hpp"

namespace agent::shell {

using nlohmann::json;

std::string drives_view(const json& drives, const Screen& screen) {
    const std::vector<Column> columns{
        {"SERIAL", Fit::elide, 10}, {"ELEMENT", Fit::keep, 4, true}, {"STATE"}, {"RESERVED"},
        {"HOLDER", Fit::elide, 8},  {"EVIDENCE", Fit::elide, 8},     {"SINCE"}};
    std::vector<Row> rows;
    std::string not_shared;
    for (const json* drive : elements(drives)) {
        const json& reservation = at(*drive, {"reservation"});
        const std::string state = text_at(*drive, {"operational_state"});
        rows.push_back({{text_at(*drive, {"serial"})},
                        {text_at(*drive, {"element_address"})},
                        {state, tone_of_state(state)},
                        {reservation_text(reservation)},
                        {short_holders_text(reservation)},
                        {text_at(reservation, {"evidence"})},
                        {aged(at(reservation, {"since"}), screen)}});
        if (at(*drive, {"shared"}) == json(false)) {
            not_shared += (not_shared.empty() ? "" : ", ") + text_at(*drive, {"serial"});
        }
    }
    if (rows.empty()) return "no drives\n";
    std::string text = screen_table(columns, rows, screen);
    if (!not_shared.empty()) text += "\n" + paragraph("not shared: " + not_shared, 0, screen);
    return text;
}

std::string agents_view(const json& agents, const Screen& screen) {
    const std::vector<Column> columns{
        {"NAME", Fit::elide, 8},     {"STATE"},     {"DOMAIN", Fit::elide, 6},
        {"ADDRESS", Fit::elide, 12}, {"LAST SEEN"}, {"MISSED", Fit::keep, 4, true}};
    std::vector<Row> rows;
    std::string troubles;
    for (const json* agent : elements(agents)) {
        const std::string state = text_at(*agent, {"state"});
        const bool starting = at(*agent, {"starting"}) == json(true);
        rows.push_back({{text_at(*agent, {"name"})},
                        {starting ? (state == "started" ? "returning" : "starting") : state,
                         tone_of_state(starting ? "" : state)},
                        {text_at(*agent, {"domain"})},
                        {text_at(*agent, {"address"})},
                        {aged(at(*agent, {"last_seen"}), screen)},
                        {text_at(*agent, {"missed"})}});
        const std::string trouble = text_at(*agent, {"trouble"});
        if (at(*agent, {"reached"}) == json(false) && !trouble.empty()) {
            troubles += "\n" + paragraph(text_at(*agent, {"name"}) + " is not reached: " + trouble,
                                         0, screen);
        }
    }
    return rows.empty() ? "no agents\n" : screen_table(columns, rows, screen) + troubles;
}

std::string host_ledgers_view(const json& ledgers, const Screen& screen) {
    const std::vector<Column> columns{{"AGENT", Fit::elide, 8},
                                      {"SERIAL", Fit::elide, 10},
                                      {"NAME", Fit::elide, 8},
                                      {"THERE"},
                                      {"SINCE"},
                                      {"PLAYED"},
                                      {"REASON", Fit::elide, 8}};
    std::vector<Row> rows;
    bool left_over = false;
    for (const json* row : elements(ledgers)) {
        const bool offline = at(*row, {"offline"}) == json(true);
        const bool played = at(*row, {"played"}) == json(true);
        left_over = left_over || !played;
        rows.push_back({{text_at(*row, {"agent"})},
                        {text_at(*row, {"serial"})},
                        {text_at(*row, {"application_name"})},
                        {offline ? "offline" : "online may come"},
                        {offline ? aged(at(*row, {"since"}), screen) : "-"},
                        {played ? "yes" : "no"},
                        {text_at(*row, {"reason"})}});
    }
    if (rows.empty()) return "nothing is offline on hosts without an agent\n";
    std::string text = screen_table(columns, rows, screen);
    if (left_over) {
        text += "\n" + paragraph(
                           "Not played: nobody brings the drive back online there. Do it by "
                           "hand, then `agent forget NAME --reason TEXT`.",
                           0, screen);
    }
    return text;
}

std::string handshakes_view(const json& handshakes, const Screen& screen) {
    const std::vector<Column> columns{
        {"DRIVE", Fit::elide, 10},       {"WAITS FOR", Fit::elide, 8}, {"NOTICE", Fit::elide, 6},
        {"WAITING", Fit::keep, 4, true}, {"SENT", Fit::keep, 4, true}, {"RECEIVED"},
        {"LAST ANSWER", Fit::elide, 8}};
    std::vector<Row> rows;
    for (const json* handshake : elements(handshakes)) {
        const json& waiting = at(*handshake, {"waiting_ms"});
        rows.push_back({{text_at(*handshake, {"drive"})},
                        {text_at(*handshake, {"agent"})},
                        {notice_text(at(*handshake, {"newest"}))},
                        {waiting.is_number_integer() ? length_of_time({waiting.get<std::int64_t>()})
                                                     : text_of(waiting)},
                        {text_at(*handshake, {"attempts"})},
                        {text_at(*handshake, {"received"})},
                        {text_at(*handshake, {"last_answer"})}});
    }
    if (rows.empty()) return "no open handshakes: every notice is confirmed\n";
    return screen_table(columns, rows, screen);
}

namespace {

int gravity(const json& alarm) {
    const std::string severity = text_at(alarm, {"severity"});
    if (severity == "critical") return 0;
    if (severity == "major") return 1;
    return severity == "warning" ? 2 : 3;
}

}  // namespace

std::string alarms_view(const json& alarms, const Screen& screen) {
    auto list = elements(alarms);
    std::ranges::stable_sort(list, {}, [](const json* alarm) { return gravity(*alarm); });
    std::vector<Row> rows;
    for (const json* alarm : list) {
        const std::string severity = text_at(*alarm, {"severity"});
        rows.push_back({{severity, tone_of_severity(severity)},
                        {aged(at(*alarm, {"raised_at"}), screen)},
                        {text_at(*alarm, {"drive"})},
                        {text_at(*alarm, {"agent"})},
                        {text_at(*alarm, {"text"})}});
    }
    if (rows.empty()) return "no active alarms\n";
    const std::vector<Column> columns{{"SEVERITY"},
                                      {"SINCE"},
                                      {"DRIVE", Fit::elide, 8},
                                      {"AGENT", Fit::elide, 6},
                                      {"WHAT", Fit::wrap, 30}};
    return screen_table(columns, rows, screen);
}

std::string sessions_view(const json& sessions, const Screen& screen) {
    const std::vector<Column> columns{{"ID", Fit::keep, 4, true},
                                      {"DRIVE", Fit::elide, 10},
                                      {"HOST PORT", Fit::elide, 12},
                                      {"COMMANDS", Fit::keep, 4, true}};
    std::vector<Row> rows;
    for (const json* session : elements(sessions)) {
        const std::string drive = text_at(*session, {"serial"});
        rows.push_back({{text_at(*session, {"id"})},
                        {drive.empty() ? text_at(*session, {"type"}) : drive},
                        {holder_text(at(*session, {"port"}))},
                        {text_at(*session, {"commands"})}});
    }
    return rows.empty() ? "nobody is logged in\n" : screen_table(columns, rows, screen);
}

std::string applications_view(const json& drives, const Screen& screen) {
    const std::vector<Column> columns{{"SERIAL", Fit::elide, 10},
                                      {"NAME THERE", Fit::elide, 8},
                                      {"STATE"},
                                      {"LAST RESULT", Fit::elide, 8},
                                      {"TAKEN OFFLINE BY US", Fit::wrap, 16}};
    std::vector<Row> rows;
    for (const json* drive : elements(drives)) {
        const std::string state = text_at(*drive, {"application_state"});
        const json& ledger = at(*drive, {"ledger"});
        std::string ours;
        if (ledger.is_object()) {
            ours = aged(at(ledger, {"at"}), screen) + " ago: " + text_at(ledger, {"reason"});
        }
        rows.push_back({{text_at(*drive, {"serial"})},
                        {text_at(*drive, {"application_name"})},
                        {state, tone_of_state(state)},
                        {text_at(*drive, {"result"})},
                        {ours}});
    }
    return rows.empty() ? "no drives\n" : screen_table(columns, rows, screen);
}

namespace {

constexpr std::size_t event_time_columns = 14;
constexpr std::size_t event_severity_columns = 8;
constexpr std::size_t event_message_columns = 7;

std::string padded(std::string_view whole, std::size_t columns) {
    std::string text = elided(whole, columns);
    text.append(columns - std::min(columns, columns_of(text)), ' ');
    return text + "  ";
}

// The text of most events names its drive already.
std::string event_text(const json& event) {
    std::string text = text_at(event, {"text"});
    for (const std::string_view key : {"agent", "drive"}) {
        const std::string subject = text_at(event, {key});
        if (!subject.empty() && text.find(subject) == std::string::npos) {
            text.insert(0, ": ").insert(0, subject);
        }
    }
    return text;
}

}  // namespace

std::string rendered_event(const json& event, const Screen& screen) {
    const auto time = time_of(at(event, {"at"}));
    const std::string severity = text_at(event, {"severity"});
    const std::string when = time ? short_local_time(*time, screen.now) : text_at(event, {"at"});
    std::string line = padded(when, event_time_columns);
    const std::size_t indent =
        columns_of(line) + event_severity_columns + 2 + event_message_columns + 2;
    line += painted(padded(severity, event_severity_columns), tone_of_severity(severity), screen);
    line += padded(text_at(event, {"message"}), event_message_columns);
    const std::size_t left = screen.columns > indent + 10 ? screen.columns - indent : 10;
    const auto lines = wrapped(event_text(event), left);
    for (std::size_t i = 0; i < lines.size(); ++i) {
        line += (i == 0 ? "" : std::string(indent, ' ')) + lines[i] + "\n";
    }
    return line;
}

std::string events_view(const json& events, const Screen& screen) {
    const auto list = elements(events);
    if (list.empty()) return "no events\n";
    std::string text = padded("WHEN", event_time_columns) +
                       padded("SEVERITY", event_severity_columns) +
                       padded("MESSAGE", event_message_columns) + "WHAT";
    text = painted(text, Tone::strong, screen) + "\n";
    for (const json* event : list)
        text += rendered_event(*event, screen);
    return text;
}

}  // namespace agent::shell
