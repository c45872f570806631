#include "agent/shell/view.hpp"

#include <cstdlib>
#include <ctime>
#include <nlohmann/json.hpp>
#include <sstream>

#include "test/support/catch.hpp"

using namespace agent::shell;
using nlohmann::json;

namespace {

const bool in_utc = [] {
    ::setenv("TZ", "UTC", 1);
    ::tzset();
    return true;
}();

const Screen page{80, false, {1'769'860'800'000}};  // now is 2026-01-31T12:00:00Z

json drive(const std::string& serial) {
    return {{"serial", serial},
            {"vendor", "LRA"},
            {"product", "VIRTUAL-LTO"},
            {"element_address", 256},
            {"shared", true},
            {"operational_state", "online"},
            {"sequence", 41},
            {"epoch", 7},
            {"offline_reason", ""},
            {"reservation",
             {{"state", "free"},
              {"kind", "none"},
              {"evidence", "none"},
              {"since", nullptr},
              {"holders", json::array()}}}};
}

json reserved(json from, const std::string& host) {
    from["reservation"] = {{"state", "reserved"},
                           {"kind", "reserve6"},
                           {"evidence", "drive_event"},
                           {"since", "2026-01-31T11:57:00.000Z"},
                           {"holders",
                            {{{"transport", "fc"},
                              {"name", "2100000e1e09a1b0"},
                              {"isid", ""},
                              {"address", ""},
                              {"host", host},
                              {"domain", "backup-one"}}}}};
    return from;
}

// Strings of every kind and length in every place must not break the layout.
void check_width(const std::string& text) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        INFO(line);
        CHECK(columns_of(line) <= 80);
        CHECK(line.find('\x1b') == std::string::npos);
    }
}

constexpr View all_views[] = {
    View::drives,    View::drive,          View::drive_timeline, View::agents, View::host_ledgers,
    View::alarms,    View::handshakes,     View::events,         View::facts,  View::applications,
    View::sessions,  View::write_sessions, View::records,        View::trace,  View::cartridges,
    View::inventory, View::data_set};

}  // namespace

TEST_CASE("drive list shows holder, evidence and state") {
    json unshared = drive("VT00000002");
    unshared["shared"] = false;
    unshared["operational_state"] = "forced_offline";
    CHECK(rendered(View::drives, {reserved(drive("VT00000001"), "host-a"), unshared}, page) ==
          "SERIAL      ELEMENT  STATE           RESERVED  HOLDER  EVIDENCE     SINCE\n"
          "VT00000001      256  online          reserve6  host-a  drive_event  3 min\n"
          "VT00000002      256  forced_offline  free      -       none         -\n"
          "\n"
          "not shared: VT00000002\n");
}

TEST_CASE("a holder nobody knows is said to be not known") {
    json unknown = reserved(drive("VT1"), "");
    unknown["reservation"]["holders"] = json::array();
    CHECK_THAT(rendered(View::drives, json::array({unknown}), page),
               ContainsSubstring("not known"));
    CHECK_THAT(rendered(View::drive, unknown, page),
               ContainsSubstring("held by           not known"));
}

TEST_CASE("drive show names everything with full names") {
    CHECK(rendered(View::drive, reserved(drive("VT00000001"), "host-a"), page) ==
          "drive             VT00000001\n"
          "product           LRA VIRTUAL-LTO\n"
          "element address   256\n"
          "shared            yes\n"
          "state             online\n"
          "reservation       reserve6\n"
          "held by           host-a (fc:2100000e1e09a1b0), domain backup-one\n"
          "evidence          drive_event\n"
          "since             2026-01-31 11:57:00 (3 min)\n"
          "epoch             7\n"
          "sequence          41\n");
}

