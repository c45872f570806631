#include "test/unit/core/controller.hpp"

using namespace core_test;

TEST_CASE(
    "a missing confirmation is asked for again from that agent alone, then the drive is forced") {
    Controller controller;
    controller.bring_up_all();
    const auto sent = all<SendNotice>(controller.see(drive_1, reserved_by(port_a)));
    controller.confirm(sent[0]);
    controller.confirm(sent[1]);

    CHECK(controller.pass(9'999).empty());
    const auto retry = controller.pass(1);
    REQUIRE(all<SendNotice>(retry).size() == 1);
    CHECK(all<SendNotice>(retry)[0].agent == "gamma");
    CHECK(all<SendNotice>(retry)[0].attempt == 2);
    CHECK(all<SendNotice>(retry)[0].notice == sent[2].notice);
    CHECK(controller.alarm(AlarmKind::handshake_incomplete));
    CHECK_FALSE(controller.alarm(AlarmKind::agent_lost));

    CHECK(controller.pass(9'999).empty());
    const auto end = controller.pass(1);
    REQUIRE(all<ForceDriveOffline>(end).size() == 1);
    CHECK(all<ForceDriveOffline>(end)[0].drive == drive_1);
    CHECK(controller.drive(drive_1).record.operational_state == OperationalState::forced_offline);
    CHECK(controller.agent("gamma").record.state == AgentState::lost);
    CHECK(controller.agent("gamma").record.missed == 1);
    CHECK(controller.alarm(AlarmKind::agent_lost));
    CHECK(controller.alarm(AlarmKind::drive_forced_offline));
    // The first of the other effects is the one that protects.
    for (const auto& effect : end) {
        if (is_record(effect)) continue;
        CHECK(std::holds_alternative<ForceDriveOffline>(effect));
        break;
    }
    for (const auto& notice : all<SendNotice>(end)) {
        CHECK(notice.notice.operational_state == OperationalState::forced_offline);
    }
}

TEST_CASE("superseding does not forgive: a flapping drive is forced within one budget") {
    Controller controller;
    controller.bring_up_all();
    ReservationAgentEffects forced;
    for (int flap = 0; flap < 50 && forced.empty(); ++flap) {
        const auto effects =
            controller.see(drive_1, flap % 2 == 0 ? reserved_by(port_a) : free_drive());
        for (const auto& sent : all<SendNotice>(effects)) {
            if (sent.agent != "gamma") controller.confirm(sent);
        }
        for (const auto& effect : controller.pass(500)) {
            if (std::holds_alternative<ForceDriveOffline>(effect)) {
                forced.push_back(effect);
                CHECK(flap == 39);  // 20 s after the first notice
            }
        }
    }
    CHECK(forced.size() == 1);
}

TEST_CASE("the alarm handshake_incomplete ends when the agent confirms after all") {
    Controller controller;
    controller.bring_up("alpha");
    const auto sent = all<SendNotice>(controller.see(drive_1, reserved_by(port_b)));
    controller.pass(12'000);
    CHECK(controller.alarm(AlarmKind::handshake_incomplete));
    controller.confirm(sent[0]);
    CHECK_FALSE(controller.alarm(AlarmKind::handshake_incomplete));
    controller.pass(60'000);
    CHECK(controller.drive(drive_1).record.operational_state == OperationalState::online);
}

TEST_CASE("failed answers are asked again on schedule and end in forced offline") {
    Controller controller;
    controller.bring_up("alpha");
    const auto sent = all<SendNotice>(controller.see(drive_1, reserved_by(port_b)));
    controller.confirm(sent[0], ConfirmationResult::failed);
    const auto retry = all<SendNotice>(controller.pass(10'000));
    REQUIRE(retry.size() == 1);
    controller.confirm(retry[0], ConfirmationResult::failed);
    CHECK(all<ForceDriveOffline>(controller.pass(10'000)).size() == 1);
}

TEST_CASE("without retries the first timeout is the last") {
    auto configuration = two_drives_three_agents();
    configuration.handshake_retries = 0;
    Controller controller(configuration);
    controller.bring_up("alpha");
    controller.see(drive_1, reserved_by(port_b));
    const auto effects = controller.pass(10'000);
    CHECK(all<ForceDriveOffline>(effects).size() == 1);
    CHECK(controller.alarm(AlarmKind::handshake_incomplete));
}

TEST_CASE("on_missing alarm only tells people") {
    auto configuration = two_drives_three_agents();
    configuration.on_missing = SharingConfiguration::OnMissing::alarm;
    Controller controller(configuration);
    controller.bring_up("alpha");
    controller.see(drive_1, reserved_by(port_b));
    const auto effects = controller.pass(30'000);
    CHECK(all<ForceDriveOffline>(effects).empty());
    CHECK(controller.alarm(AlarmKind::agent_lost));
    CHECK(controller.drive(drive_1).record.operational_state == OperationalState::online);
    CHECK_FALSE(controller.rules().next_wakeup());
    SECTION("and a change of the configuration is taken seriously") {
        configuration.on_missing = SharingConfiguration::OnMissing::force_offline;
        CHECK(all<ForceDriveOffline>(controller.reconfigure(configuration)).size() == 1);
    }
}

TEST_CASE("a lost agent still owes: the next change of another drive forces that one too") {
    Controller controller;
    controller.bring_up("alpha");
    controller.see(drive_1, reserved_by(port_b));
    controller.pass(20'000);
    REQUIRE(controller.agent("alpha").record.state == AgentState::lost);
    const auto sent = all<SendNotice>(controller.see(drive_2, reserved_by(port_b)));
    REQUIRE(sent.size() == 1);
    const auto effects = controller.pass(20'000);
    REQUIRE(all<ForceDriveOffline>(effects).size() == 1);
    CHECK(all<ForceDriveOffline>(effects)[0].drive == drive_2);
    CHECK(controller.agent("alpha").record.missed == 2);
}

TEST_CASE("after a stall longer than the budget, confirmations that had arrived are heard first") {
    Controller controller;
    controller.bring_up_all();
    const auto sent = all<SendNotice>(controller.see(drive_1, reserved_by(port_a)));
    REQUIRE(sent.size() == 3);
    const Now late{{controller.now().monotonic.ms + 25'000}, {controller.now().wall.ms + 25'000}};
    for (const auto& notice : sent) {
        const NoticeConfirmed confirmed{{notice.notice.id,
                                         notice.notice.controller,
                                         notice.agent,
                                         drive_1,
                                         ConfirmationResult::set_offline,
                                         {}}};
        CHECK(all<ForceDriveOffline>(controller.rules().hear(confirmed, late)).empty());
    }
    CHECK(all<ForceDriveOffline>(controller.rules().step(TimePassed{}, late)).empty());
    CHECK(controller.drive(drive_1).record.operational_state == OperationalState::online);
    CHECK_FALSE(controller.alarm(AlarmKind::handshake_incomplete));
}

TEST_CASE("hearing does not forgive: who is silent is given up at the next step") {
    Controller controller;
    controller.bring_up_all();
    const auto sent = all<SendNotice>(controller.see(drive_1, reserved_by(port_a)));
    const Now late{{controller.now().monotonic.ms + 25'000}, {controller.now().wall.ms + 25'000}};
    const NoticeConfirmed confirmed{{sent[0].notice.id,
                                     sent[0].notice.controller,
                                     sent[0].agent,
                                     drive_1,
                                     ConfirmationResult::set_offline,
                                     {}}};
    CHECK(all<ForceDriveOffline>(controller.rules().hear(confirmed, late)).empty());
    CHECK(all<ForceDriveOffline>(controller.rules().step(TimePassed{}, late)).size() == 1);
}
