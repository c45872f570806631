#include "snmp_mib/helper_line.hpp"

#include <string>

#include "test/support/catch.hpp"

using namespace snmp_mib;

TEST_CASE("what lra-mibd says comes back as it was said") {
    const std::string reason = "cartridge \"A\" is stuck \\ \xc3\xa4";
    const HelperLine lines[] = {
        HelperReady{1161},
        HelperReady{0},
        HelperMaster{true},
        HelperMaster{false},
        HelperCounts{{"wrong_key", 3}, {"requests", 18'446'744'073'709'551'615ULL}},
        DriveChangeRequest{7, {"VT00000001", true, reason, "noc", "192.0.2.50"}},
        DriveChangeRequest{8, {"VT00000001", false, reason, "noc", "192.0.2.50", true}}};
    for (const HelperLine& line : lines) {
        const std::string text = to_line(line);
        CHECK(text.find('\n') == std::string::npos);
        CHECK(helper_line_from(text) == line);
    }
    // Who only asks says another word, which a controller that can not be asked does not know.
    CHECK(to_line(lines[5]).starts_with("set "));
    CHECK(to_line(lines[6]).starts_with("may "));
    const DriveChangeAnswer refused{7, "not \"this\" one"};
    CHECK(change_answer_from(to_json_line(refused)) == refused);
    CHECK(change_answer_from(to_json_line(DriveChangeAnswer{1, ""})) == DriveChangeAnswer{1, ""});
}

TEST_CASE("what lra-mibd does not say is nothing") {
    const std::string change =
        to_line(DriveChangeRequest{7, {"VT00000001", true, "why", "noc", "192.0.2.50"}});
    for (std::size_t length = 0; length < change.size(); ++length)
        CHECK_FALSE(helper_line_from(change.substr(0, length)));
    for (const char* line :
         {"", "ready", "ready ", "ready 70000", "ready 1x", "ready -1", "master", "master yes",
          "counts", "counts []", "counts {\"a\":\"b\"}", "counts {\"a\":-1}", "set {}",
          R"(set {"number":1,"drive":1,"offline":true,"reason":"x","user":"u","address":"a"})",
          R"(set {"number":1,"drive":"d","offline":true,"reason":"","user":"u","address":"a"})",
          "may {\"number\":1,\"drive\":\"d\",\"offline\":true,\"reason\":\"x\",\"user\":\"u\"}",
          "hello"}) {
        CHECK_FALSE(helper_line_from(line));
    }
    const std::string long_reason(change_reason_max + 1, 'x');
    CHECK_FALSE(
        helper_line_from(to_line(DriveChangeRequest{1, {"d", true, long_reason, "u", "a"}})));
    CHECK_FALSE(change_answer_from("{\"scalars\":[]}"));
    CHECK_FALSE(change_answer_from("{\"answer\":1}"));
    CHECK_FALSE(change_answer_from("{\"answer\""));
}
