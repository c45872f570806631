// Tables of the virtual library: cartridges, places, write sessions and what a login sent.

#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "agent/shell/point_in_time.hpp"
#include "agent/shell/screen_table.hpp"
#include "agent/shell/view.hpp"
#include "agent/shell/view_parts.hpp"
#include "agent/shell/view_values.hpp"

namespace agent::shell {

using nlohmann::json;

namespace {

constexpr double bytes_in_mib = 1024.0 * 1024.0;

std::string mib_text(const json& bytes) {
    if (!bytes.is_number()) return text_of(bytes);
    std::array<char, 32> text{};
    const double mib = bytes.get<double>() / bytes_in_mib;
    std::snprintf(text.data(), text.size(), mib > 0 && mib < 10 ? "%.1f" : "%.0f", mib);
    return text.data();
}

std::string percent_text(const json& part, const json& whole) {
    if (!part.is_number() || !whole.is_number() || whole.get<double>() <= 0) return "";
    const double percent = 100.0 * part.get<double>() / whole.get<double>();
    std::array<char, 32> text{};
    // Never "100" before it is, never "0" when there is something.
    const bool nearly = percent > 99 && percent < 100;
    const bool hardly = percent > 0 && percent < 1;
    std::snprintf(text.data(), text.size(), "%.0f", nearly ? 99.0 : hardly ? 1.0 : percent);
    return text.data();
}

std::string marks_of(const json& cartridge) {
    std::string marks;
    const auto mark = [&](std::string_view key, std::string_view word) {
        if (at(cartridge, {key}) == json(true))
            marks += (marks.empty() ? "" : ",") + std::string(word);
    };
    mark("worm", "worm");
    mark("write_protected", "protected");
    mark("cleaning", "cleaning");
    return marks;
}

Tone tone_of_cartridge(std::string_view state) {
    if (state == "trouble") return Tone::bad;
    return state == "shelved" ? Tone::plain : Tone::good;
}

Tone tone_of_write(std::string_view state) {
    if (state == "active") return Tone::good;
    return state == "incomplete" ? Tone::attention : Tone::plain;
}

Tone tone_of_answer(std::string_view answer) {
    return answer == "GOOD" || answer.empty() ? Tone::plain : Tone::attention;
}

}  // namespace

std::string cartridges_view(const json& cartridges, const Screen& screen) {
    const std::vector<Column> columns{
        {"BARCODE", Fit::elide, 8},     {"PLACE", Fit::elide, 8},  {"USED MiB", Fit::keep, 4, true},
        {"OF MiB", Fit::keep, 4, true}, {"%", Fit::keep, 1, true}, {"BLOCKS", Fit::keep, 4, true},
        {"MARKS", Fit::keep, 4, true},  {"STATE", Fit::elide, 5},  {"KIND", Fit::elide, 4}};
    std::vector<Row> rows;
    std::string below;
    for (const json* cartridge : elements(cartridges)) {
        const std::string barcode = text_at(*cartridge, {"barcode"});
        const std::string state = text_at(*cartridge, {"state"});
        rows.push_back({{barcode},
                        {text_at(*cartridge, {"place"})},
                        {mib_text(at(*cartridge, {"used"}))},
                        {mib_text(at(*cartridge, {"capacity"}))},
                        {percent_text(at(*cartridge, {"used"}), at(*cartridge, {"capacity"}))},
                        {text_at(*cartridge, {"blocks"})},
                        {text_at(*cartridge, {"filemarks"})},
                        {state, tone_of_cartridge(state)},
                        {marks_of(*cartridge)}});
        for (const json* trouble : elements(at(*cartridge, {"troubles"})))
            below += paragraph(barcode + ": " + text_of(*trouble), 0, screen);
    }
    if (rows.empty()) return "no cartridges\n";
    return screen_table(columns, rows, screen) + (below.empty() ? "" : "\n" + below);
}

std::string inventory_view(const json& places, const Screen& screen) {
    // What is full comes with what is in it; empty slots are counted.
    std::vector<Row> rows;
    std::size_t empty_slots = 0;
    for (const json* place : elements(places)) {
        const std::string barcode = text_at(*place, {"barcode"});
        const bool is_drive = text_at(*place, {"type"}) == "data_transfer";
        if (barcode.empty() && !is_drive) {
            ++empty_slots;
            continue;
        }
        rows.push_back({{text_at(*place, {"place"})},
                        {text_at(*place, {"element_address"})},
                        {barcode},
                        {text_at(*place, {"source"})}});
    }
    // A drive's serial number is what people copy from here: it stays whole.
    const std::vector<Column> columns{{"PLACE", Fit::keep, 40},
                                      {"ELEMENT", Fit::keep, 4, true},
                                      {"BARCODE", Fit::elide, 8},
                                      {"CAME FROM", Fit::elide, 4}};
    std::string text = rows.empty() ? "" : screen_table(columns, rows, screen);
    return text + paragraph(std::to_string(empty_slots) + " empty slots and ports", 0, screen);
}

std::string write_sessions_view(const json& sessions, const Screen& screen) {
    const std::vector<Column> columns{
        {"ID", Fit::keep, 2, true},   {"STATE", Fit::keep, 10},     {"VOLUME", Fit::elide, 8},
        {"DRIVE", Fit::elide, 6},     {"HOST", Fit::elide, 8},      {"OBJECTS", Fit::keep, 4, true},
        {"SIZE", Fit::keep, 8, true}, {"SAFE", Fit::keep, 5, true}, {"SINCE", Fit::keep, 5}};
    std::vector<Row> rows;
    std::string below;
    for (const json* session : elements(sessions)) {
        const std::string state = text_at(*session, {"state"});
        const std::string identifier = text_at(*session, {"id"});
        const std::string durable =
            percent_text(at(*session, {"durable_objects"}), at(*session, {"objects"}));
        rows.push_back({{identifier},
                        {state, tone_of_write(state)},
                        {text_at(*session, {"volume"})},
                        {text_at(*session, {"drive"})},
                        {text_at(*session, {"host"})},
                        {text_at(*session, {"objects"})},
                        {size_text(at(*session, {"bytes"}))},
                        {durable.empty() ? "" : durable + " %"},
                        {aged(at(*session, {"started"}), screen)}});
        const std::string reason = text_at(*session, {"reason"});
        if (!reason.empty()) {
            below += paragraph(std::string(identifier).append(": ").append(reason), 0, screen);
        }
    }
    if (rows.empty()) return "no write sessions\n";
    return screen_table(columns, rows, screen) + (below.empty() ? "" : "\n" + below);
}

std::string rendered_write_session(const json& session, const Screen& screen) {
    const std::string state = text_at(session, {"state"});
    std::string line =
        short_local_time(screen.now, screen.now) + "  session " + text_at(session, {"id"}) + "  " +
        painted(state, tone_of_write(state), screen) + "  " + text_at(session, {"volume"}) + "  " +
        text_at(session, {"objects"}) + " objects, " + size_text(at(session, {"bytes"})) + "  " +
        text_at(session, {"host"});
    const std::string reason = text_at(session, {"reason"});
    return line + (reason.empty() ? "" : ": " + reason) + "\n";
}

std::string records_view(const json& records, const Screen& screen) {
    const std::vector<Column> columns{{"NUMBER", Fit::keep, 4, true},
                                      {"KIND"},
                                      {"LENGTH", Fit::keep, 4, true},
                                      {"CRC32C"},
                                      {"DURABLE"},
                                      {"AT BYTE OF EACH FILE"}};
    std::vector<Row> rows;
    for (const json* record : elements(records)) {
        const bool durable = at(*record, {"durable"}) == json(true);
        const bool is_block = text_at(*record, {"kind"}) == "block";
        std::array<char, 16> sum{};
        const json& crc = at(*record, {"crc32c"});
        if (is_block && crc.is_number_unsigned())
            std::snprintf(sum.data(), sum.size(), "%08x", crc.get<std::uint32_t>());
        rows.push_back({{text_at(*record, {"number"})},
                        {text_at(*record, {"kind"})},
                        {is_block ? text_at(*record, {"length"}) : ""},
                        {sum.data()},
                        {durable ? "yes" : "no", durable ? Tone::plain : Tone::attention},
                        {text_at(*record, {"offsets"})}});
    }
    return rows.empty() ? "no records\n" : screen_table(columns, rows, screen);
}

std::string trace_view(const json& commands, const Screen& screen) {
    const std::vector<Column> columns{{"AT"},
                                      {"COMMAND", Fit::elide, 12},
                                      {"OUT", Fit::keep, 1, true},
                                      {"IN", Fit::keep, 1, true},
                                      {"TOOK us", Fit::keep, 1, true},
                                      {"ANSWER", Fit::wrap, 20},
                                      {"CDB", Fit::elide, 12}};
    std::vector<Row> rows;
    for (const json* command : elements(commands)) {
        const json& when = at(*command, {"at_ms"});
        std::string answer = text_at(*command, {"sense"});
        if (answer.empty() && at(*command, {"status"}).is_number_integer()) {
            const auto status = at(*command, {"status"}).get<std::int64_t>();
            std::array<char, 24> text{};
            std::snprintf(text.data(), text.size(), "status %02xh", static_cast<unsigned>(status));
            answer = status == 0 ? "GOOD" : text_at(*command, {"status_text"});
            if (answer.empty()) answer = text.data();
        }
        if (answer.empty()) answer = text_at(*command, {"state"});
        rows.push_back(
            {{when.is_number_integer() ? short_local_time({when.get<std::int64_t>()}, screen.now)
                                       : text_of(when)},
             {text_at(*command, {"command"})},
             {text_at(*command, {"data_out"})},
             {text_at(*command, {"data_in"})},
             {text_at(*command, {"took_us"})},
             {answer, tone_of_answer(answer)},
             {text_at(*command, {"cdb"})}});
    }
    return rows.empty() ? "no commands yet\n" : screen_table(columns, rows, screen);
}

std::string data_set_view(const json& data_set, const Screen& screen) {
    const json& header = at(data_set, {"header"});
    std::string text =
        paragraph(text_at(header, {"type"}) + " of library " + text_at(header, {"library"}) +
                      ", generation " + text_at(header, {"generation"}) + ", made " +
                      text_at(header, {"time"}) + ": " +
                      std::to_string(elements(at(data_set, {"records"})).size()) +
                      " records, SHA-256 as the header says",
                  0, screen);
    return text + "\n" + facts_view(at(data_set, {"records"}), screen);
}

}  // namespace agent::shell
