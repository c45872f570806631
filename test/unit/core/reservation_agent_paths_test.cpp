#include "test/unit/core/controller.hpp"

using namespace core_test;

namespace {

DriveUnreachable silent_path() {
    return {drive_1, "no answer", std::nullopt};
}

DriveUnreachable path_to_another() {
    return {drive_1, "/dev/sg3 leads to drive VT00000009 now",
            DriveUnreachable::OtherDrive{"/dev/sg3", {"VT00000009"}}};
}

std::string path_alarm_text(Controller& controller) {
    for (const auto& alarm : controller.rules().active_alarms()) {
        if (alarm.key.kind == AlarmKind::drive_path_changed) return alarm.text;
    }
    return "";
}

}  // namespace

TEST_CASE("another drive at the end of a path is an alarm of its own, with the next step") {
    Controller controller(two_drives_three_agents());
    controller(path_to_another());
    REQUIRE(controller.alarm(AlarmKind::drive_path_changed));
    CHECK_FALSE(controller.alarm(AlarmKind::drive_unreachable));
    CHECK_THAT(path_alarm_text(controller),
               ContainsSubstring(drive_1.text) && ContainsSubstring("/dev/sg3") &&
                   ContainsSubstring("VT00000009") && ContainsSubstring("lractl drive discover"));
    CHECK(controller.drive(drive_1).operational_state() == OperationalState::unreachable);
    controller.see(drive_1, free_drive());
    CHECK_FALSE(controller.alarm(AlarmKind::drive_path_changed));
    CHECK(controller.has_event("LRA1060"));
    CHECK(controller.has_event("LRA1061"));
    CHECK(controller.drive(drive_1).operational_state() == OperationalState::online);
}

TEST_CASE("of a silent path and one to another drive the newer counts") {
    Controller controller(two_drives_three_agents());
    controller(silent_path());
    CHECK(controller.alarm(AlarmKind::drive_unreachable));
    controller(path_to_another());
    CHECK_FALSE(controller.alarm(AlarmKind::drive_unreachable));
    CHECK(controller.alarm(AlarmKind::drive_path_changed));
    controller(silent_path());
    CHECK(controller.alarm(AlarmKind::drive_unreachable));
    CHECK_FALSE(controller.alarm(AlarmKind::drive_path_changed));
}

TEST_CASE("a path that stays wrong is told once") {
    Controller controller(two_drives_three_agents());
    controller(path_to_another());
    const auto before = controller.rules().active_alarms();
    for (int i = 0; i < 5; ++i)
        controller(path_to_another());
    CHECK(controller.rules().active_alarms() == before);
}
