#include "test/unit/core/controller.hpp"

using namespace core_test;

namespace {

AgentPresence life(const AgentName& name, std::uint64_t incarnation) {
    return {"library-1", name, incarnation};
}

}  // namespace

TEST_CASE("an agent that did not answer the controller before protects the drive under the next") {
    Controller controller;
    controller.bring_up("beta");
    controller.see(drive_1, reserved_by(port_a));  // told, and never confirmed
    controller.replaced();
    REQUIRE(controller.rules().handshakes({}).empty());
    const auto sent = all<SendNotice>(controller(ControllerTookOver{"beta", {}}));
    REQUIRE(sent.size() == 1);
    CHECK(sent[0].notice.id.epoch == 2);
    CHECK(controller.agent("beta").record.state == AgentState::returning);
    const auto forced = all<ForceDriveOffline>(controller.pass(20'000));
    REQUIRE(forced.size() == 1);
    CHECK(forced[0].drive == drive_1);
    CHECK(controller.agent("beta").record.state == AgentState::lost);
}

TEST_CASE("an agent that answers the next controller costs no drive") {
    Controller controller;
    controller.bring_up("beta");
    controller.see(drive_1, reserved_by(port_a));
    controller.replaced();
    controller.confirm_all(controller(ControllerTookOver{"beta", {}}));
    CHECK(controller.agent("beta").record.state == AgentState::started);
    CHECK(all<ForceDriveOffline>(controller.pass(60'000)).empty());
}

TEST_CASE(
    "a drive that is free, or refuses everyone, does not suffer from a change of controllers") {
    Controller controller;
    controller.bring_up("beta");
    controller.confirm_all(controller.see(drive_1, free_drive()));
    controller.confirm_all(controller.see(drive_2, reserved_by(port_a)));
    controller(AdministratorForcedOffline{drive_2, "root", "repair"});
    controller(OfflineForced{drive_2, std::nullopt});
    controller.replaced();
    CHECK(all<SendNotice>(controller(ControllerTookOver{"beta", {}})).size() == 2);
    CHECK(all<ForceDriveOffline>(controller.pass(60'000)).empty());
    CHECK(controller.agent("beta").record.state == AgentState::lost);
}

TEST_CASE("an agent that started under the other controller owes the next one its answers") {
    Controller controller;
    controller.see(drive_1, reserved_by(port_a));
    CHECK(controller(ControllerTookOver{"beta", {}}).empty());  // neither has seen it
    SECTION("and this controller has never seen it") {
        CHECK(all<SendNotice>(controller(ControllerTookOver{"beta", life("beta", 4)})).size() == 1);
    }
    SECTION("and this controller had seen it stop") {
        controller.bring_up("beta", 3);
        controller(AgentStopping{life("beta", 3)});
        CHECK(controller(ControllerTookOver{"beta", life("beta", 3)}).empty());
        CHECK(all<SendNotice>(controller(ControllerTookOver{"beta", life("beta", 4)})).size() == 1);
    }
    CHECK(controller.agent("beta").record.incarnation == 4);
    CHECK(all<ForceDriveOffline>(controller.pass(20'000)).size() == 1);
}

TEST_CASE("an agent that was lost before owes its answer too, as at any change") {
    Controller controller;
    controller.bring_up("beta");
    controller.see(drive_1, reserved_by(port_a));
    REQUIRE(all<ForceDriveOffline>(controller.pass(20'000)).size() == 1);
    controller(OfflineForced{drive_1, std::nullopt});
    controller(AdministratorCleared{drive_1, "root", "checked"});
    controller(OfflineLifted{drive_1, std::nullopt});
    controller.replaced();
    const auto asked = controller(ControllerTookOver{"beta", life("beta", 1)});
    REQUIRE(all<SendNotice>(asked).size() == 1);
    SECTION("it is in step with the other one by now") {
        controller.confirm_all(asked);
        CHECK(controller.agent("beta").record.state == AgentState::started);
        CHECK(all<ForceDriveOffline>(controller.pass(60'000)).empty());
    }
    SECTION("it is silent") {
        CHECK(all<ForceDriveOffline>(controller.pass(20'000)).size() == 1);
    }
}

TEST_CASE("that a drive is free is told by a controller that has looked at it itself") {
    Controller controller;
    controller.bring_up("beta");
    controller.confirm_all(controller.see(drive_1, free_drive()));
    controller.replaced({drive_1});
    CHECK(all<SendNotice>(controller(ControllerTookOver{"beta", {}})).empty());
    CHECK(controller.agent("beta").record.state == AgentState::returning);
    SECTION("it is") {
        const auto told = all<SendNotice>(controller.see(drive_1, free_drive()));
        REQUIRE(told.size() == 1);
        CHECK(told[0].notice.reservation.state == ReservationState::free);
        CHECK(controller.see(drive_1, free_drive()).empty());  // once
        controller.confirm(told[0]);
        CHECK(controller.agent("beta").record.state == AgentState::started);
        CHECK(all<ForceDriveOffline>(controller.pass(60'000)).empty());
    }
    SECTION("it is reserved since, and nobody had seen that here") {
        const auto told = all<SendNotice>(controller.see(drive_1, reserved_by(port_a)));
        REQUIRE(told.size() == 1);
        CHECK(told[0].notice.reservation == reserved_by(port_a));
    }
}

TEST_CASE("what was being asked in an excused way is waited for after a change of controllers") {
    Controller controller;
    controller.see(drive_1, reserved_by(port_a));
    controller(AgentStarted{life("beta", 1)});
    controller.replaced();
    controller(ControllerTookOver{"beta", {}});
    CHECK(all<ForceDriveOffline>(controller.pass(20'000)).size() == 1);
}

TEST_CASE("a controller that takes over takes nobody for in step before it has asked") {
    Controller controller;
    controller.see(drive_1, reserved_by(port_a));
    controller.bring_up("beta");
    controller(ControllerTookOver{"beta", {}});
    REQUIRE(controller.agent("beta").record.state == AgentState::returning);
    controller.events.clear();
    controller.replaced();
    controller(DriveUnreachable{drive_2, "silent"});
    CHECK(controller.agent("beta").record.state == AgentState::returning);
    CHECK_FALSE(controller.has_event("LRA4002"));
    controller.confirm_all(controller(ControllerTookOver{"beta", {}}));
    CHECK(controller.agent("beta").record.state == AgentState::started);
}
