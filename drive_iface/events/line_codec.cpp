// JSON lines <-> values. The JSON library is seen here only.

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>

#include "drive_iface/events/drive_event.hpp"

namespace drive_iface::events {

using namespace agent::core;
using nlohmann::json;
using Change = DriveEvent::Change;

namespace {

constexpr std::size_t drives_max =
    256;  // with holders_max: the longest line still fits line_size_max
constexpr std::size_t holders_max = 128;
constexpr std::size_t forced_drives_max = 64;        // and so does the longest hello with
constexpr std::size_t forced_reason_size_max = 100;  // such reasons
constexpr std::size_t serial_size_max = 64;
constexpr std::size_t words_size_max = 1024;                // reasons and errors as written
constexpr std::size_t words_read_max = 3 * words_size_max;  // U+FFFD may have replaced single bytes
constexpr std::size_t iscsi_name_size_max = 223;            // RFC 7143 4.2.7.1
constexpr std::size_t address_size_max = 64;

constexpr std::array changes{Change::reserved, Change::released,      Change::preempted,
                             Change::reset,    Change::registrations, Change::state,
                             Change::lost};

// Thrown and caught in this file only: what is wrong with a line.
struct Wrong {
    std::string what;
};

[[noreturn]] void wrong(const std::string& what) {
    throw Wrong{what};
}

const json* member(const json& object, const char* name) {
    const auto found = object.find(name);
    return found == object.end() || found->is_null() ? nullptr : &*found;
}

const json& needed(const json& object, const char* name) {
    const json* found = member(object, name);
    if (found == nullptr) wrong(std::string(name) + " is missing");
    return *found;
}

std::string text(const json& value, const char* name, std::size_t size_min, std::size_t size_max) {
    if (!value.is_string()) wrong(std::string(name) + " is not a string");
    auto content = value.get<std::string>();
    if (content.size() < size_min || content.size() > size_max) {
        wrong(std::string(name) + " has " + std::to_string(content.size()) +
              " bytes, allowed are " + std::to_string(size_min) + " to " +
              std::to_string(size_max));
    }
    return content;
}

std::uint64_t number(const json& value, const char* name) {
    // A negative or fractional number is not unsigned to the JSON library.
    if (!value.is_number_unsigned())
        wrong(std::string(name) + " is not a whole number from 0 to 2^64-1");
    return value.get<std::uint64_t>();
}

bool is_hex(std::string_view digits, std::size_t size) {
    return digits.size() == size && std::all_of(digits.begin(), digits.end(), [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
           });
}

std::string lower(std::string value) {
    for (char& c : value) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return value;
}

bool is_printable(std::string_view value) {
    return std::all_of(value.begin(), value.end(),
                       [](char c) { return c > 0x20 && c < 0x7f && c != '"' && c != '\\'; });
}

DriveSerial serial(const json& value, const char* name) {
    auto content = text(value, name, 1, serial_size_max);
    if (!std::all_of(content.begin(), content.end(),
                     [](char c) { return c >= 0x20 && c < 0x7f; }) ||
        content.front() == ' ' || content.back() == ' ') {
        wrong(std::string(name) + " is not printable ASCII without blanks at its ends");
    }
    return {std::move(content)};
}

void check_port_name(const InitiatorPort& port) {
    switch (port.transport) {
        case Transport::fc:
        case Transport::sas:
            if (!is_hex(port.name, 16)) wrong("port.name is not 16 hex digits");
            break;
        case Transport::srp:
            if (!is_hex(port.name, 32)) wrong("port.name is not 32 hex digits");
            break;
        case Transport::iscsi:
            if (port.name.empty() || port.name.size() > iscsi_name_size_max ||
                !is_printable(port.name)) {
                wrong("port.name is not an iSCSI name");
            }
            break;
        case Transport::unknown:
            wrong("port.transport is not one of fc, iscsi, sas, srp");
    }
}

InitiatorPort port(const json& value) {
    if (!value.is_object()) wrong("port is not an object");
    InitiatorPort result;
    const auto transport =
        transport_from_text(text(needed(value, "transport"), "port.transport", 0, 16));
    result.transport = transport.value_or(Transport::unknown);
    result.name = lower(text(needed(value, "name"), "port.name", 0, iscsi_name_size_max));
    if (result.transport == Transport::fc || result.transport == Transport::sas) {
        std::erase(result.name, ':');
    }
    check_port_name(result);
    if (const auto* isid = member(value, "isid")) {
        result.isid = lower(text(*isid, "port.isid", 0, 12));
        if (!result.isid.empty() && !is_hex(result.isid, 12))
            wrong("port.isid is not 12 hex digits");
        if (!result.isid.empty() && result.transport != Transport::iscsi)
            wrong("port.isid without iscsi");
    }
    if (const auto* address = member(value, "address")) {
        result.address = text(*address, "port.address", 0, address_size_max);
        if (!is_printable(result.address)) wrong("port.address is not an IP address");
    }
    return result;
}

Change change(const json& value) {
    const auto name = text(value, "change", 0, 32);
    for (const auto candidate : changes) {
        if (name == to_text(candidate)) return candidate;
    }
    wrong("change is not one of reserved, released, preempted, reset, registrations, state, lost");
}

ReservationKind kind(const json& value) {
    const auto name = text(value, "kind", 0, 32);
    if (name == "none") return ReservationKind::none;
    if (name == "reserve6") return ReservationKind::reserve6;
    if (name == "reserve10") return ReservationKind::reserve10;
    if (name == "pr") return ReservationKind::persistent;
    wrong("kind is not one of reserve6, reserve10, pr, none");
}

PersistentReservation persistent(const json& value) {
    if (!value.is_object()) wrong("pr is not an object");
    const auto type = number(needed(value, "type"), "pr.type");
    if (type < 1 || type > 15)
        wrong("pr.type is not from 1 to 15");  // a 4-bit code, SPC-4 6.15.3.4
    const auto key = lower(text(needed(value, "key"), "pr.key", 0, 16));
    if (!is_hex(key, 16)) wrong("pr.key is not 16 hex digits");
    PersistentReservation result{static_cast<std::uint8_t>(type), 0};
    std::from_chars(key.data(), key.data() + key.size(), result.key, 16);
    return result;
}

// "2026-01-31T12:00:00.123Z", RFC 3339 5.6. Only the shape: the text is shown, never computed with.
std::string time(const json& value) {
    auto content = text(value, "at", 0, 40);
    constexpr std::string_view shape = "dddd-dd-ddTdd:dd:dd";
    const auto fits = [](char c, char s) { return s == 'd' ? c >= '0' && c <= '9' : c == s; };
    const bool good =
        content.empty() ||
        (content.size() > shape.size() &&
         std::equal(shape.begin(), shape.end(), content.begin(),
                    [&](char s, char c) { return fits(c, s); }) &&
         content.find_first_not_of("0123456789.:+-Z", shape.size()) == std::string::npos);
    if (!good) wrong("at is not a time as in RFC 3339");
    return content;
}

void check_kind_fits(const DriveEvent& event) {
    const bool is_persistent = event.kind == ReservationKind::persistent;
    if (is_persistent && !event.persistent) wrong("pr is missing");
    if (!is_persistent && event.persistent) wrong("pr without kind pr");
    const bool takes = event.change == Change::reserved || event.change == Change::preempted;
    if (takes && event.kind == ReservationKind::none) wrong("kind is missing");
}

DriveEvent event(const json& line) {
    DriveEvent result;
    const auto name = text(needed(line, "event"), "event", 0, 32);
    if (name != "reservation") wrong("event is not \"reservation\"");
    result.seq = number(needed(line, "seq"), "seq");
    result.drive = serial(needed(line, "drive"), "drive");
    result.change = change(needed(line, "change"));
    if (const auto* value = member(line, "kind")) result.kind = kind(*value);
    if (const auto* value = member(line, "pr")) result.persistent = persistent(*value);
    if (const auto* value = member(line, "port")) result.port = port(*value);
    if (const auto* value = member(line, "holders")) {
        if (!value->is_array()) wrong("holders is not an array");
        if (value->size() > holders_max) wrong("holders has more than 128 entries");
        auto& holders = result.holders.emplace();
        for (const auto& entry : *value)
            holders.push_back(port(entry));
    }
    if (const auto* value = member(line, "at")) result.at = time(*value);
    check_kind_fits(result);
    return result;
}

DriveHello hello(const json& line) {
    const auto& value = line.at("hello");
    if (!value.is_array()) wrong("hello is not an array of serial numbers");
    if (value.size() > drives_max) wrong("hello names more than 256 drives");
    DriveHello result;
    for (const auto& entry : value)
        result.drives.push_back(serial(entry, "hello"));
    const auto* forced = member(line, "forced_offline");
    if (forced == nullptr) return result;
    if (!forced->is_object()) wrong("forced_offline is not an object of serial numbers");
    if (forced->size() > forced_drives_max) wrong("forced_offline names more than 64 drives");
    for (const auto& [drive, reason] : forced->items()) {
        const DriveSerial name = serial(json(drive), "forced_offline");
        if (std::find(result.drives.begin(), result.drives.end(), name) == result.drives.end())
            wrong("forced_offline names a drive that hello does not");
        result.forced_offline[name] = text(reason, "forced_offline", 0, words_read_max);
    }
    return result;
}

DriveCommandResult command_result(const json& line) {
    DriveCommandResult result;
    result.id = number(line.at("done"), "done");
    result.drive = serial(needed(line, "drive"), "drive");
    const auto& ok = needed(line, "ok");
    if (!ok.is_boolean()) wrong("ok is neither true nor false");
    if (!ok.get<bool>()) {
        const auto* error = member(line, "error");
        result.failure = error == nullptr ? "the drive gave no reason"
                                          : text(*error, "error", 0, words_read_max);
    }
    return result;
}

DriveCommand command(const json& line) {
    DriveCommand result;
    const auto name = text(line.at("command"), "command", 0, 32);
    if (name == to_text(DriveCommand::Action::force_offline)) {
        result.action = DriveCommand::Action::force_offline;
    } else if (name == to_text(DriveCommand::Action::lift_offline)) {
        result.action = DriveCommand::Action::lift_offline;
    } else {
        wrong("command is not one of force_offline, lift_offline");
    }
    result.id = number(needed(line, "id"), "id");
    result.drive = serial(needed(line, "drive"), "drive");
    if (const auto* value = member(line, "reason"))
        result.reason = text(*value, "reason", 0, words_read_max);
    return result;
}

json parse(std::string_view line) {
    if (line.size() > line_size_max) wrong("longer than 65536 bytes");
    // allow_exceptions: false, a line that is no JSON comes back as "discarded".
    auto value = json::parse(line.begin(), line.end(), nullptr, false);
    if (value.is_discarded()) wrong("not JSON");
    if (!value.is_object()) wrong("not a JSON object");
    return value;
}

void check_version(const json& line) {
    if (number(needed(line, "v"), "v") != 1) wrong("v is not 1, the only version of this channel");
}

std::optional<std::uint64_t> seq_of(const json& line) {
    if (!line.is_object()) return std::nullopt;
    const auto* seq = member(line, "seq");
    return seq != nullptr && seq->is_number_unsigned() ? std::optional(seq->get<std::uint64_t>())
                                                       : std::nullopt;
}

// Runs a decoder, turning what it throws into a bad line.
template <typename Line, typename Decode>
std::variant<Line, BadLine> decoded(std::string_view line, Decode decode) {
    json value;
    try {
        value = parse(line);
        return decode(value);
    } catch (const Wrong& reason) {
        return BadLine{reason.what, seq_of(value)};
    } catch (const json::exception& reason) {
        return BadLine{reason.what(), seq_of(value)};
    }
}

json encoded(const InitiatorPort& value) {
    json result{{"transport", to_text(value.transport)}, {"name", value.name}};
    if (!value.isid.empty()) result["isid"] = value.isid;
    if (!value.address.empty()) result["address"] = value.address;
    return result;
}

std::string hex_key(std::uint64_t key) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string result(16, '0');
    for (std::size_t i = 0; i < 16; ++i)
        result[15 - i] = digits[(key >> (4 * i)) & 0xf];
    return result;
}

std::string_view kind_name(ReservationKind value) {
    switch (value) {
        case ReservationKind::reserve6:
            return "reserve6";
        case ReservationKind::reserve10:
            return "reserve10";
        case ReservationKind::persistent:
            return "pr";
        case ReservationKind::none:
        case ReservationKind::legacy:
            break;  // a drive knows which of the two it was
    }
    return "none";
}

json encoded(const DriveEvent& value) {
    json result{{"v", 1},
                {"seq", value.seq},
                {"drive", value.drive.text},
                {"event", "reservation"},
                {"change", to_text(value.change)}};
    if (value.kind != ReservationKind::none) result["kind"] = kind_name(value.kind);
    if (value.persistent) {
        result["pr"] = {{"type", value.persistent->type}, {"key", hex_key(value.persistent->key)}};
    }
    if (value.port) result["port"] = encoded(*value.port);
    if (value.holders) {
        auto& holders = result["holders"] = json::array();
        for (std::size_t i = 0; i < std::min(value.holders->size(), holders_max); ++i) {
            holders.push_back(encoded((*value.holders)[i]));
        }
    }
    if (!value.at.empty()) result["at"] = value.at;
    return result;
}

json encoded(const DriveHello& value) {
    auto drives = json::array();
    for (std::size_t i = 0; i < std::min(value.drives.size(), drives_max); ++i) {
        drives.push_back(value.drives[i].text);
    }
    json result{{"v", 1}, {"hello", std::move(drives)}};
    for (const auto& [drive, reason] : value.forced_offline) {
        auto& forced = result["forced_offline"];
        if (forced.size() == forced_drives_max) break;
        auto words = reason.substr(0, forced_reason_size_max);
        std::replace_if(
            words.begin(), words.end(), [](unsigned char c) { return c < 0x20; }, ' ');
        forced[drive.text] = words;
    }
    return result;
}

json encoded(const DriveCommandResult& value) {
    json result{{"v", 1}, {"done", value.id}, {"drive", value.drive.text}, {"ok", !value.failure}};
    if (value.failure) result["error"] = value.failure->substr(0, words_size_max);
    return result;
}

json encoded(const EventAcknowledged& value) {
    return {{"ack", value.seq}};
}

json encoded(const LineRefused& value) {
    json result{{"error", value.error.substr(0, words_size_max)}};
    if (value.seq) result["seq"] = *value.seq;
    return result;
}

json encoded(const DriveCommand& value) {
    return {{"v", 1},
            {"command", to_text(value.action)},
            {"id", value.id},
            {"drive", value.drive.text},
            {"reason", value.reason.substr(0, words_size_max)}};
}

std::string dumped(const json& value) {
    return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

std::variant<LineFromDrive, BadLine> decode_line_from_drive(std::string_view line) {
    return decoded<LineFromDrive>(
        line, [](const json& value) -> std::variant<LineFromDrive, BadLine> {
            check_version(value);
            if (member(value, "hello") != nullptr) return LineFromDrive{hello(value)};
            if (member(value, "done") != nullptr) return LineFromDrive{command_result(value)};
            if (member(value, "event") != nullptr) return LineFromDrive{event(value)};
            wrong("neither an event, a hello nor the result of a command");
        });
}

std::variant<LineFromAgent, BadLine> decode_line_from_agent(std::string_view line) {
    return decoded<LineFromAgent>(
        line, [](const json& value) -> std::variant<LineFromAgent, BadLine> {
            if (const auto* ack = member(value, "ack"))
                return LineFromAgent{EventAcknowledged{number(*ack, "ack")}};
            if (const auto* error = member(value, "error")) {
                return LineFromAgent{
                    LineRefused{text(*error, "error", 0, line_size_max), seq_of(value)}};
            }
            check_version(value);
            if (member(value, "command") != nullptr) return LineFromAgent{command(value)};
            wrong("neither an acknowledgement, an error nor a command");
        });
}

std::string encode_line(const LineFromDrive& line) {
    return std::visit([](const auto& value) { return dumped(encoded(value)); }, line);
}

std::string encode_line(const LineFromAgent& line) {
    return std::visit([](const auto& value) { return dumped(encoded(value)); }, line);
}

}  // namespace drive_iface::events
