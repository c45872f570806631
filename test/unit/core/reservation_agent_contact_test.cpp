#include "test/unit/core/controller.hpp"

using namespace core_test;

namespace {

using State = HostContact::State;

std::string contact_alarm_text(Controller& controller) {
    for (const auto& alarm : controller.rules().active_alarms()) {
        if (alarm.key.kind == AlarmKind::host_unreachable) return alarm.text;
    }
    return "";
}

}  // namespace

TEST_CASE("a host that is not reached over ssh is an alarm until it is") {
    Controller controller(two_drives_three_agents());
    const AgentName agent = controller.rules().agents().front().record.agent;
    controller(HostContact{agent, State::unreachable, "backup3: Connection refused"});
    CHECK_THAT(contact_alarm_text(controller),
               ContainsSubstring(agent) && ContainsSubstring("Connection refused") &&
                   ContainsSubstring("lractl agent check " + agent));
    controller(HostContact{agent, State::reached, "1 drive, 2 ports"});
    CHECK(contact_alarm_text(controller).empty());
    CHECK(controller.has_event("LRA1081"));
    CHECK(controller.has_event("LRA1080"));
}

TEST_CASE(
    "another kind of trouble takes the place of the alarm, the same kind says nothing twice") {
    Controller controller(two_drives_three_agents());
    const AgentName agent = controller.rules().agents().front().record.agent;
    controller(HostContact{agent, State::unreachable, "no route"});
    const auto before = controller.rules().active_alarms();
    controller(HostContact{agent, State::unreachable, "timed out"});
    CHECK(controller.rules().active_alarms() == before);
    controller(HostContact{agent, State::key_changed, "offered SHA256:abc"});
    CHECK_THAT(contact_alarm_text(controller), ContainsSubstring("host key"));
    CHECK(controller.rules().active_alarms().front().severity == Severity::critical);
}

TEST_CASE("after a restart another kind of trouble takes the place of the alarm on record") {
    Controller controller(two_drives_three_agents());
    const AgentName agent = controller.rules().agents().front().record.agent;
    controller(HostContact{agent, State::unreachable, "no route"});
    const auto before = controller.rules().active_alarms();
    SECTION("the same kind says nothing twice, whatever its words") {
        controller.restart();
        controller(HostContact{agent, State::unreachable, "timed out"});
        CHECK(controller.rules().active_alarms() == before);
    }
    SECTION("another one does") {
        controller.restart();
        const auto effects = controller(HostContact{agent, State::key_changed, "SHA256:abc"});
        CHECK_THAT(contact_alarm_text(controller), ContainsSubstring("SHA256:abc"));
        CHECK(controller.rules().active_alarms().front().severity == Severity::critical);
        CHECK(all<AnnounceAlarm>(effects).size() == 2);
    }
    SECTION("and that it is reached ends it") {
        controller.restart();
        controller(HostContact{agent, State::reached, "2 ports"});
        CHECK(controller.rules().active_alarms().empty());
    }
    SECTION("of the same severity too") {
        controller.restart();
        controller(HostContact{agent, State::login_refused, "Permission denied"});
        CHECK_THAT(contact_alarm_text(controller), ContainsSubstring("Permission denied"));
    }
}

TEST_CASE("what is the matter with the pair is one alarm of its kind until it is over") {
    Controller controller(two_drives_three_agents());
    const auto alarms = [&] { return controller.rules().active_alarms(); };
    controller(PairReported{AlarmKind::pair_alone, {}, false, "both serve"});
    CHECK_FALSE(controller.has_event("LRA1183"));
    controller(PairReported{AlarmKind::pair_alone, {}, true, "node lra-a is not heard"});
    const AgentName voter = controller.rules().agents().front().record.agent;
    controller(PairReported{AlarmKind::pair_voter_missing, voter, true, "it is not heard"});
    REQUIRE(alarms().size() == 2);
    CHECK(alarms().front().key == AlarmKey{AlarmKind::pair_alone, {}, {}});
    CHECK_THAT(alarms().front().text, ContainsSubstring("node lra-a is not heard"));
    CHECK_THAT(alarms().front().text, ContainsSubstring("lractl pair show"));
    CHECK(alarms().back().key == AlarmKey{AlarmKind::pair_voter_missing, {}, voter});
    const auto before = alarms();
    controller(PairReported{AlarmKind::pair_alone, {}, true, "node lra-a is silent"});
    CHECK(alarms() == before);
    controller(PairReported{AlarmKind::pair_alone, {}, false, "node lra-a follows"});
    controller(PairReported{AlarmKind::pair_voter_missing, voter, false, "it is heard"});
    CHECK(alarms().empty());
    CHECK(controller.has_event("LRA1183"));
    CHECK(controller.has_event("LRA1191"));
}

TEST_CASE("the alarm of a node out of service says why now, and keeps that over a restart") {
    Controller controller(two_drives_three_agents());
    const auto kind = AlarmKind::pair_out_of_service;
    controller(PairReported{kind, {}, true, "node lra-a is shut_down: ordered"});
    const auto raised_at = controller.rules().active_alarms().front().raised_at;
    controller(PairReported{kind, {}, true, "node lra-a is offline: no votes"});
    controller.restart();
    const auto alarms = controller.rules().active_alarms();
    REQUIRE(alarms.size() == 1);
    CHECK_THAT(alarms.front().text, ContainsSubstring("no votes"));
    CHECK(alarms.front().raised_at == raised_at);
}

TEST_CASE("messages that are refused too often are one alarm until they are not") {
    Controller controller(two_drives_three_agents());
    const auto alarms = [&] { return controller.rules().active_alarms(); };
    controller(MessagesRefused{false, "none"});
    CHECK(alarms().empty());
    CHECK_FALSE(controller.has_event("LRA1181"));
    controller(MessagesRefused{true, "70 in a minute, 70 of them refused_wrong_key"});
    REQUIRE(alarms().size() == 1);
    CHECK(alarms().front().key == AlarmKey{AlarmKind::messages_refused, {}, {}});
    CHECK_THAT(alarms().front().text, ContainsSubstring("70 of them refused_wrong_key"));
    const auto before = alarms();
    controller(MessagesRefused{true, "900 in a minute"});
    CHECK(alarms() == before);
    controller(MessagesRefused{false, "none in the last minute"});
    CHECK(alarms().empty());
    CHECK(controller.has_event("LRA1181"));
}

TEST_CASE("what became of a host that is not configured is nobody's business") {
    Controller controller(two_drives_three_agents());
    controller(HostContact{"nobody", State::key_changed, "x"});
    CHECK(controller.rules().active_alarms().empty());
}
