#include "test/unit/core/controller.hpp"

using namespace core_test;

TEST_CASE("a reservation of a shared drive is told to every started agent, recorded first") {
    Controller controller;
    controller.bring_up_all();
    const auto effects = controller.see(drive_1, reserved_by(port_a));
    const auto sent = all<SendNotice>(effects);
    REQUIRE(sent.size() == 3);
    CHECK(sent[0].agent == "alpha");
    CHECK(sent[0].attempt == 1);
    CHECK(sent[0].notice.reservation == reserved_by(port_a));
    CHECK(sent[0].notice.holder_domain == "payroll");
    CHECK(sent[0].notice.evidence == HolderEvidence::drive_event);
    CHECK(sent[0].notice.id == sent[2].notice.id);
    CHECK(all<RecordDrive>(effects).front().record.newest_notice == sent[0].notice.id);
    CHECK(all<RecordDebt>(effects).size() == 3);
    CHECK(controller.rules().handshakes({}).size() == 3);
}

TEST_CASE("the same reservation again is not told again") {
    Controller controller;
    controller.bring_up_all();
    controller.see(drive_1, reserved_by(port_a));
    CHECK(controller.see(drive_1, reserved_by(port_a)).empty());
}

TEST_CASE("when the last confirmation is in, nobody is waited for and nobody is sent to") {
    Controller controller;
    controller.bring_up_all();
    const auto sent = all<SendNotice>(controller.see(drive_1, reserved_by(port_a)));
    for (const auto& notice : sent) {
        const auto effects = controller.confirm(notice);
        CHECK(all<StopSending>(effects).size() == 1);
        CHECK(all<RecordDebt>(effects).front().record.unconfirmed.empty());
    }
    CHECK(controller.rules().handshakes({}).empty());
    CHECK_FALSE(controller.rules().next_wakeup());
    CHECK(controller.has_event("LRA2007"));
    CHECK(controller.confirm(sent[0]).empty());  // a duplicate
}

TEST_CASE("a confirmation never counts for a newer notice") {
    Controller controller;
    controller.bring_up_all();
    const auto first = all<SendNotice>(controller.see(drive_1, reserved_by(port_a)));
    controller.see(drive_1, reserved_by(port_b));
    controller.confirm(first[0]);
    const auto handshakes = controller.rules().handshakes({});
    CHECK(handshakes.size() == 3);
    CHECK(handshakes[0].oldest_unconfirmed == handshakes[0].newest);
    CHECK(handshakes[1].oldest_unconfirmed == first[1].notice.id);
}

TEST_CASE("a confirmation of something never said counts for nothing") {
    Controller controller;
    controller.bring_up_all();
    auto sent = all<SendNotice>(controller.see(drive_1, reserved_by(port_a))).front();
    sent.notice.id.sequence += 100;
    controller.confirm(sent);
    CHECK(controller.rules().handshakes({}).size() == 3);
    CHECK(controller.has_event("LRA2008"));
    sent.notice.controller = "somebody-else";
    controller.confirm(sent);
    sent.agent = "nobody";
    controller.confirm(sent);
    CHECK(controller.rules().handshakes({}).size() == 3);
}

TEST_CASE("the acknowledgement of an SNMP engine is shown and never counts") {
    Controller controller;
    controller.bring_up_all();
    const auto sent = all<SendNotice>(controller.see(drive_1, reserved_by(port_a))).front();
    controller(NoticeReceived{sent.agent, drive_1, sent.notice.id});
    const auto handshakes = controller.rules().handshakes({});
    REQUIRE(handshakes.size() == 3);
    CHECK(handshakes[0].received);
    CHECK_FALSE(handshakes[1].received);
}

TEST_CASE("failed is no confirmation: the debt stays and shows the answer") {
    Controller controller;
    controller.bring_up_all();
    const auto sent = all<SendNotice>(controller.see(drive_1, reserved_by(port_a)));
    controller.confirm(sent[1], ConfirmationResult::failed);
    const auto handshakes = controller.rules().handshakes({});
    REQUIRE(handshakes.size() == 3);
    CHECK_THAT(handshakes[1].last_answer, ContainsSubstring("failed"));
    CHECK(controller.has_event("LRA2004"));
}

TEST_CASE("a drive that is not shared is recorded and nobody is told") {
    auto configuration = two_drives_three_agents();
    configuration.drives[0].shared = false;
    Controller controller(configuration);
    controller.bring_up_all();
    const auto effects = controller.see(drive_1, reserved_by(port_a));
    CHECK(all<SendNotice>(effects).empty());
    CHECK(controller.drive(drive_1).record.reservation == reserved_by(port_a));
}

