#include "agent/core/drive_concerns.hpp"
#include "test/unit/core/controller.hpp"

using namespace core_test;

namespace {

constexpr std::int64_t stale_ms = 300'000;

SharingConfiguration judging() {
    auto configuration = two_drives_three_agents();
    configuration.stale_after = {stale_ms};
    configuration.mixed_within = {3'600'000};
    return configuration;
}

InitiatorPort iscsi(const std::string& host, const std::string& isid) {
    return {Transport::iscsi, "iqn.2026-01.lab.vm:" + host, isid, {}};
}

DriveExamined looked(const Reservation& seen, std::vector<Registration> registrations = {}) {
    return {drive_1, seen, std::move(registrations), std::nullopt, std::nullopt};
}

std::string alarm_text(Controller& controller, AlarmKind kind) {
    for (const auto& alarm : controller.rules().active_alarms()) {
        if (alarm.key.kind == kind) return alarm.text;
    }
    return "";
}

// A drive with these registrations, looked at until it is stale.
void stay(Controller& controller, const Reservation& reservation,
          const std::vector<Registration>& registrations, std::int64_t ms = stale_ms) {
    controller.see(drive_1, reservation, HolderEvidence::full_status, DriveObserved::Source::poll);
    controller(looked(reservation, registrations));
    controller.pass(ms);
}

}  // namespace

TEST_CASE("a holder that is no configured host's is an alarm after a while, with the next step") {
    Controller controller(judging());
    stay(controller, reserved_by(port_c), {}, stale_ms - 1);
    CHECK_FALSE(controller.alarm(AlarmKind::holder_not_configured));
    controller.pass(1);
    REQUIRE(controller.alarm(AlarmKind::holder_not_configured));
    CHECK_THAT(alarm_text(controller, AlarmKind::holder_not_configured),
               ContainsSubstring("fc:2100000e1e09a1b2") &&
                   ContainsSubstring("lractl drive release VT00000001 --plan"));
    CHECK(controller.has_event("LRA1020"));
    controller.see(drive_1, free_drive());
    CHECK_FALSE(controller.alarm(AlarmKind::holder_not_configured));
    CHECK(controller.has_event("LRA1026"));
}

TEST_CASE("a holder that goes in time is no concern, and without domains nobody is a stranger") {
    Controller controller(judging());
    stay(controller, reserved_by(port_c), {}, stale_ms - 1);
    controller.see(drive_1, free_drive());
    controller.pass(10 * stale_ms);
    CHECK_FALSE(controller.has_event("LRA1020"));

    auto configuration = judging();
    configuration.domains.clear();
    Controller nobody_listed(configuration);
    stay(nobody_listed, reserved_by(port_c), {}, 2 * stale_ms);
    CHECK_FALSE(nobody_listed.alarm(AlarmKind::holder_not_configured));
}

