#include "agent/runtime/state_json.hpp"

#include <nlohmann/json.hpp>

#include "sample_effects.hpp"
#include "test/support/catch.hpp"

using namespace agent::runtime;
using namespace agent::core;
using nlohmann::json;

namespace {

SharingConfiguration two_hosts() {
    SharingConfiguration sharing;
    sharing.agents = {{"host1", "bareos"}, {"host2", "bacula"}, {"host3", "bacula"}};
    sharing.domains = {{"bareos", {{Transport::fc, "2100000e1e09a1b0", "", ""}}},
                       {"bacula", {{Transport::iscsi, "iqn.2026-01.example:host\"1", "", ""}}}};
    return sharing;
}

}  // namespace

TEST_CASE("a drive is shown as the contract says") {
    DriveView view;
    view.record = sample_drive("VT00000001", 9);
    view.holder_domain = "bareos";
    const json shown = drive_json(view, {"LRA", "VIRTUAL LTO", 256}, two_hosts());
    CHECK(shown == json::parse(R"({
        "serial": "VT00000001", "vendor": "LRA", "product": "VIRTUAL LTO", "element_address": 256, "shared": true,
        "operational_state": "forced_offline", "sequence": 9, "epoch": 1769860800, "holder_domain": "bareos",
        "holder_search": null, "offline_reason": "host2 did not confirm", "unreachable_why": null,
        "reservation": {"state": "reserved", "kind": "pr", "evidence": "full_status",
            "since": "2026-01-31T12:00:00.123Z", "pr": {"type": 3, "key": "ffffffffabcdef01"},
            "holders": [
                {"transport": "fc", "name": "2100000e1e09a1b0", "isid": null, "address": null, "host": "host1", "domain": "bareos"},
                {"transport": "iscsi", "name": "iqn.2026-01.example:host\"1", "isid": "00023d000001",
                 "address": "192.0.2.17", "host": null, "domain": "bacula"}]}})"));
}

TEST_CASE("a drive of which nothing is known yet is shown all the same") {
    DriveView view;
    view.record.drive.text = "VT1";
    view.unreachable = true;
    view.unreachable_why = "connection refused";
    const json shown = drive_json(view, {}, {});
    CHECK(shown["operational_state"] == "unreachable");
    CHECK(shown["unreachable_why"] == "connection refused");
    CHECK(shown["element_address"].is_null());
    CHECK(shown["reservation"]["state"] == "unknown");
    CHECK(shown["reservation"]["since"].is_null());
    CHECK(shown["reservation"]["holders"] == json::array());
    CHECK(shown["sequence"] == 0);
}

TEST_CASE("an agent is shown in one of the four states, and starting beside it") {
    const auto shown = [](AgentState state) {
        return agent_json({{"host1", state, 5, 2}, "bareos", WallTime{0}}, "udp:127.0.0.1:1163");
    };
    CHECK(shown(AgentState::started) ==
          json::parse(
              R"({"name":"host1","address":"udp:127.0.0.1:1163","state":"started","starting":false,
                          "domain":"bareos","last_seen":"1970-01-01T00:00:00.000Z","missed":2})"));
    CHECK(shown(AgentState::never_seen)["state"] == "never_seen");
    CHECK(shown(AgentState::stopped)["state"] == "stopped");
    CHECK(shown(AgentState::lost)["state"] == "lost");
    CHECK(shown(AgentState::starting)["state"] == "stopped");
    CHECK(shown(AgentState::starting)["starting"] == true);
    CHECK(agent_json({{"host1", AgentState::lost, 0, 0}, "", std::nullopt}, "")["last_seen"]
              .is_null());
}

TEST_CASE("handshakes, alarms and events are shown with their times and identifiers") {
    CHECK(handshake_json({{"VT1"}, "host2", {5, 9}, {5, 7}, Duration{1'200}, 2, true, ""}) ==
          json::parse(R"({"drive":"VT1","agent":"host2","newest":{"epoch":5,"sequence":9},
                          "oldest_unconfirmed":{"epoch":5,"sequence":7},"waiting_ms":1200,"attempts":2,
                          "received":true,"last_answer":null})"));
    CHECK(alarm_json(sample_alarm("VT1")) ==
          json::parse(
              R"({"kind":"drive_forced_offline","drive":"VT1","agent":null,"severity":"critical",
                          "raised_at":"2026-01-31T12:00:00.123Z","text":"drive VT1 was forced offline"})"));
    CHECK(event_json(StoredEvent{3, sample_event("VT1", 0)}) ==
          json::parse(
              R"({"number":3,"at":"1970-01-01T00:00:00.000Z","severity":"major","message":"LRA2003",
                          "drive":"VT1","agent":"host2","notice":{"epoch":5,"sequence":6},"text":"forced offline"})"));
}

TEST_CASE("events are listed with the oldest first, in whichever order they were read") {
    const std::vector<StoredEvent> events{StoredEvent{4, sample_event("VT2", 1)},
                                          StoredEvent{3, sample_event("VT1", 0)}};
    const json list = events_json(events);
    REQUIRE(list.size() == 2);
    CHECK(list[0]["number"] == 3);
    CHECK(list[1]["number"] == 4);
    CHECK(events_json({events[1], events[0]}) == list);
}

TEST_CASE("a host's drive is shown with its notice and its ledger") {
    HostDriveView view;
    view.drive.text = "VT1";
    CHECK(host_drive_json(view, "drive-1")["newest"].is_null());
    view.newest = Notice{};
    view.newest->id = {5, 6};
    view.ledger = LedgerEntry{{"VT1"}, {5, 6}, "lra", {0}, true, "reserved"};
    view.result = ConfirmationResult::set_offline;
    view.application_state = ApplicationDriveState::offline;
    const json shown = host_drive_json(view, "drive-1");
    CHECK(shown["newest"]["id"]["sequence"] == 6);
    CHECK(shown["ledger"]["done"] == true);
    CHECK(shown["result"] == "set_offline");
    CHECK(shown["application_state"] == "offline");
}

TEST_CASE("parameters of event list are read strictly") {
    const EventQuery query = event_query_from_json({{"drive", "VT1"},
                                                    {"since", "1970-01-01T00:00:01Z"},
                                                    {"limit", 5},
                                                    {"newest_first", false}})
                                 .value();
    CHECK(query.drive == DriveSerial{"VT1"});
    CHECK(query.since == WallTime{1'000});
    CHECK(query.limit == 5);
    CHECK_FALSE(query.newest_first);
    CHECK(event_query_from_json(json::object())->limit == 100);
    CHECK(event_query_from_json({{"drive", nullptr}}).ok());
    for (const json& params :
         {json{{"limit", 0}}, json{{"limit", 10'001}}, json{{"limit", "5"}},
          json{{"since", "today"}}, json{{"drive", 7}}, json{{"colour", "red"}}}) {
        CHECK_FALSE(event_query_from_json(params).ok());
    }
}
