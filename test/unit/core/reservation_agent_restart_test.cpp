#include <algorithm>

#include "test/unit/core/controller.hpp"

using namespace core_test;

TEST_CASE("what was unconfirmed is asked again in the new epoch, from those who owe alone") {
    Controller controller;
    controller.bring_up_all();
    const auto sent = all<SendNotice>(controller.see(drive_1, reserved_by(port_a)));
    controller.confirm(sent[0]);
    const auto again = all<SendNotice>(controller.restart());
    REQUIRE(again.size() == 2);
    CHECK(again[0].agent == "beta");
    CHECK(again[0].notice.id.epoch == 2);
    CHECK(again[0].notice.reservation == reserved_by(port_a));
    SECTION("a confirmation from before the restart does not count") {
        controller.confirm(sent[1]);
        CHECK(controller.rules().handshakes({}).size() == 2);
    }
    SECTION("the clock begins anew and ends in forced offline all the same") {
        CHECK(all<ForceDriveOffline>(controller.pass(19'999)).empty());
        CHECK(all<ForceDriveOffline>(controller.pass(1)).size() == 1);
    }
    SECTION("one answer each settles it") {
        controller.confirm(again[0]);
        controller.confirm(again[1]);
        CHECK(controller.rules().handshakes({}).empty());
        CHECK(controller.restart().empty());
    }
}

TEST_CASE("a settled agent is not bothered by a restart, dead or alive") {
    Controller controller;
    controller.bring_up_all();
    controller.confirm_all(controller.see(drive_1, reserved_by(port_a)));
    CHECK(controller.restart().empty());
    CHECK_FALSE(controller.rules().next_wakeup());
    CHECK(controller.see(drive_1, reserved_by(port_a)).empty());
}

TEST_CASE("a reservation that changed while the controller was down is a change as any other") {
    Controller controller;
    controller.bring_up_all();
    controller.confirm_all(controller.see(drive_1, reserved_by(port_a)));
    controller.restart();
    CHECK(all<SendNotice>(controller.see(drive_1, free_drive())).size() == 3);
}

TEST_CASE("forced offline survives restarts and is made sure of at each") {
    Controller controller;
    controller.bring_up("beta");
    controller.see(drive_1, reserved_by(port_a));
    controller.pass(20'000);
    for (int restart = 0; restart < 3; ++restart) {
        const auto effects = controller.restart();
        CHECK(all<ForceDriveOffline>(effects).size() == 1);
        CHECK(all<AnnounceAlarm>(effects).empty());  // an alarm is announced once
        CHECK(controller.alarm(AlarmKind::drive_forced_offline));
        CHECK(controller.drive(drive_1).record.operational_state ==
              OperationalState::forced_offline);
    }
    SECTION("a restart between clear and lift leaves it forced") {
        controller(OfflineForced{drive_1, {}});
        controller(AdministratorCleared{drive_1, "root", "checked"});
        CHECK(all<ForceDriveOffline>(controller.restart()).size() == 1);
    }
}

TEST_CASE("a drive that leaves the configuration forced offline comes back forced offline") {
    auto without = two_drives_three_agents();
    without.drives.erase(without.drives.begin());
    Controller controller;
    controller.bring_up("beta");
    controller.see(drive_1, reserved_by(port_a));
    controller.pass(20'000);
    controller(OfflineForced{drive_1, {}});
    REQUIRE(controller.drive(drive_1).record.operational_state == OperationalState::forced_offline);

    const auto left = controller.reconfigure(without);
    const auto said = all<RecordEvent>(left);
    CHECK(std::any_of(said.begin(), said.end(), [](const RecordEvent& event) {
        return event.record.message == "LRA3009" && event.record.drive == drive_1;
    }));
    CHECK(controller.alarm(AlarmKind::drive_forced_offline));
    SECTION("at once") {}
    SECTION("after a restart in between") {
        controller.restart();
        CHECK(controller.alarm(AlarmKind::drive_forced_offline));
    }
    const auto back = controller.reconfigure(two_drives_three_agents());
    CHECK(all<ForceDriveOffline>(back).size() == 1);
    CHECK(controller.drive(drive_1).record.operational_state == OperationalState::forced_offline);
    CHECK(controller.alarm(AlarmKind::drive_forced_offline));
    CHECK(all<ForceDriveOffline>(controller.reconfigure(two_drives_three_agents())).empty());
}

TEST_CASE("an unprotected drive is tried again at once") {
    Controller controller;
    controller.bring_up("beta");
    controller.see(drive_1, reserved_by(port_a));
    controller.pass(20'000);
    controller(OfflineForced{drive_1, "no"});
    CHECK(all<ForceDriveOffline>(controller.restart()).size() == 1);
    CHECK(controller.drive(drive_1).record.operational_state == OperationalState::unprotected);
    controller(OfflineForced{drive_1, "no"});
    CHECK(all<ForceDriveOffline>(controller.pass(5'000)).size() == 1);
}

TEST_CASE("a starting agent is still starting after a restart") {
    Controller controller;
    controller.see(drive_1, reserved_by(port_a));
    controller(AgentStarted{{"library-1", "beta", 1}});
    const auto again = all<SendNotice>(controller.restart());
    REQUIRE(again.size() == 1);
    CHECK(controller.agent("beta").record.state == AgentState::starting);
    controller.confirm(again[0]);
    CHECK(controller.agent("beta").record.state == AgentState::started);
}

TEST_CASE("what a returning agent owes, and what it is excused from, survives a restart") {
    Controller controller;
    controller.see(drive_1, reserved_by(port_a));
    controller.see(drive_2, free_drive());
    controller.bring_up("beta", 1);
    controller(AgentStarted{{"library-1", "beta", 2}});
    controller.see(drive_2, reserved_by(port_a));
    controller.restart();
    CHECK(controller.agent("beta").record.state == AgentState::returning);
    const auto forced = all<ForceDriveOffline>(controller.pass(60'000));
    REQUIRE(forced.size() == 1);
    CHECK(forced[0].drive == drive_2);
}

TEST_CASE("what the configuration no longer lists is forgotten, but for its forced offline") {
    Controller controller;
    controller.bring_up("beta");
    controller.see(drive_1, reserved_by(port_a));
    controller.pass(20'000);
    auto state = controller.stored();
    auto configuration = two_drives_three_agents();
    configuration.drives.erase(configuration.drives.begin());
    configuration.agents.clear();
    ReservationAgent rules(configuration, state, 2);
    const auto effects = rules.start({{0}, {0}});
    REQUIRE(rules.active_alarms().size() == 1);
    CHECK(rules.active_alarms().front().key.drive == drive_1);
    CHECK(all<ForceDriveOffline>(effects).empty());
    CHECK(rules.handshakes({}).empty());
}