TEST_CASE("agents that stopped or were never seen are not told") {
    Controller controller;
    controller.bring_up("alpha");
    controller.bring_up("beta");
    controller(AgentStopping{{"library-1", "beta", 1}});
    const auto sent = all<SendNotice>(controller.see(drive_1, reserved_by(port_a)));
    REQUIRE(sent.size() == 1);
    CHECK(sent[0].agent == "alpha");
}

TEST_CASE("a drive that does not answer raises an alarm and keeps its last reservation") {
    Controller controller;
    controller.bring_up_all();
    controller.confirm_all(controller.see(drive_1, reserved_by(port_a)));
    const auto effects = controller(DriveUnreachable{drive_1, "timed out"});
    CHECK(all<SendNotice>(effects).empty());
    CHECK(all<RecordDrive>(effects).empty());
    CHECK(all<AnnounceAlarm>(effects).size() == 1);
    CHECK(controller.drive(drive_1).operational_state() == OperationalState::unreachable);
    CHECK(controller.drive(drive_1).record.reservation == reserved_by(port_a));
    CHECK(controller(DriveUnreachable{drive_1, "timed out"}).empty());
    const auto back = controller.see(drive_1, reserved_by(port_a));
    CHECK(all<AnnounceAlarm>(back).size() == 1);
    CHECK_FALSE(all<AnnounceAlarm>(back).front().active);
    CHECK(all<SendNotice>(back).empty());
    CHECK(controller.drive(drive_1).operational_state() == OperationalState::online);
}

TEST_CASE("an unknown holder is told, or not, as configured") {
    auto configuration = two_drives_three_agents();
    using enum SharingConfiguration::UnknownHolder;
    const auto unknown = reserved_by_nobody_knows_whom();
    const auto poll = DriveObserved::Source::poll;
    SECTION("alarm: people are told and agents are not") {
        configuration.unknown_holder = alarm;
        Controller controller(configuration);
        controller.bring_up_all();
        CHECK(
            all<SendNotice>(controller.see(drive_1, unknown, HolderEvidence::none, poll)).empty());
        CHECK(controller.alarm(AlarmKind::holder_unknown));
        const auto known = controller.see(drive_1, reserved_by(port_a));
        CHECK(all<SendNotice>(known).size() == 3);
        CHECK_FALSE(controller.alarm(AlarmKind::holder_unknown));
    }
    SECTION("notify: every agent keeps off") {
        configuration.unknown_holder = notify;
        Controller controller(configuration);
        controller.bring_up_all();
        const auto sent =
            all<SendNotice>(controller.see(drive_1, unknown, HolderEvidence::none, poll));
        REQUIRE(sent.size() == 3);
        CHECK(sent[0].notice.reservation.holders.empty());
        CHECK(controller.alarm(AlarmKind::holder_unknown));
        controller.see(drive_1, free_drive(), HolderEvidence::none, poll);
        CHECK_FALSE(controller.alarm(AlarmKind::holder_unknown));
    }
    SECTION("force_offline: no chance is taken") {
        configuration.unknown_holder = force_offline;
        Controller controller(configuration);
        controller.bring_up_all();
        const auto effects = controller.see(drive_1, unknown, HolderEvidence::none, poll);
        CHECK(all<ForceDriveOffline>(effects).size() == 1);
        CHECK(all<SendNotice>(effects).front().notice.operational_state ==
              OperationalState::forced_offline);
    }
}

TEST_CASE("a configuration that moves a port to another domain is told") {
    auto configuration = two_drives_three_agents();
    Controller controller(configuration);
    controller.bring_up_all();
    controller.confirm_all(controller.see(drive_1, reserved_by(port_c)));
    configuration.domains.push_back({"media", {port_c}});
    const auto sent = all<SendNotice>(controller.reconfigure(configuration));
    REQUIRE(sent.size() == 3);
    CHECK(sent[0].notice.drive == drive_1);
    CHECK(sent[0].notice.holder_domain == "media");
}

TEST_CASE("an agent or drive that leaves the configuration owes nothing") {
    auto configuration = two_drives_three_agents();
    Controller controller(configuration);
    controller.bring_up_all();
    controller.see(drive_1, reserved_by(port_a));
    configuration.agents.pop_back();
    const auto effects = controller.reconfigure(configuration);
    CHECK(all<StopSending>(effects).size() == 1);
    CHECK(controller.rules().handshakes({}).size() == 2);
    configuration.drives.erase(configuration.drives.begin());
    controller.reconfigure(configuration);
    CHECK(controller.rules().handshakes({}).empty());
    CHECK_FALSE(controller.rules().next_wakeup());
}
