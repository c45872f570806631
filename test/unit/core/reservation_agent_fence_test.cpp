// Rules of agent/core/reservation_agent_fence.cpp.

#include "test/unit/core/controller.hpp"

using namespace core_test;

namespace {

SharingConfiguration with_fences() {
    auto configuration = two_drives_three_agents();
    for (auto& drive : configuration.drives)
        drive.fenced = true;
    configuration.unknown_holder = SharingConfiguration::UnknownHolder::notify;
    return configuration;
}

DriveObserved the_fence() {
    DriveObserved seen{drive_1, persistent(fc("50000000000000c0"), 3, 0x4c5241'0000000001),
                       HolderEvidence::full_status, DriveObserved::Source::poll};
    seen.held_by_controller = true;
    return seen;
}

// Drive 1 was held by port a, an administrator forced it offline, and its fence stands.
Controller with_drive_1_fenced() {
    Controller controller(with_fences());
    controller.bring_up_all();
    controller.confirm_all(controller.see(drive_1, reserved_by(port_a)));
    controller.confirm_all(
        controller(AdministratorForcedOffline{drive_1, "root", "its host is on fire"}));
    controller(OfflineForced{drive_1, {}});
    return controller;
}

std::size_t attempts(const ReservationAgentEffects& effects) {
    return all<ForceDriveOffline>(effects).size();
}

}  // namespace

TEST_CASE(
    "the controller's own reservation is no host's: nobody is told of it, nothing is alarmed") {
    auto controller = with_drive_1_fenced();
    controller.confirm_all(
        controller(the_fence()));  // port a's reservation has ended: that is told
    CHECK(controller.drive(drive_1).fence_stands);
    CHECK(controller.drive(drive_1).record.reservation == free_drive());
    CHECK(controller.drive(drive_1).operational_state() == OperationalState::forced_offline);

    CHECK(controller(the_fence()).empty());
    auto unnamed = the_fence();
    unnamed.reservation.holders.clear();
    unnamed.evidence = HolderEvidence::none;
    CHECK(controller(unnamed).empty());
    CHECK_FALSE(controller.alarm(AlarmKind::holder_unknown));
    CHECK_FALSE(controller.alarm(AlarmKind::drive_unprotected));

    controller(AdministratorCleared{drive_1, "root", "put out"});
    controller(the_fence());  // a look from before the lift
    CHECK(controller(OfflineLifted{drive_1, {}}).size() > 1);
    CHECK(controller.drive(drive_1).operational_state() == OperationalState::online);
    controller.see(drive_1, free_drive());
    CHECK_FALSE(controller.drive(drive_1).fence_stands);
    CHECK_FALSE(controller.alarm(AlarmKind::drive_forced_offline));
    CHECK_FALSE(all<SendNotice>(controller.see(drive_1, reserved_by(port_b))).empty());
}

TEST_CASE("a fence that was taken away is an alarm, and put up again at once") {
    auto controller = with_drive_1_fenced();
    controller(the_fence());
    const auto effects = controller.see(drive_1, persistent(port_b, 3, 7));
    CHECK(attempts(effects) == 1);
    CHECK(controller.has_event("LRA3020"));
    CHECK(controller.alarm(AlarmKind::drive_unprotected));
    CHECK(attempts(controller.see(drive_1, persistent(port_b, 3, 7))) == 0);  // on its way
    controller(OfflineForced{drive_1, {}});
    CHECK_FALSE(controller.alarm(AlarmKind::drive_unprotected));
    CHECK(controller.drive(drive_1).operational_state() == OperationalState::forced_offline);
}

TEST_CASE("a fence that is taken away again and again leaves the drive unprotected") {
    auto controller = with_drive_1_fenced();
    for (int loss = 0; loss < 3; ++loss) {
        CHECK(attempts(controller.see(drive_1, free_drive())) == 1);
        controller(OfflineForced{drive_1, {}});
        controller(the_fence());
    }
    CHECK(attempts(controller.see(drive_1, free_drive())) == 0);
    CHECK(controller.drive(drive_1).operational_state() == OperationalState::unprotected);
    CHECK(controller.alarm(AlarmKind::drive_unprotected));

    CHECK(attempts(controller.pass(5'000)) == 1);  // the pace of every actuator that fails
    controller(OfflineForced{drive_1, {}});
    CHECK(controller.drive(drive_1).operational_state() == OperationalState::forced_offline);
    CHECK(attempts(controller.see(drive_1, free_drive())) == 0);
    CHECK(attempts(controller.pass(5'000)) == 1);
    controller(OfflineForced{drive_1, {}});
    controller(the_fence());
    controller.pass(60'000);  // it has stood long enough for the next loss to be the first
    CHECK(attempts(controller.see(drive_1, free_drive())) == 1);
    CHECK(controller.drive(drive_1).operational_state() == OperationalState::forced_offline);
}

TEST_CASE("a look that tells nothing, or a drive forced offline otherwise, shows no lost fence") {
    auto controller = with_drive_1_fenced();
    CHECK(attempts(controller.see(drive_1, Reservation{})) == 0);
    CHECK(attempts(controller(DriveUnreachable{drive_1, "no answer"})) == 0);

    Controller by_the_drive;
    by_the_drive(AdministratorForcedOffline{drive_1, "root", "test"});
    by_the_drive(OfflineForced{drive_1, {}});
    CHECK(attempts(by_the_drive.see(drive_1, free_drive())) == 0);
}

TEST_CASE("after a restart a fence is put up again whether or not it stands") {
    auto controller = with_drive_1_fenced();
    CHECK(attempts(controller.restart()) == 1);
    CHECK(attempts(controller(the_fence())) == 0);
    controller(OfflineForced{drive_1, {}});
    CHECK(attempts(controller(the_fence())) == 0);
    CHECK(controller.drive(drive_1).operational_state() == OperationalState::forced_offline);
}

TEST_CASE("a fence nobody remembers is an alarm that says how to end it") {
    Controller controller;  // its actuators are no fences (any more)
    controller(the_fence());
    CHECK(controller.has_event("LRA3021"));
    CHECK(controller.alarm(AlarmKind::drive_forced_offline));
    CHECK(controller.drive(drive_1).operational_state() == OperationalState::online);
    const auto count = controller.events.size();
    controller(the_fence());
    CHECK(controller.events.size() == count);
    controller.restart();
    controller(the_fence());
    controller.see(drive_1, free_drive());
    CHECK(controller.has_event("LRA3022"));
    CHECK_FALSE(controller.alarm(AlarmKind::drive_forced_offline));
}

TEST_CASE("who ended a reservation, why and how is written down") {
    Controller controller;
    using Stage = ReleaseReported::Stage;
    controller(ReleaseReported{drive_1, Stage::asked, "root", "its host is gone"});
    controller(ReleaseReported{drive_1, Stage::step_taken, "root", "PREEMPT: done"});
    controller(ReleaseReported{drive_1, Stage::failed, "root", "still held"});
    controller(ReleaseReported{drive_1, Stage::succeeded, "root", "by PREEMPT"});
    controller(ReleaseReported{{"unknown"}, Stage::asked, "root", "no such drive"});
    REQUIRE(controller.events.size() == 4);
    const char* identifiers[] = {"LRA3023", "LRA3024", "LRA3026", "LRA3025"};
    for (std::size_t i = 0; i < 4; ++i) {
        CHECK(controller.events[i].message == identifiers[i]);
        CHECK_THAT(controller.events[i].text,
                   ContainsSubstring("root") && ContainsSubstring(drive_1.text));
    }
    CHECK_THAT(controller.events[0].text, ContainsSubstring("its host is gone"));
}
