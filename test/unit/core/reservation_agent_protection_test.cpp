#include "agent/core/protection_table.hpp"

#include "test/unit/core/controller.hpp"

using namespace core_test;

namespace {

// Drive 1 is forced offline because beta vanished; alpha is alive.
Controller with_drive_1_forced() {
    Controller controller;
    controller.bring_up("alpha");
    controller.bring_up("beta");
    const auto sent = all<SendNotice>(controller.see(drive_1, reserved_by(port_a)));
    controller.confirm(sent[0]);
    const auto effects = controller.pass(20'000);
    REQUIRE(all<ForceDriveOffline>(effects).size() == 1);
    for (const auto& notice : all<SendNotice>(effects)) {
        if (notice.agent == "alpha") controller.confirm(notice);
    }
    return controller;
}

}  // namespace

TEST_CASE("no row of the protection table leads online but a lift that succeeded") {
    for (const auto& row : protection_table) {
        CAPTURE(row.why);
        CHECK_FALSE(row.why.empty());
        if (row.to == ProtectionState::online && row.from != ProtectionState::online) {
            CHECK(row.from == ProtectionState::lifting);
            CHECK(row.event == ProtectionEvent::lift_succeeded);
        }
        if (row.to == ProtectionState::lifting && row.from != ProtectionState::lifting &&
            row.from != ProtectionState::online) {
            CHECK(row.event == ProtectionEvent::administrator_cleared);
        }
    }
}

TEST_CASE("an actuator that fails leaves the drive unprotected and is tried for ever") {
    auto controller = with_drive_1_forced();
    const auto failed = controller(OfflineForced{drive_1, "target does not answer"});
    CHECK(controller.drive(drive_1).record.operational_state == OperationalState::unprotected);
    CHECK(controller.alarm(AlarmKind::drive_unprotected));
    CHECK(all<AnnounceAlarm>(failed).front().alarm.severity == Severity::critical);
    for (int attempt = 0; attempt < 20; ++attempt) {
        REQUIRE(all<ForceDriveOffline>(controller.pass(5'000)).size() == 1);
        CHECK(all<AnnounceAlarm>(controller(OfflineForced{drive_1, "again"})).empty());
    }
    controller.pass(5'000);
    controller(OfflineForced{drive_1, {}});
    CHECK(controller.drive(drive_1).record.operational_state == OperationalState::forced_offline);
    CHECK_FALSE(controller.alarm(AlarmKind::drive_unprotected));
    CHECK(controller.alarm(AlarmKind::drive_forced_offline));
    CHECK(all<ForceDriveOffline>(controller.pass(60'000)).empty());
}

TEST_CASE("only the administrator ends forced offline, and answers for what is missing") {
    auto controller = with_drive_1_forced();
    controller(OfflineForced{drive_1, {}});
    controller.see(drive_1, free_drive());
    controller.pass(100'000);
    CHECK(controller.drive(drive_1).record.operational_state == OperationalState::forced_offline);

    const auto clear = controller(AdministratorCleared{drive_1, "root", "checked"});
    CHECK(all<LiftDriveOffline>(clear).size() == 1);
    CHECK(controller.rules().handshakes({}).empty());
    CHECK(controller.drive(drive_1).record.operational_state == OperationalState::forced_offline);

    const auto lifted = controller(OfflineLifted{drive_1, {}});
    CHECK(controller.drive(drive_1).record.operational_state == OperationalState::online);
    CHECK_FALSE(controller.alarm(AlarmKind::drive_forced_offline));
    for (const auto& sent : all<SendNotice>(lifted)) {
        CHECK(sent.notice.operational_state == OperationalState::online);
    }
    CHECK(all<SendNotice>(lifted).size() == 2);  // the lost agent is told, and nobody waits for it
}

TEST_CASE("after a clear only started agents owe; a lost one owes again at the next change") {
    auto controller = with_drive_1_forced();
    controller(OfflineForced{drive_1, {}});
    controller(AdministratorCleared{drive_1, "root", "checked"});
    const auto lifted = controller(OfflineLifted{drive_1, {}});
    for (const auto& sent : all<SendNotice>(lifted)) {
        if (sent.agent == "alpha") controller.confirm(sent);
    }
    CHECK(controller.rules().handshakes({}).empty());
    CHECK(all<ForceDriveOffline>(controller.pass(100'000)).empty());
    const auto change = all<SendNotice>(controller.see(drive_1, free_drive()));
    for (const auto& sent : change) {
        if (sent.agent == "alpha") controller.confirm(sent);
    }
    CHECK(all<ForceDriveOffline>(controller.pass(20'000)).size() == 1);
}

TEST_CASE("a lift that fails leaves the drive forced offline and says why") {
    auto controller = with_drive_1_forced();
    controller(OfflineForced{drive_1, {}});
    controller(AdministratorCleared{drive_1, "root", "checked"});
    const auto effects = controller(OfflineLifted{drive_1, "command failed"});
    CHECK(controller.drive(drive_1).record.operational_state == OperationalState::forced_offline);
    CHECK(controller.has_event("LRA3006"));
    CHECK(all<ForceDriveOffline>(effects).size() == 1);  // nobody knows what the drive does now
    controller(OfflineForced{drive_1, {}});
    CHECK(controller.drive(drive_1).record.operational_state == OperationalState::forced_offline);
}

TEST_CASE("reservation changes of a forced drive are told, and force nothing more") {
    auto controller = with_drive_1_forced();
    controller(OfflineForced{drive_1, {}});
    const auto sent = all<SendNotice>(controller.see(drive_1, reserved_by(port_b)));
    CHECK(sent.size() == 2);
    CHECK(sent[0].notice.operational_state == OperationalState::forced_offline);
    CHECK(sent[0].notice.reservation == reserved_by(port_b));
    CHECK(all<ForceDriveOffline>(controller.pass(100'000)).empty());
    CHECK(controller.drive(drive_1).record.reservation == reserved_by(port_b));
}

TEST_CASE("an administrator can force a drive offline without any debt") {
    Controller controller;
    controller.bring_up_all();
    controller.see(drive_1, free_drive());
    const auto effects = controller(AdministratorForcedOffline{drive_1, "root", "cleaning"});
    CHECK(all<ForceDriveOffline>(effects).size() == 1);
    CHECK_THAT(controller.drive(drive_1).record.offline_reason, ContainsSubstring("cleaning"));
    CHECK(all<ForceDriveOffline>(controller(AdministratorForcedOffline{drive_1, "root", "x"}))
              .empty());
}

TEST_CASE("clearing a drive that is online excuses its debts, and whoever lives is told afresh") {
    Controller controller;
    controller.bring_up_all();
    controller.see(drive_1, reserved_by(port_a));
    const auto effects = controller(AdministratorCleared{drive_1, "root", "hosts are down"});
    CHECK(all<LiftDriveOffline>(effects).empty());
    const auto afresh = all<SendNotice>(effects);
    REQUIRE(afresh.size() == 3);
    controller.confirm(afresh[0]);
    CHECK(all<ForceDriveOffline>(controller.pass(100'000)).empty());
    CHECK(controller.agent("alpha").record.state == AgentState::started);
    CHECK(controller.agent("beta").record.state == AgentState::lost);
}

TEST_CASE("answers that come out of turn end on the safe side") {
    auto controller = with_drive_1_forced();
    controller(OfflineForced{drive_1, {}});
    SECTION("a late lift undoes what was forced: forced again") {
        CHECK(all<ForceDriveOffline>(controller(OfflineLifted{drive_1, {}})).size() == 1);
    }
    SECTION("forced again by the administrator while it is being lifted") {
        controller(AdministratorCleared{drive_1, "root", "checked"});
        CHECK(all<ForceDriveOffline>(controller(AdministratorForcedOffline{drive_1, "root", "no"}))
                  .size() == 1);
        controller(OfflineLifted{drive_1, {}});
        CHECK(controller.drive(drive_1).record.operational_state ==
              OperationalState::forced_offline);
    }
    SECTION("a force that lands after the lift is lifted") {
        controller(AdministratorCleared{drive_1, "root", "checked"});
        controller(OfflineLifted{drive_1, {}});
        CHECK(all<LiftDriveOffline>(controller(OfflineForced{drive_1, {}})).size() == 1);
        SECTION("and when it can not be, it is shown as what it is") {
            const auto effects = controller(OfflineLifted{drive_1, "busy"});
            CHECK(all<ForceDriveOffline>(effects).size() == 1);
            CHECK(controller.drive(drive_1).record.operational_state ==
                  OperationalState::forced_offline);
            return;
        }
        controller(OfflineLifted{drive_1, {}});
        CHECK(controller.drive(drive_1).record.operational_state == OperationalState::online);
    }
}

TEST_CASE("inputs about drives that nobody configured change nothing") {
    Controller controller;
    const DriveSerial other{"OTHER"};
    CHECK(controller.see(other, reserved_by(port_a)).empty());
    CHECK(controller(DriveUnreachable{other, "x"}).empty());
    CHECK(controller(OfflineForced{other, {}}).empty());
    CHECK(controller(OfflineLifted{other, {}}).empty());
    CHECK(controller(AdministratorCleared{other, "root", "x"}).empty());
    CHECK(controller(AdministratorForcedOffline{other, "root", "x"}).empty());
    CHECK(controller(NoticeReceived{"nobody", other, {1, 1}}).empty());
}
