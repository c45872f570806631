#include "test/unit/core/controller.hpp"

using namespace core_test;

namespace {

AgentStarted started(const AgentName& name, std::uint64_t incarnation) {
    return {{"library-1", name, incarnation}};
}
AgentStopping stopping(const AgentName& name, std::uint64_t incarnation) {
    return {{"library-1", name, incarnation}};
}

}  // namespace

TEST_CASE("an agent is told the state of every shared drive before it counts as started") {
    Controller controller;
    controller.see(drive_1, reserved_by(port_a));
    controller.see(drive_2, free_drive());
    const auto sent = all<SendNotice>(controller(started("beta", 1)));
    REQUIRE(sent.size() == 2);
    CHECK(sent[0].notice.reservation == reserved_by(port_a));
    CHECK(controller.agent("beta").record.state == AgentState::starting);
    controller.confirm(sent[0]);
    CHECK(controller.agent("beta").record.state == AgentState::starting);
    controller.confirm(sent[1]);
    CHECK(controller.agent("beta").record.state == AgentState::started);
    CHECK(controller.has_event("LRA4002"));
}

TEST_CASE("a starting agent that stays silent is lost, and no drive suffers for it") {
    Controller controller;
    controller.see(drive_1, reserved_by(port_a));
    controller(started("beta", 1));
    const auto effects = controller.pass(40'000);
    CHECK(all<SendNotice>(effects).size() == 1);  // the retry
    CHECK(all<ForceDriveOffline>(effects).empty());
    CHECK(controller.agent("beta").record.state == AgentState::lost);
    CHECK(controller.rules().handshakes({}).empty());
}

TEST_CASE("a change while an agent is starting is told to it and excused as well") {
    Controller controller;
    controller.see(drive_1, reserved_by(port_a));
    controller(started("beta", 1));
    controller.pass(5'000);
    CHECK(all<SendNotice>(controller.see(drive_1, free_drive())).size() == 1);
    CHECK(all<ForceDriveOffline>(controller.pass(60'000)).empty());
}

TEST_CASE("an agent that was in step once and is started again owes every change") {
    Controller controller;
    controller.see(drive_1, reserved_by(port_a));
    controller.bring_up("beta", 1);
    controller(started("beta", 2));
    CHECK(controller.agent("beta").record.state == AgentState::returning);
    controller.pass(1'000);
    CHECK(all<SendNotice>(controller.see(drive_1, reserved_by(port_b))).size() == 1);
    // Started again and again it never confirms, and the drive is protected all the same.
    std::size_t forced = 0;
    for (std::uint64_t life = 3; life < 12; ++life) {
        controller(started("beta", life));
        forced += all<ForceDriveOffline>(controller.pass(3'000)).size();
    }
    CHECK(forced == 1);
}

TEST_CASE("what a returning agent is told to bring it into step forces no drive offline") {
    Controller controller;
    controller.see(drive_1, reserved_by(port_a));
    controller.bring_up("beta", 1);
    controller(started("beta", 2));
    CHECK(all<ForceDriveOffline>(controller.pass(60'000)).empty());
    CHECK(controller.agent("beta").record.state == AgentState::lost);
}

TEST_CASE("saying started again in the same life is a sign of life and nothing more") {
    Controller controller;
    controller.see(drive_1, reserved_by(port_a));
    controller.bring_up("beta", 3);
    CHECK(controller(started("beta", 3)).empty());
    CHECK(controller.agent("beta").last_seen.has_value());
}

TEST_CASE("a new life is told everything afresh by notices that no older answer confirms") {
    Controller controller;
    controller.see(drive_1, reserved_by(port_a));
    const auto first = all<SendNotice>(controller(started("beta", 1)));
    controller.confirm(first[0]);
    const auto second = all<SendNotice>(controller(started("beta", 2)));
    REQUIRE(second.size() == 1);
    controller.confirm(first[0]);  // delayed, from the first life
    CHECK(controller.agent("beta").record.state == AgentState::returning);
    controller.confirm(second[0]);
    CHECK(controller.agent("beta").record.state == AgentState::started);
}

TEST_CASE("restarting again and again does not forgive") {
    Controller controller;
    controller.bring_up_all();
    const auto sent = all<SendNotice>(controller.see(drive_1, reserved_by(port_a)));
    controller.confirm(sent[0]);
    controller.confirm(sent[2]);
    std::size_t forced = 0;
    for (std::uint64_t life = 2; life < 12; ++life) {
        controller(started("beta", life));
        forced += all<ForceDriveOffline>(controller.pass(3'000)).size();
    }
    CHECK(forced == 1);
}

TEST_CASE("an earlier life's messages are ignored and told to the operator") {
    Controller controller;
    controller.see(drive_1, reserved_by(port_a));
    controller.bring_up("beta", 5);
    CHECK(all<SendNotice>(controller(started("beta", 4))).empty());
    controller(stopping("beta", 4));
    CHECK(controller.agent("beta").record.state == AgentState::started);
    CHECK(controller.has_event("LRA4006"));
}

TEST_CASE("an agent that says stopping owes nothing, not even what it owed before") {
    Controller controller;
    controller.bring_up_all();
    controller.see(drive_1, reserved_by(port_a));
    const auto effects = controller(stopping("beta", 1));
    CHECK(all<StopSending>(effects).size() == 1);
    CHECK(controller.agent("beta").record.state == AgentState::stopped);
    CHECK(controller.rules().handshakes({}).size() == 2);
    CHECK(controller(stopping("beta", 1)).empty());
}

TEST_CASE("a late or replayed started of a life that stopped does not make it owe again") {
    Controller controller;
    controller.see(drive_1, free_drive());
    controller.bring_up("beta", 1);
    controller(stopping("beta", 1));
    CHECK(controller(started("beta", 1)).empty());
    CHECK(controller.agent("beta").record.state == AgentState::stopped);
    CHECK(all<SendNotice>(controller(started("beta", 2))).size() == 1);
}

TEST_CASE("an agent that says stopping before its started has arrived is stopped") {
    Controller controller;
    controller.bring_up("beta", 1);
    controller(stopping("beta", 2));
    CHECK(controller.agent("beta").record.state == AgentState::stopped);
    CHECK(controller(started("beta", 2)).empty());
}

TEST_CASE("any confirmation of a lost agent proves that it is alive: it is told everything again") {
    Controller controller;
    controller.see(drive_2, free_drive());
    controller.bring_up("beta");
    const auto sent = all<SendNotice>(controller.see(drive_1, reserved_by(port_a)));
    controller.pass(20'000);
    REQUIRE(controller.agent("beta").record.state == AgentState::lost);
    const auto again = all<SendNotice>(controller.confirm(sent[0]));
    CHECK(again.size() == 2);
    CHECK(controller.agent("beta").record.state == AgentState::returning);
    for (const auto& notice : again) {
        controller.confirm(notice);
    }
    CHECK(controller.agent("beta").record.state == AgentState::started);
    CHECK_FALSE(controller.alarm(AlarmKind::agent_lost));
    CHECK(controller.has_event("LRA4005"));
    // It is back, and yet only the administrator brings the drive back.
    CHECK(controller.drive(drive_1).record.operational_state == OperationalState::forced_offline);
}

TEST_CASE("a lost agent that says started in the same life returns") {
    Controller controller;
    controller.bring_up("beta");
    controller.see(drive_1, reserved_by(port_a));
    controller.pass(20'000);
    CHECK(all<SendNotice>(controller(started("beta", 1))).size() == 1);
    CHECK(controller.agent("beta").record.state == AgentState::returning);
}

TEST_CASE("a retired agent owes nothing and may begin anew with any incarnation") {
    Controller controller;
    controller.bring_up("beta", 7);
    controller.see(drive_1, reserved_by(port_a));
    controller(AdministratorRetiredAgent{"beta", "root", "host is gone"});
    CHECK(controller.rules().handshakes({}).empty());
    CHECK(all<ForceDriveOffline>(controller.pass(60'000)).empty());
    CHECK(all<SendNotice>(controller(started("beta", 1))).size() == 1);
}

TEST_CASE("an agent that is to reconcile is told everything afresh, if it is there at all") {
    Controller controller;
    controller.see(drive_1, reserved_by(port_a));
    CHECK(controller(AdministratorReconciledAgent{"beta"}).empty());  // never seen
    controller.bring_up("beta", 3);
    const auto sent = all<SendNotice>(controller(AdministratorReconciledAgent{"beta"}));
    REQUIRE(sent.size() == 1);
    CHECK(sent[0].notice.drive == drive_1);
    CHECK(controller.agent("beta").record.state == AgentState::returning);
    CHECK(controller.agent("beta").record.incarnation == 3);
    controller.confirm(sent[0]);
    CHECK(controller.agent("beta").record.state == AgentState::started);
    controller(stopping("beta", 3));
    CHECK(controller(AdministratorReconciledAgent{"beta"}).empty());
    CHECK(controller(AdministratorReconciledAgent{"nobody"}).empty());
}

TEST_CASE("messages of agents that nobody configured change nothing") {
    Controller controller;
    controller(started("mallory", 1));
    controller(stopping("mallory", 1));
    CHECK(controller.rules().agents().size() == 3);
    CHECK(controller.has_event("LRA4008"));
}
