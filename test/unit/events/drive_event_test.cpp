#include "drive_iface/events/drive_event.hpp"

#include <fstream>

#include "test/support/catch.hpp"

using namespace agent::core;
using namespace drive_iface::events;
using Change = DriveEvent::Change;

namespace {

// As the contract shows it.
const std::string reserved_line =
    R"({"v":1,"seq":41,"drive":"VT00000001","event":"reservation","change":"reserved","kind":"pr",)"
    R"("pr":{"type":3,"key":"00000000abcdef01"},)"
    R"("port":{"transport":"iscsi","name":"iqn.2026-01.org.example:a","isid":"00023d000001","address":"192.0.2.17"},)"
    R"("at":"2026-01-31T12:00:00.123Z"})";

DriveEvent event_in(const std::string& line) {
    const auto decoded = decode_line_from_drive(line);
    if (const auto* bad = std::get_if<BadLine>(&decoded)) FAIL(bad->error);
    return std::get<DriveEvent>(std::get<LineFromDrive>(decoded));
}

BadLine bad(const std::string& line) {
    const auto decoded = decode_line_from_drive(line);
    INFO(line);
    REQUIRE(std::holds_alternative<BadLine>(decoded));
    return std::get<BadLine>(decoded);
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
    const auto at = text.find(what);
    REQUIRE(at != std::string::npos);
    return text.replace(at, what.size(), by);
}

}  // namespace

TEST_CASE("an event line is read as the contract shows it") {
    const auto event = event_in(reserved_line);
    CHECK(event.seq == 41);
    CHECK(event.drive == DriveSerial{"VT00000001"});
    CHECK(event.change == Change::reserved);
    CHECK(event.kind == ReservationKind::persistent);
    CHECK(event.persistent == PersistentReservation{3, 0xabcdef01});
    REQUIRE(event.port);
    CHECK(*event.port == InitiatorPort{Transport::iscsi, "iqn.2026-01.org.example:a",
                                       "00023d000001", "192.0.2.17"});
    CHECK(event.at == "2026-01-31T12:00:00.123Z");
    CHECK(event_in(encode_line(LineFromDrive{event})) == event);
}

TEST_CASE("port names are normalised") {
    const auto fc = event_in(replaced(
        reserved_line,
        R"({"transport":"iscsi","name":"iqn.2026-01.org.example:a","isid":"00023d000001","address":"192.0.2.17"})",
        R"({"transport":"fc","name":"21:00:00:0E:1E:09:A1:B0"})"));
    CHECK(fc.port == InitiatorPort{Transport::fc, "2100000e1e09a1b0", "", ""});
    CHECK(
        event_in(replaced(reserved_line, "iqn.2026-01.org.example:a", "IQN.2026-01.ORG.example:A"))
            .port->name == "iqn.2026-01.org.example:a");
}

TEST_CASE("members that are not known are skipped, and optional ones may be null") {
    const auto event = event_in(
        replaced(reserved_line, R"("v":1,)", R"("v":1,"firmware":{"x":[1,2]},"holders":null,)"));
    CHECK(event == event_in(reserved_line));
}