TEST_CASE("drive why is a timeline that ends with the next step") {
    const json why = {
        {"serial", "VT00000001"},
        {"summary", "forced offline: host-c did not confirm that the drive is reserved"},
        {"timeline",
         {{{"at", "2026-01-31T11:59:00.000Z"},
           {"what", "reserved by host-a (fc:2100000e1e09a1b0)"},
           {"message", "LRA1001"},
           {"severity", "info"}},
          {{"at", "2026-01-31T11:59:20.000Z"},
           {"what", "forced offline, host-c is lost"},
           {"message", "LRA2003"},
           {"severity", "critical"}}}},
        {"now", {{"serial", "VT00000001"}, {"operational_state", "forced_offline"}}},
        {"next_step", "start dsad on host-c, then: lractl drive clear VT00000001 --reason TEXT"}};
    const std::string text = rendered(View::drive_timeline, why, page);
    CHECK_THAT(text, ContainsSubstring(
                         "What happened\n"
                         "WHEN       AGO  WHAT                                      MESSAGE\n"
                         "11:59:00  1 min  reserved") ||
                         ContainsSubstring("11:59:20"));
    CHECK_THAT(text, ContainsSubstring("\nNow\ndrive             VT00000001\n"));
    CHECK_THAT(text, ContainsSubstring("\nNext step\nstart dsad on host-c"));
    check_width(text);
}

TEST_CASE("agents, handshakes and alarms are tables") {
    CHECK(rendered(View::agents,
                   {{{"name", "host-a"},
                     {"address", "udp:127.0.0.1:1162"},
                     {"state", "started"},
                     {"domain", "backup-one"},
                     {"last_seen", "2026-01-31T11:59:56.000Z"},
                     {"missed", 0},
                     {"starting", false}},
                    {{"name", "host-b"},
                     {"address", "udp:127.0.0.1:1163"},
                     {"state", "never_seen"},
                     {"domain", "backup-two"},
                     {"last_seen", nullptr},
                     {"missed", 0}}},
                   page) ==
          "NAME    STATE       DOMAIN      ADDRESS             LAST SEEN  MISSED\n"
          "host-a  started     backup-one  udp:127.0.0.1:1162  4 s             0\n"
          "host-b  never_seen  backup-two  udp:127.0.0.1:1163  -               0\n");
    CHECK(rendered(View::handshakes,
                   {{{"drive", "VT00000001"},
                     {"agent", "host-c"},
                     {"newest", {{"epoch", 7}, {"sequence", 41}}},
                     {"waiting_ms", 4200},
                     {"attempts", 2},
                     {"received", false},
                     {"last_answer", nullptr}}},
                   page) ==
          "DRIVE       WAITS FOR  NOTICE  WAITING  SENT  RECEIVED  LAST ANSWER\n"
          "VT00000001  host-c     7.41        4 s     2  no        -\n");
    const std::string alarms = rendered(
        View::alarms,
        {{{"severity", "warning"}, {"raised_at", "2026-01-31T11:59:00Z"}, {"text", "small"}},
         {{"severity", "critical"}, {"raised_at", "2026-01-31T11:59:00Z"}, {"text", "grave"}}},
        page);
    CHECK(alarms.find("grave") < alarms.find("small"));
}

TEST_CASE("what is offline on hosts that nobody plays any more is told with what helps") {
    json row = {{"agent", "host-d"},
                {"serial", "VT00000001"},
                {"application_name", "drive-1"},
                {"offline", true},
                {"since", "2026-01-31T11:59:56.000Z"},
                {"reason", "reserved by host-a"},
                {"played", true}};
    const std::string table =
        "AGENT   SERIAL      NAME     THERE    SINCE  PLAYED  REASON\n"
        "host-d  VT00000001  drive-1  offline  4 s    yes     reserved by host-a\n";
    CHECK(rendered(View::host_ledgers, json::array({row}), page) == table);
    row["played"] = false;
    CHECK_THAT(rendered(View::host_ledgers, json::array({row}), page),
               ContainsSubstring("agent forget NAME"));
    row["offline"] = false;
    CHECK_THAT(rendered(View::host_ledgers, json::array({row}), page),
               ContainsSubstring("online may come"));
    CHECK(rendered(View::host_ledgers, json::array(), page) ==
          "nothing is offline on hosts without an agent\n");
}

TEST_CASE("an event is one line and its text goes on below") {
    const json event = {{"at", "2026-01-31T11:59:00.000Z"},
                        {"severity", "warning"},
                        {"message", "LRA2001"},
                        {"drive", "VT00000001"},
                        {"agent", "host-c"},
                        {"text", "VT00000001: host-c has not confirmed in time, asked again"}};
    CHECK(rendered_event(event, page) ==
          "11:59:00        warning   LRA2001  VT00000001: host-c has not confirmed in time,\n"
          "                                   asked again\n");
    CHECK(rendered(View::events, json::array({event}), page) ==
          "WHEN            SEVERITY  MESSAGE  WHAT\n" + rendered_event(event, page));
}

