#include "agent/pair/voting_agent.hpp"

#include "test/support/catch.hpp"

using namespace agent::pair;
using agent::core::Instant;

namespace {

constexpr Instant awake{100'000};  // long after the agents' start

VotingAgentState state_of_voter() {
    VotingAgentState state;
    state.instance = "i";
    state.held = Register{{}, {}, {"c", 1, Relation::pair, Node::first, 1, {"a1", "a2", "a3"}, 1}};
    return state;
}

VotingAgent agent_named(const std::string& name, VotingAgentState state = state_of_voter()) {
    VotingAgentConfiguration configuration;
    configuration.agent = name;
    return {configuration, std::move(state), Instant{0}};
}

PromiseAsked asks(Node node, Wish wish, std::uint64_t counter) {
    return {node, {"c", {counter, node}, wish, {node, 1, {1, 0}}}};
}

template <typename Effect>
std::vector<Effect> of_kind(const VotingAgentEffects& effects) {
    std::vector<Effect> found;
    for (const auto& effect : effects) {
        if (const auto* one = std::get_if<Effect>(&effect)) found.push_back(*one);
    }
    return found;
}

ShutdownKey command(std::uint64_t counter = 1) {
    ShutdownKey key;
    key.id = {1, counter, "a2"};
    key.cluster = "c";
    return key;
}

bool lease_granted(VotingAgent& agent, Node node, std::uint64_t sequence, Instant now) {
    const auto leases = of_kind<SendLease>(agent.step(NodeSaid{node, sequence, true, {}, 1}, now));
    REQUIRE(leases.size() == 1);
    CHECK(leases.front().answer.dead_after == VotingAgentConfiguration{}.dead_after);
    return leases.front().answer.granted;
}

}  // namespace

TEST_CASE("an agent records what it promises before it says so, and nothing twice") {
    VotingAgent agent = agent_named("a1");
    const auto effects = agent.step(asks(Node::second, Wish::alone, 1), awake);
    REQUIRE(effects.size() == 4);
    CHECK(std::holds_alternative<RecordRegister>(effects[0]));
    CHECK(of_kind<SendVote>(effects).front().answer.granted);
    CHECK(of_kind<TellDecision>(effects).size() == 2);
    const auto again = agent.step(asks(Node::second, Wish::alone, 1), awake);
    CHECK(of_kind<RecordRegister>(again).empty());
    CHECK(of_kind<SendVote>(again).front().answer.granted);
}

TEST_CASE("nobody asks in the other's name") {
    VotingAgent agent = agent_named("a1");
    auto asked = asks(Node::second, Wish::alone, 1);
    asked.from = Node::first;
    CHECK(agent.step(asked, awake).empty());
}

TEST_CASE("an agent that hears one node serve lets the other wait for as long as it may act") {
    VotingAgent agent = agent_named("a1");
    CHECK(lease_granted(agent, Node::first, 1, awake));
    const auto refused = agent.step(asks(Node::second, Wish::alone, 1), {awake.ms + 9'999});
    CHECK(of_kind<SendVote>(refused).front().answer.objection == Objection::peer_alive);
    const auto granted = agent.step(asks(Node::second, Wish::alone, 2), {awake.ms + 10'000});
    CHECK(of_kind<SendVote>(granted).front().answer.granted);
    // From its promise on nobody else is let act, though it is heard.
    CHECK_FALSE(lease_granted(agent, Node::first, 2, {awake.ms + 10'001}));
}

TEST_CASE("a node that only reads the register takes nobody's time to act") {
    VotingAgent agent = agent_named("a1");
    static_cast<void>(agent.step(asks(Node::second, Wish::read, 1), awake));
    CHECK(lease_granted(agent, Node::first, 1, awake));
}

TEST_CASE(
    "after its start an agent does not know which promise was for what, and lets nobody act") {
    VotingAgentState state = state_of_voter();
    state.held->promised = {4, Node::second};
    VotingAgent agent = agent_named("a1", state);
    CHECK_FALSE(lease_granted(agent, Node::first, 1, awake));
}

TEST_CASE("an agent that has just started counts both nodes as heard") {
    VotingAgent agent = agent_named("a1");
    const auto refused = agent.step(asks(Node::second, Wish::alone, 1), {9'999});
    CHECK(of_kind<SendVote>(refused).front().answer.objection == Objection::peer_alive);
}

TEST_CASE("a node that says it does not serve any more is not waited for") {
    VotingAgent agent = agent_named("a1");
    CHECK(lease_granted(agent, Node::first, 1, awake));
    static_cast<void>(agent.step(NodeSaid{Node::first, 2, false, NodeState::shut_down, 1}, awake));
    const auto granted = agent.step(asks(Node::second, Wish::alone, 1), awake);
    CHECK(of_kind<SendVote>(granted).front().answer.granted);
    // What it said before, heard late, changes nothing.
    CHECK(agent.step(NodeSaid{Node::first, 1, true, {}, 1}, awake).empty());
}

TEST_CASE("only the life of a node that was let act can give that back") {
    VotingAgent agent = agent_named("a1");
    static_cast<void>(agent.step(NodeSaid{Node::first, 9, true, {}, 1, 7}, awake));
    // Above it, as after a restart: or held back by somebody since before that life.
    static_cast<void>(agent.step(NodeSaid{Node::first, 99, false, {}, 1, 6}, awake));
    const auto refused = agent.step(asks(Node::second, Wish::alone, 1), awake);
    CHECK(of_kind<SendVote>(refused).front().answer.objection == Objection::peer_alive);
}

TEST_CASE("a node whose state folder was lost is heard again, and that is told") {
    VotingAgent agent = agent_named("a1");
    static_cast<void>(agent.step(NodeSaid{Node::first, 500, true, {}, 1, 7}, awake));
    const Instant soon = awake + agent::core::Duration{9'999};
    CHECK(agent.step(NodeSaid{Node::first, 1, true, {}, 1, 8}, soon).empty());
    const Instant later = awake + agent::core::Duration{10'000};
    const auto effects = agent.step(NodeSaid{Node::first, 2, true, {}, 1, 8}, later);
    CHECK(of_kind<NodeBeganAnew>(effects).size() == 1);
    REQUIRE(of_kind<SendLease>(effects).size() == 1);
    CHECK(of_kind<SendLease>(effects).front().answer == LeaseAnswer{8, 2, true, {10'000}});
}

TEST_CASE(
    "a key that says its sender is out gives back what that was let do, as a heartbeat does") {
    ShutdownKey gone = command();
    gone.subject = Subject::first;
    const auto objection_after = [&](const KeyArrived& arrived) {
        VotingAgent agent = agent_named("a1");
        CHECK(lease_granted(agent, Node::first, 5, awake));  // of life 0
        static_cast<void>(agent.step(arrived, awake));
        const auto asked = agent.step(asks(Node::second, Wish::alone, 1), awake);
        return of_kind<SendVote>(asked).front().answer.objection;
    };
    // A command, or its first pass, says nothing of who acts.
    CHECK(objection_after({gone, {{Node::first, 0, 6}}}) == Objection::peer_alive);
    gone.departures[0].out = true;
    CHECK(objection_after({gone, {{Node::first, 0, 6}}}) == Objection::none);
    CHECK(objection_after({gone, {}}) == Objection::peer_alive);
    // Held back: it has served since. Of another life, and of somebody else.
    CHECK(objection_after({gone, {{Node::first, 0, 4}}}) == Objection::peer_alive);
    CHECK(objection_after({gone, {{Node::first, 2, 6}}}) == Objection::peer_alive);
    CHECK(objection_after({gone, {{Node::second, 0, 6}}}) == Objection::peer_alive);
}

TEST_CASE("without a register an agent neither votes nor keeps keys") {
    VotingAgent agent = agent_named("a1", {"i", 0, {}, {}, false});
    const auto effects = agent.step(asks(Node::second, Wish::alone, 1), awake);
    CHECK(of_kind<SendVote>(effects).front().answer.objection == Objection::not_registered);
    CHECK(agent.step(KeyArrived{command()}, awake).empty());
    CHECK(agent.step(CommandArrived{command()}, awake).empty());
    const Register beginning = *state_of_voter().held;
    CHECK(of_kind<RecordRegister>(agent.step(Enrolled{beginning}, awake)).size() == 1);
    // Once it votes, nobody makes it forget.
    CHECK(agent.step(Enrolled{beginning}, awake).empty());
}

TEST_CASE("a key of another pair is refused") {
    VotingAgent agent = agent_named("a1");
    ShutdownKey key = command();
    key.cluster = "d";
    CHECK(agent.step(KeyArrived{key}, awake).empty());
    CHECK(agent.keys().keys().empty());
}

TEST_CASE("a key reads back as it was after the agent's restart") {
    VotingAgent agent = agent_named("a1");
    ShutdownKey key = command();
    key.actor = "night";
    key.reason = "new disk";
    const auto effects = agent.step(KeyArrived{key}, awake);
    REQUIRE(of_kind<RecordKey>(effects).size() == 1);
    CHECK(of_kind<SendKeyStored>(effects).size() == 1);
    VotingAgent again = agent_named("a1", agent.state());
    REQUIRE(again.keys().newest() != nullptr);
    CHECK(*again.keys().newest() == key);
}

TEST_CASE("a command goes to every other agent and both nodes until each has it") {
    VotingAgent agent = agent_named("a2");
    const auto effects = agent.step(CommandArrived{command()}, awake);
    CHECK(of_kind<RecordKey>(effects).size() == 1);
    CHECK(of_kind<RelayCommand>(effects).size() == 4);
    CHECK(agent.step(CommandArrived{command()}, awake).empty());  // given twice

    for (const auto* to : {"a1", "first", "second"}) {
        static_cast<void>(agent.step(CommandDelivered{to, command().id}, awake));
    }
    const auto later = agent.step(AgentTime{}, {awake.ms + 2'000});
    REQUIRE(of_kind<RelayCommand>(later).size() == 1);
    CHECK(of_kind<RelayCommand>(later).front().to == "a3");
    CHECK(of_kind<RelayCommand>(agent.step(AgentTime{}, {awake.ms + 60'000})).empty());
    CHECK_FALSE(agent.next_wakeup());
}

TEST_CASE("commands that nobody takes do not pile up") {
    VotingAgent agent = agent_named("a2");
    for (std::uint64_t counter = 1; counter <= 100; ++counter) {
        static_cast<void>(agent.step(CommandArrived{command(counter)}, awake));
    }
    const auto later = agent.step(AgentTime{}, {awake.ms + 2'000});
    CHECK(of_kind<RelayCommand>(later).size() == 16 * 4);
}

TEST_CASE("an agent on hold agrees to nothing, and remembers it over a restart") {
    VotingAgent agent = agent_named("a1");
    CHECK(of_kind<RecordHold>(agent.step(HoldSet{true}, awake)).size() == 1);
    VotingAgent again = agent_named("a1", agent.state());
    const auto effects = again.step(asks(Node::second, Wish::alone, 1), awake);
    CHECK(of_kind<SendVote>(effects).front().answer.objection == Objection::hold);
}