TEST_CASE(
    "a line that breaks a rule is refused in words, with its sequence number when that can be "
    "read") {
    const struct {
        const char* what;
        const char* by;
        const char* words;
    } rows[] = {
        {R"("v":1)", R"("v":2)", "v is not 1"},
        {R"("v":1,)", "", "v is missing"},
        {R"("v":1)", R"("v":"1")", "v is not a whole number"},
        {R"("drive":"VT00000001")", R"("drive":"")", "drive has 0 bytes"},
        {R"("drive":"VT00000001")", R"("drive":" VT")", "without blanks"},
        {R"("drive":"VT00000001")", R"("drive":"\u0007")", "printable"},
        {R"("drive":"VT00000001")", R"("drive":7)", "not a string"},
        {R"("event":"reservation")", R"("event":"weather")", "event is not"},
        {R"("change":"reserved")", R"("change":"taken")", "change is not one of"},
        {R"("change":"reserved",)", "", "change is missing"},
        {R"("kind":"pr")", R"("kind":"legacy")", "kind is not one of"},
        {R"("kind":"pr",)", "", "pr without kind pr"},
        {R"("kind":"pr")", R"("kind":"reserve6")", "pr without kind pr"},
        {R"("pr":{"type":3,"key":"00000000abcdef01"},)", "", "pr is missing"},
        {R"("type":3)", R"("type":16)", "pr.type"},
        {R"("type":3)", R"("type":-3)", "pr.type"},
        {R"("key":"00000000abcdef01")", R"("key":"abcdef01")", "pr.key"},
        {R"("key":"00000000abcdef01")", R"("key":"00000000abcdefgh")", "pr.key"},
        {R"("transport":"iscsi")", R"("transport":"pigeon")", "port.transport"},
        {R"("transport":"iscsi")", R"("transport":"fc")", "port.name is not 16 hex digits"},
        {R"("name":"iqn.2026-01.org.example:a")", R"("name":"")", "port.name"},
        {R"("isid":"00023d000001")", R"("isid":"00023d")", "port.isid"},
        {R"("address":"192.0.2.17")", R"("address":"a b")", "port.address"},
        {R"("at":"2026-01-31T12:00:00.123Z")", R"("at":"yesterday")", "at is not a time"},
    };
    for (const auto& row : rows) {
        const auto refused = bad(replaced(reserved_line, row.what, row.by));
        INFO(row.by);
        CHECK_THAT(refused.error, ContainsSubstring(row.words));
        CHECK(refused.seq == 41);
    }
    for (const auto* seq : {"-1", "1.5", "\"41\"", "18446744073709551616"}) {
        const auto refused =
            bad(replaced(reserved_line, R"("seq":41)", std::string(R"("seq":)") + seq));
        CHECK_THAT(refused.error, ContainsSubstring("seq is not a whole number"));
        CHECK_FALSE(refused.seq);
    }
    for (const auto* line :
         {"", "{", "[]", "41", "null", "\"x\"", "{}", R"({"v":1})", "\xff\xfe", "{\"v\":1}}"})
        bad(line);
    bad(std::string(60'000, '['));
    bad(std::string(line_size_max + 1, ' '));
    bad(replaced(reserved_line,
                 "reserved\",\"kind\":\"pr\",\"pr\":{\"type\":3,\"key\":\"00000000abcdef01\"},",
                 "reserved\","));
}

TEST_CASE("a line cut at any length is refused") {
    for (std::size_t size = 0; size < reserved_line.size(); ++size)
        bad(reserved_line.substr(0, size));
}

TEST_CASE("the reservation after an event") {
    const InitiatorPort a{Transport::fc, "2100000e1e09a1b0", "", ""};
    const InitiatorPort b{Transport::fc, "2100000e1e09a1b1", "", ""};
    Reservation held{ReservationState::reserved, ReservationKind::reserve6, std::nullopt, {a}};
    Reservation none;
    none.state = ReservationState::free;
    const auto after = [](Change change, const Reservation& reservation,
                          std::optional<InitiatorPort> port) {
        const auto event = make_drive_event({"D1"}, change, reservation, std::move(port), "");
        const auto read = event_in(encode_line(LineFromDrive{event}));
        CHECK(read == event);
        return reservation_after(read);
    };
    CHECK(after(Change::reserved, held, a) == held);
    CHECK(after(Change::preempted, held, a) == held);
    CHECK(after(Change::state, held, std::nullopt) == held);
    CHECK(after(Change::released, none, a) == none);
    CHECK(after(Change::reset, none, b) == none);
    CHECK(after(Change::state, none, std::nullopt) == none);
    CHECK(after(Change::lost, held, std::nullopt).state == ReservationState::unknown);

    Reservation shared{ReservationState::reserved,
                       ReservationKind::persistent,
                       PersistentReservation{8, 0},
                       {a, b}};
    CHECK(after(Change::reserved, shared, a) == shared);
    CHECK(after(Change::registrations, shared, b) == shared);
    CHECK(after(Change::reset, shared, b) == shared);
}

TEST_CASE(
    "a contract line without holders: the port holds what it reserved, and nobody is named after a "
    "reset") {
    CHECK(reservation_after(event_in(reserved_line)).holders.size() == 1);
    CHECK(reservation_after(event_in(replaced(reserved_line, "\"reserved\"", "\"reset\"")))
              .holders.empty());
    CHECK(reservation_after(event_in(replaced(reserved_line, "\"reserved\"", "\"released\"")))
              .state == ReservationState::free);
}

TEST_CASE("hello, results, acknowledgements, refusals and commands survive the way") {
    const LineFromDrive from_drive[] = {
        DriveHello{{{"A"}, {"B"}}, {}},
        DriveHello{},
        DriveHello{{{"A"}, {"B"}}, {{{"B"}, "agent h3 did not confirm"}}},
        DriveCommandResult{7, {"A"}, std::nullopt},
        DriveCommandResult{8, {"A"}, "no such \"drive\"\n"},
    };
    for (const auto& line : from_drive) {
        const auto text = encode_line(line);
        CHECK(text.find('\n') == std::string::npos);
        CHECK(std::get<LineFromDrive>(decode_line_from_drive(text)) == line);
    }
    const LineFromAgent from_agent[] = {
        EventAcknowledged{0},
        EventAcknowledged{~std::uint64_t{0}},
        LineRefused{"not JSON", std::nullopt},
        LineRefused{"unknown drive", 4},
        DriveCommand{9, {"A"}, DriveCommand::Action::force_offline, "agent h3 did not confirm"},
        DriveCommand{10, {"A"}, DriveCommand::Action::lift_offline, ""},
    };
    for (const auto& line : from_agent) {
        CHECK(std::get<LineFromAgent>(decode_line_from_agent(encode_line(line))) == line);
    }
    CHECK(encode_line(LineFromAgent{EventAcknowledged{41}}) == R"({"ack":41})");
    CHECK(encode_line(LineFromDrive{DriveHello{{{"A"}}, {}}}) == R"({"hello":["A"],"v":1})");
}

TEST_CASE("what a hello says of drives that are forced offline is about its own drives, in words") {
    for (const auto* line :
         {R"({"v":1,"hello":["A"],"forced_offline":["A"]})",
          R"({"v":1,"hello":["A"],"forced_offline":{"B":"x"}})",
          R"({"v":1,"hello":["A"],"forced_offline":{"A":true}})",
          R"({"v":1,"hello":["A"],"forced_offline":{"":"x"}})", R"({"v":1,"hello":{"A":1}})"}) {
        INFO(line);
        CHECK(std::holds_alternative<BadLine>(decode_line_from_drive(line)));
    }
}

TEST_CASE("the agent's lines are checked as strictly") {
    for (const auto* line : {"", "{}", R"({"v":1})", R"({"ack":-1})", R"({"ack":"1"})",
                             R"({"error":1})", R"({"v":1,"command":"format","id":1,"drive":"A"})",
                             R"({"v":1,"command":"force_offline","id":1})",
                             R"({"v":2,"command":"force_offline","id":1,"drive":"A"})"}) {
        INFO(line);
        CHECK(std::holds_alternative<BadLine>(decode_line_from_agent(line)));
    }
}

TEST_CASE("whatever is to be said fits a line") {
    DriveEvent event;
    event.drive = {std::string(64, '"')};
    event.change = Change::state;
    event.kind = ReservationKind::persistent;
    event.persistent = PersistentReservation{7, 0};
    event.holders.emplace(1000, InitiatorPort{Transport::iscsi, std::string(223, 'x'),
                                              "00023d000001", std::string(64, '1')});
    const auto line = encode_line(LineFromDrive{event});
    CHECK(line.size() <= line_size_max);
    CHECK(event_in(line).holders->size() == 128);
    DriveHello everybody;
    for (int number = 0; number < 1000; ++number) {
        const DriveSerial drive{std::string(60, '"') + std::to_string(1000 + number)};
        everybody.drives.push_back(drive);
        everybody.forced_offline[drive] = std::string(200, '\x01');
    }
    const auto hello = encode_line(LineFromDrive{everybody});
    CHECK(hello.size() <= line_size_max);
    const auto heard = decode_line_from_drive(hello);
    REQUIRE(std::holds_alternative<LineFromDrive>(heard));
    CHECK(std::get<DriveHello>(std::get<LineFromDrive>(heard)).forced_offline.size() == 64);
    const auto command = encode_line(LineFromAgent{
        DriveCommand{1, {"A"}, DriveCommand::Action::force_offline, std::string(100'000, '\xff')}});
    CHECK(command.size() <= line_size_max);
    CHECK(std::holds_alternative<LineFromAgent>(decode_line_from_agent(command)));
}