TEST_CASE("empty lists say so") {
    CHECK(rendered(View::drives, json::array(), page) == "no drives\n");
    CHECK(rendered(View::agents, json::array(), page) == "no agents\n");
    CHECK(rendered(View::handshakes, json::array(), page) ==
          "no open handshakes: every notice is confirmed\n");
    CHECK(rendered(View::alarms, json::array(), page) == "no active alarms\n");
    CHECK(rendered(View::events, json::array(), page) == "no events\n");
    CHECK(rendered(View::sessions, json::array(), page) == "nobody is logged in\n");
    CHECK(rendered(View::facts, json::array(), page) == "none\n");
    CHECK(rendered(View::facts, json::object(), page) == "done\n");
}

TEST_CASE("consumers show what waits for them, what they lost, and why") {
    const json consumers = {{{"address", "udp:192.0.2.50:162"},
                             {"version", "3"},
                             {"delivery", "inform"},
                             {"queued", 12},
                             {"delivered", 40},
                             {"lost", 3},
                             {"resent", 77},
                             {"last_delivered", "2026-01-31T11:59:00.000Z"},
                             {"trouble", "it does not answer"}},
                            {{"address", "udp:192.0.2.51:162"},
                             {"version", "2c"},
                             {"delivery", "trap"},
                             {"queued", 0},
                             {"delivered", 0},
                             {"lost", 0},
                             {"resent", 0},
                             {"last_delivered", nullptr},
                             {"trouble", ""}}};
    const std::string shown = rendered(View::consumers, consumers, page);
    CHECK_THAT(shown, ContainsSubstring("v3 inform") && ContainsSubstring("v2c trap") &&
                          ContainsSubstring("udp:192.0.2.50:162: it does not answer"));
    std::istringstream lines(shown);
    for (std::string line; std::getline(lines, line);)
        CHECK(line.size() <= 80);
    CHECK_THAT(rendered(View::consumers, json::array(), page), ContainsSubstring("no consumers"));
}

TEST_CASE("facts of any shape are shown by their names") {
    CHECK(rendered(View::facts,
                   {{"version", "0.1.0"},
                    {"started_at", "2026-01-31T11:00:00Z"},
                    {"snmp", {{"informs_sent", 12}, {"lost", false}}},
                    {"targets", {{{"name", "a"}, {"lun", 0}}}}},
                   page) ==
          "started_at        2026-01-31 11:00:00 (1 h)\n"
          "version           0.1.0\n"
          "snmp\n"
          "  informs_sent    12\n"
          "  lost            no\n"
          "\n"
          "targets\n"
          "lun  name\n"
          "0    a\n");
}

TEST_CASE("no answer is too strange to be shown in 80 columns") {
    const std::string long_text(300, 'x');
    json nested = "deep";
    for (int i = 0; i < 20; ++i)
        nested = {{"inside", nested}};
    const std::vector<json> strange{
        nullptr,
        1,
        "text",
        json::array({1, "a", nullptr}),
        json::array({json::array()}),
        nested,
        {{"serial", 5}, {"reservation", "x"}, {"timeline", {{"at", 3}}}},
        json::array({{{"serial", long_text},
                      {"operational_state", long_text},
                      {"reservation", {{"state", "reserved"}, {"holders", {1, nullptr}}}}}}),
        json::array({{{"name", long_text},
                      {"text", long_text + " \x1b[2J"},
                      {"at", long_text},
                      {"severity", long_text},
                      {"drive", "\xff"}}}),
        {{"timeline", {{{"what", long_text}, {"message", long_text}, {"at", "soon"}}}},
         {"summary", long_text},
         {"now", {{"serial", long_text}}},
         {"next_step", long_text}}};
    for (const json& answer : strange) {
        for (const View view : all_views)
            check_width(rendered(view, answer, page));
    }
}

TEST_CASE("JSON comes out as it came in, in one line or indented") {
    CHECK(rendered_json({{"b", 1}, {"a", {1, 2}}}, false) == "{\"a\":[1,2],\"b\":1}\n");
    CHECK(rendered_json({{"a", 1}}, true) == "{\n  \"a\": 1\n}\n");
}
