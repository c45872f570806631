// What dsad's control socket answers.

#include <csignal>

#include "agent/runtime/drive_sharing_agent_store.hpp"
#include "scene.hpp"
#include "test/support/catch.hpp"

using namespace test_dsad;
using agent::runtime::ControlError;
using agent::runtime::ControlErrorCode;
using nlohmann::json;

namespace {

std::optional<ControlErrorCode> error_of(const agent::runtime::ControlAnswer& answer) {
    const auto* error = std::get_if<ControlError>(&answer);
    return error == nullptr ? std::nullopt : std::optional(error->code);
}

const json the_drive = {{"serial", serial}};

}  // namespace

TEST_CASE("drives are listed with holder, state in the application and what was taken offline") {
    Scene host;
    host.start();
    const json before = host.answer("drive.list");
    REQUIRE(before.size() == 1);
    CHECK(before[0]["serial"] == serial);
    CHECK(before[0]["application_name"] == "LTO 1");
    CHECK(before[0]["reservation"]["state"] == "unknown");

    auto& controller = Controller::instance();
    REQUIRE(controller.next_confirmation(
        controller.tell(host.agent(), serial, reserved_by(foreign_port), "theirs")));
    const json drive = host.answer("drive.list")[0];
    CHECK(drive["reservation"]["state"] == "reserved");
    CHECK(drive["reservation"]["kind"] == "reserve6");
    CHECK(drive["reservation"]["holders"][0]["name"] == foreign_port);
    CHECK(drive["operational_state"] == "online");
    CHECK(drive["application_state"] == "offline");
    CHECK(drive["result"] == "set_offline");
    CHECK(drive["ledger"]["controller"] == "lra");
    CHECK(host.answer("application.list") == host.answer("drive.list"));
    CHECK(host.answer("drive.show", the_drive) == drive);
    CHECK(host.answer("event.list").size() >= 1);
    CHECK(host.answer("alarm.list").empty());
    CHECK(host.answer("status.show")["program"] == "dsad");
}

TEST_CASE("an operator sets drives through the socket, and what came of it is answered") {
    Scene host;
    host.start();
    CHECK(host.answer("application.query", the_drive)["application_state"] == "online");
    CHECK(host.answer("application.offline",
                      {{"serial", serial}, {"reason", "cleaning"}})["application_state"] ==
          "offline");
    CHECK(host.drive_state() == "drive LTO 1 is offline\n");
    CHECK(host.answer("application.query", the_drive)["application_state"] == "offline");

    host.application({"fault", "set", "online", "fail-with", "9"});
    CHECK(error_of(host.ask("application.online", the_drive)) == ControlErrorCode::state_differs);
    host.application({"fault", "clear"});
    CHECK(host.answer("application.online", the_drive)["application_state"] == "online");

    host.application({"job", "start", "LTO 1"});
    CHECK(error_of(host.ask("application.offline", the_drive)) == ControlErrorCode::busy);
}

TEST_CASE(
    "a refusal that is repeated stands in the audit trail once, each wish of a person always") {
    Scene host;
    host.start();
    host.answer("application.offline", the_drive);
    host.application({"fault", "set", "online", "fail-with", "9"});
    for (int times = 0; times < 3; ++times)
        CHECK(error_of(host.ask("application.online", the_drive)) ==
              ControlErrorCode::state_differs);
    host.application({"fault", "clear"});
    host.answer("application.online", the_drive);
    host.signal(SIGTERM);
    CHECK(host.wait_for_end() == 0);

    const auto store = agent::runtime::DriveSharingAgentStore::open(
        host.configuration["agent"]["state_dir"].get<std::string>() + "/dsad.db", {});
    REQUIRE(store.ok());
    std::vector<std::string> refused;
    std::vector<std::string> done;
    int wishes = 0;
    const auto rows = store.value().audit(100).value();
    for (const auto& row : rows) {
        if (row.action == "application.online") ++wishes;
        if (row.action != "application.set_online") continue;
        (row.reason.find("exit status 9") == std::string::npos ? done : refused)
            .push_back(row.reason);
    }
    CHECK(wishes == 4);
    CHECK(refused.size() == 1);
    REQUIRE(done.size() == 1);
    CHECK_THAT(done[0], ContainsSubstring("ended as written already: 2"));
}

TEST_CASE("the check of a profile asks, explains and changes nothing") {
    Scene host;
    host.start();
    const json good = host.answer("application.check");
    CHECK(good["ok"] == true);
    REQUIRE(good["drives"].size() == 1);
    CHECK(good["drives"][0]["application_state"] == "online");
    CHECK_THAT(good["drives"][0]["offline_would_run"].get<std::string>(),
               ContainsSubstring("\"offline\",\"LTO 1\"]"));
    CHECK(host.history().empty());

    host.application({"fault", "set", "status", "lie"});
    const json bad = host.answer("application.check");
    CHECK(bad["ok"] == false);
    CHECK_THAT(bad["drives"][0]["understood_from"].get<std::string>(),
               ContainsSubstring("drive LTO 1 is fine"));
}

TEST_CASE("requests with mistakes are answered with words") {
    Scene host;
    host.start();
    CHECK(error_of(host.ask("drive.show")) == ControlErrorCode::invalid_params);
    CHECK(error_of(host.ask("drive.show", {{"serial", "VT99999999"}})) == ControlErrorCode::failed);
    CHECK(error_of(host.ask("application.offline", {{"serial", serial}, {"reason", 5}})) ==
          ControlErrorCode::invalid_params);
    CHECK(error_of(host.ask("event.list", {{"limit", "many"}})) ==
          ControlErrorCode::invalid_params);
    CHECK(error_of(host.ask("agent.show", {{"name", "somebody"}})) == ControlErrorCode::failed);
    CHECK(error_of(host.ask("drive.explode")) == ControlErrorCode::method_not_found);
}