TEST_CASE("a holder whose agents are all lost is an alarm until one of them returns") {
    auto configuration = judging();
    configuration.on_missing = SharingConfiguration::OnMissing::alarm;
    Controller controller(configuration);
    controller.bring_up("alpha");
    stay(controller, reserved_by(port_a), {}, 60'000);  // alpha says nothing
    REQUIRE(controller.agent("alpha").record.state == AgentState::lost);
    CHECK_FALSE(controller.alarm(AlarmKind::holder_agent_lost));
    controller.pass(stale_ms);
    REQUIRE(controller.alarm(AlarmKind::holder_agent_lost));
    CHECK_THAT(alarm_text(controller, AlarmKind::holder_agent_lost),
               ContainsSubstring("agent alpha") && ContainsSubstring("payroll"));
    controller.bring_up("alpha", 2);
    CHECK_FALSE(controller.alarm(AlarmKind::holder_agent_lost));
}

TEST_CASE("registrations of strangers on a free drive are orphans, those of a held one are not") {
    Controller controller(judging());
    stay(controller, reserved_by(port_a), {{0x11, port_a, 1, true}, {0x22, port_c, 1, false}});
    CHECK_FALSE(controller.alarm(AlarmKind::registrations_orphaned));
    stay(controller, free_drive(), {{0x22, port_c, 1, false}});
    REQUIRE(controller.alarm(AlarmKind::registrations_orphaned));
    CHECK_THAT(alarm_text(controller, AlarmKind::registrations_orphaned),
               ContainsSubstring("fc:2100000e1e09a1b2 of no configured host"));
    controller(looked(free_drive()));
    CHECK_FALSE(controller.alarm(AlarmKind::registrations_orphaned));
}

TEST_CASE("an iSCSI host that logged in again and again has left its registrations behind") {
    auto configuration = judging();
    configuration.domains[0].ports.push_back(iscsi("hosta", ""));
    Controller controller(configuration);
    const std::vector<Registration> relogged{{0xaaaa, iscsi("hosta", "00023d000001"), 1, false},
                                             {0xaaaa, iscsi("hosta", "00023d000002"), 1, false}};
    stay(controller, free_drive(), relogged);
    REQUIRE(controller.alarm(AlarmKind::registrations_orphaned));
    CHECK_THAT(alarm_text(controller, AlarmKind::registrations_orphaned),
               ContainsSubstring("hosta under 2 ISIDs"));
    CHECK_FALSE(controller.alarm(AlarmKind::registrations_doubled));  // the host's own key

    // Through two target ports it is one host with two paths.
    auto two_paths = relogged;
    two_paths[1].relative_target_port = 2;
    controller(looked(free_drive(), two_paths));
    CHECK_FALSE(controller.alarm(AlarmKind::registrations_orphaned));
}

TEST_CASE("one key of two applications, and one port twice, are doubled registrations") {
    Controller controller(judging());
    stay(controller, reserved_by(port_a), {{0x11, port_a, 1, true}, {0x11, port_b, 1, false}});
    REQUIRE(controller.alarm(AlarmKind::registrations_doubled));
    CHECK_THAT(alarm_text(controller, AlarmKind::registrations_doubled),
               ContainsSubstring("key 0x0000000000000011 by fc:2100000e1e09a1b0 and by "
                                 "fc:2100000e1e09a1b1"));
    controller(looked(reserved_by(port_a), {{0x11, port_a, 1, true}}));
    CHECK_FALSE(controller.alarm(AlarmKind::registrations_doubled));

    stay(controller, reserved_by(port_a), {{0x11, port_a, 1, true}, {0x12, port_a, 1, false}});
    CHECK_THAT(alarm_text(controller, AlarmKind::registrations_doubled),
               ContainsSubstring("fc:2100000e1e09a1b0 twice"));
}

TEST_CASE("RESERVE and persistent reservations within the time are mixed, and later are not") {
    Controller controller(judging());
    controller(looked(reserved_by_nobody_knows_whom()));
    controller.pass(1'000);
    CHECK_FALSE(controller.alarm(AlarmKind::reservations_mixed));
    controller(looked(persistent(port_a, 3, 0x11)));
    REQUIRE(controller.alarm(AlarmKind::reservations_mixed));
    // A moment out of reach does not make it unseen.
    controller(DriveUnreachable{drive_1, "no answer"});
    controller.see(drive_1, persistent(port_a, 3, 0x11));
    controller(looked(persistent(port_a, 3, 0x11)));
    CHECK(controller.alarm(AlarmKind::reservations_mixed));
    controller.pass(3'600'000);
    CHECK_FALSE(controller.alarm(AlarmKind::reservations_mixed));
}

TEST_CASE("two applications under one registrants-only reservation are mixed") {
    Controller controller(judging());
    const std::vector<Registration> both{{0x11, port_a, 1, true}, {0x22, port_b, 1, false}};
    stay(controller, persistent(port_a, 3, 0x11), both, 10);
    CHECK_FALSE(controller.alarm(AlarmKind::reservations_mixed));
    stay(controller, persistent(port_a, 6, 0x11), both, 10);
    REQUIRE(controller.alarm(AlarmKind::reservations_mixed));
    CHECK_THAT(alarm_text(controller, AlarmKind::reservations_mixed),
               ContainsSubstring("archive, payroll"));
}

TEST_CASE("removal prevented on a free drive that stands still is left behind") {
    Controller controller(judging());
    controller.see(drive_1, free_drive());
    auto look = looked(free_drive());
    look.removal_prevented = true;
    look.moves_tape = true;
    controller(look);
    controller.pass(2 * stale_ms);
    CHECK_FALSE(controller.alarm(AlarmKind::removal_prevented));
    look.moves_tape = false;
    controller(look);
    controller.pass(stale_ms - 1);
    CHECK_FALSE(controller.alarm(AlarmKind::removal_prevented));
    controller(looked(free_drive()));  // a look that did not ask changes nothing
    controller.pass(1);
    REQUIRE(controller.alarm(AlarmKind::removal_prevented));
    look.removal_prevented = false;
    controller(look);
    CHECK_FALSE(controller.alarm(AlarmKind::removal_prevented));
}

TEST_CASE("a concern survives a restart without a second alarm, and a drive out of reach") {
    Controller controller(judging());
    stay(controller, free_drive(), {{0x22, port_c, 1, false}});
    REQUIRE(controller.alarm(AlarmKind::registrations_orphaned));
    const auto records = controller.events.size();
    controller.restart();
    CHECK(controller.alarm(AlarmKind::registrations_orphaned));
    controller(looked(free_drive(), {{0x22, port_c, 1, false}}));
    controller.pass(2 * stale_ms);
    CHECK(controller.alarm(AlarmKind::registrations_orphaned));
    for (std::size_t i = records; i < controller.events.size(); ++i)
        CHECK(controller.events[i].message != "LRA1022");
    controller(DriveUnreachable{drive_1, "no answer"});
    CHECK(controller.alarm(AlarmKind::registrations_orphaned));  // nobody has seen them go
    // What can not be told is not judged.
    controller(DriveExamined{drive_1, free_drive(), std::nullopt, std::nullopt, std::nullopt});
    CHECK(controller.alarm(AlarmKind::registrations_orphaned));
}

TEST_CASE("concerns that are not judged any more leave no alarm behind") {
    Controller controller(judging());
    stay(controller, free_drive(), {{0x22, port_c, 1, false}});
    REQUIRE(controller.alarm(AlarmKind::registrations_orphaned));
    controller.reconfigure(two_drives_three_agents());
    CHECK_FALSE(controller.alarm(AlarmKind::registrations_orphaned));
    stay(controller, reserved_by(port_c), {{0x22, port_c, 1, false}}, 10 * stale_ms);
    CHECK_FALSE(controller.alarm(AlarmKind::holder_not_configured));
}

TEST_CASE("many ports in one alarm are counted, not listed") {
    Controller controller(judging());
    std::vector<Registration> many;
    for (char c = '0'; c <= '9'; ++c)
        many.push_back({0x22, fc(std::string("210000000000000") + c), 1, false});
    stay(controller, free_drive(), many);
    CHECK_THAT(alarm_text(controller, AlarmKind::registrations_orphaned),
               ContainsSubstring("and 6 more"));
}
