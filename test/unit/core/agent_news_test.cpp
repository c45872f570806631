#include "agent/core/agent_news.hpp"

#include "test/unit/core/controller.hpp"

using namespace core_test;

namespace {

// What a controller that serves does with a row that the other node has put.
ReservationAgentEffects read_row(Controller& controller, AgentRoster& roster,
                                 const AgentWord& row) {
    ReservationAgentEffects effects;
    for (const auto& news : roster.adopt({row})) {
        for (const auto& input : inputs_of(news, controller.agent(row.agent).record, "library-1")) {
            for (auto& effect : controller(input))
                effects.push_back(std::move(effect));
        }
    }
    return effects;
}

}  // namespace

TEST_CASE("an agent that stops and starts at the other node alone is waited for again") {
    Controller controller;
    controller.confirm_all(controller.see(drive_1, reserved_by(port_a)));
    controller.bring_up("beta", 7);
    AgentRoster roster;
    roster.hear("beta", 7, false);
    read_row(controller, roster, {"beta", 0, 7, true});
    CHECK(controller.agent("beta").record.state == AgentState::stopped);
    const auto effects = read_row(controller, roster, {"beta", 0, 8, false});
    CHECK(all<SendNotice>(effects).size() == 1);
    CHECK(controller.agent("beta").record.state == AgentState::starting);
    SECTION("what it says here too is no news") {
        CHECK_FALSE(roster.hear("beta", 8, false));
        CHECK(all<SendNotice>(controller(AgentStarted{{"library-1", "beta", 8}})).empty());
    }
    SECTION("it answers, and the next change waits for it") {
        controller.confirm_all(effects);
        CHECK(controller.agent("beta").record.state == AgentState::started);
    }
    SECTION("it is silent: no drive suffers at once, but it is missed") {
        CHECK(all<ForceDriveOffline>(controller.pass(60'000)).empty());
        CHECK(controller.agent("beta").record.state == AgentState::lost);
        CHECK(controller.alarm(AlarmKind::agent_lost));
    }
}

TEST_CASE("an agent that only the other node has heard is told how the drives are") {
    Controller controller;
    controller.see(drive_1, reserved_by(port_a));
    AgentRoster roster;
    CHECK(all<SendNotice>(read_row(controller, roster, {"beta", 0, 3, false})).size() == 1);
    CHECK(read_row(controller, roster, {"beta", 0, 3, false}).empty());
}

TEST_CASE("a retirement at the other node is no word of the agent's") {
    CHECK(inputs_of({{"beta", 100, 0, false}, true, true}, {"beta"}, "library-1").empty());
}

TEST_CASE("an agent that was retired and came with a lower life at the other node is heard") {
    Controller controller;
    controller.bring_up("beta", 7);
    AgentRoster roster;
    roster.hear("beta", 7, false);
    SECTION("and it is there") {
        read_row(controller, roster, {"beta", 100, 1, false});
        CHECK(controller.agent("beta").record.state != AgentState::stopped);
    }
    SECTION("and has stopped again") {
        read_row(controller, roster, {"beta", 100, 1, true});
        CHECK(controller.agent("beta").record.state == AgentState::stopped);
    }
    SECTION("and counts as often as the life that had stopped") {
        controller(AgentStopping{{"library-1", "beta", 7}});
        read_row(controller, roster, {"beta", 100, 7, false});
        CHECK(controller.agent("beta").record.state != AgentState::stopped);
        return;
    }
    CHECK(controller.agent("beta").record.incarnation == 1);
    CHECK(controller.has_event("LRA4007"));
}

TEST_CASE("a retirement that a newer life has ended changes nothing for that life") {
    Controller controller;
    controller.bring_up("beta", 7);
    const auto inputs = inputs_of({{"beta", 100, 8, false}, false, true},
                                  controller.agent("beta").record, "library-1");
    REQUIRE(inputs.size() == 1);
    CHECK(std::get<AgentStarted>(inputs.front()).presence.incarnation == 8);
}
