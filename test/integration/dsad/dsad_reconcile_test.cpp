// After an outage, and on request: what the application has and what the controllers say are
// brought together in the right direction.

#include <csignal>
#include <future>

#include "scene.hpp"
#include "test/support/catch.hpp"

using namespace test_dsad;
using agent::core::ConfirmationResult;
using nlohmann::json;

namespace {

// The controller does at "started" what lrad does: it tells the state of the drive.
json reconcile(Scene& host, const agent::core::Reservation& state) {
    auto& controller = Controller::instance();
    const auto life = [&] { return host.answer("agent.show")["incarnation"].get<std::uint64_t>(); };
    const auto before = life();
    auto asked =
        std::async(std::launch::async, [&] { return host.answer("application.reconcile"); });
    const auto until = std::chrono::steady_clock::now() + patience;
    while (life() == before && std::chrono::steady_clock::now() < until)
        controller.run_for(std::chrono::milliseconds(5));
    REQUIRE(controller.next_confirmation(controller.tell(host.agent(), serial, state, "theirs")));
    while (asked.wait_for(std::chrono::milliseconds(0)) != std::future_status::ready)
        controller.run_for(std::chrono::milliseconds(5));
    return asked.get();
}

}  // namespace

TEST_CASE("what changed while dsad was dead is settled at its start: held by somebody else") {
    Scene host;
    host.start();
    auto& controller = Controller::instance();
    REQUIRE(controller.next_confirmation(
        controller.tell(host.agent(), serial, reserved_by(foreign_port), "theirs")));
    host.signal(SIGKILL);
    host.wait_for_end();
    host.application({"drive", "online", "LTO 1"});  // an operator, when it was free
    host.start();
    const auto confirmed = controller.next_confirmation(
        controller.tell(host.agent(), serial, reserved_by("iqn.2026-01.example:third"), "others"));
    REQUIRE(confirmed);
    CHECK(confirmed->result == ConfirmationResult::set_offline);
    CHECK(host.drive_state() == "drive LTO 1 is offline\n");
    const auto released =
        controller.next_confirmation(controller.tell(host.agent(), serial, nobody()));
    REQUIRE(released);
    CHECK(released->result == ConfirmationResult::set_online);
}

TEST_CASE("what changed while dsad was dead is settled at its start: free, and an operator's") {
    Scene host;
    host.start();
    auto& controller = Controller::instance();
    REQUIRE(controller.next_confirmation(controller.tell(host.agent(), serial, nobody())));
    host.signal(SIGKILL);
    host.wait_for_end();
    // Held and given back twice meanwhile; an operator takes it off.
    host.application({"drive", "offline", "LTO 1"});
    host.start();
    const auto confirmed =
        controller.next_confirmation(controller.tell(host.agent(), serial, nobody()));
    REQUIRE(confirmed);
    CHECK(confirmed->result == ConfirmationResult::left_to_operator);
    CHECK(host.drive_state() == "drive LTO 1 is offline\n");
}

TEST_CASE("on request the whole state is told again and what differs is put right") {
    Scene host;
    host.start();
    auto& controller = Controller::instance();
    REQUIRE(controller.next_confirmation(
        controller.tell(host.agent(), serial, reserved_by(foreign_port), "theirs")));
    const auto before = host.answer("agent.show")["incarnation"].get<std::uint64_t>();
    host.application({"drive", "online", "LTO 1"});  // behind dsad's back

    const json report = reconcile(host, reserved_by(foreign_port));
    CHECK(report["ok"] == true);
    CHECK(report["controllers"] == json::array({{{"name", "lra"}, {"answered", true}}}));
    REQUIRE(report["reconciled"].size() == 1);
    const json& drive = report["reconciled"][0];
    CHECK(drive["found"] == "online");
    CHECK(drive["commands"] == json::array({"set_offline"}));
    CHECK(drive["result"] == "set_offline");
    CHECK(host.drive_state() == "drive LTO 1 is offline\n");
    CHECK(host.answer("agent.show")["incarnation"].get<std::uint64_t>() > before);

    const json again = reconcile(host, reserved_by(foreign_port));
    CHECK(again["reconciled"][0]["found"] == "offline");
    CHECK(again["reconciled"][0]["commands"].empty());
    CHECK(again["reconciled"][0]["outcome"] == "offline by dsad already");
    CHECK(reconcile(host, nobody())["reconciled"][0]["commands"] == json::array({"set_online"}));
    host.application({"drive", "offline", "LTO 1"});
    const json left = reconcile(host, nobody());
    CHECK(left["reconciled"][0]["result"] == "left_to_operator");
    CHECK(left["reconciled"][0]["commands"].empty());
}

TEST_CASE("a controller that does not answer is shown, and nobody waits for ever") {
    Scene host;
    host.start();
    const json report = host.answer("application.reconcile");  // nobody runs the controller
    CHECK(report["ok"] == false);
    CHECK(report["controllers"][0]["answered"] == false);
    CHECK(report["reconciled"][0]["outcome"] == "no controller has told its state");
    CHECK(host.drive_state() == "drive LTO 1 is online\n");
}
