// The statements about the agents' own part: they carry a command on, decide, and count what all of
// them decided, so that no controller has to be believed.

#include <map>

#include "agent/pair/voting_agent.hpp"
#include "test/support/catch.hpp"

using namespace agent::pair;
using agent::core::Instant;

namespace {

// Agents that reach each other; nodes are what the test says.
struct Agents {
    explicit Agents(std::size_t count, RegisterValue value = {}) {
        for (std::size_t index = 0; index < count; ++index) {
            value.voters.push_back("a" + std::to_string(index + 1));
        }
        value.cluster = "c";
        value.threshold = least_threshold(count);
        for (const auto& name : value.voters) {
            VotingAgentConfiguration configuration;
            configuration.agent = name;
            VotingAgentState state;
            state.instance = name;
            state.held = Register{{}, {}, value};
            agents.emplace(name, VotingAgent(configuration, state, Instant{0}));
        }
    }
    void step(const AgentName& name, const VotingAgentInput& input) {
        const auto agent = agents.find(name);
        if (agent == agents.end()) return;
        for (const auto& effect : agent->second.step(input, now)) {
            if (const auto* relay = std::get_if<RelayCommand>(&effect)) {
                if (agents.count(relay->to) != 0) {
                    step(relay->to, CommandArrived{relay->key});
                    step(name, CommandDelivered{relay->to, relay->key.id});
                }
            } else if (const auto* tell = std::get_if<TellDecision>(&effect)) {
                step(tell->to, DecisionHeard{tell->decision, tell->candidate});
            } else if (const auto* vote = std::get_if<SendVote>(&effect)) {
                answers.push_back(vote->answer);
            }
        }
    }
    // The node's whole vote with these agents.
    void vote(Node node, std::uint64_t epoch, const std::vector<AgentName>& asked) {
        Vote vote("c", {++counter, node}, Wish::alone, {node, epoch, {}},
                  agents.begin()->second.state().held->value.voters,
                  agents.begin()->second.state().held->value.threshold);
        for (const auto& name : asked) {
            step(name, PromiseAsked{node, vote.promise_request()});
        }
        hear(vote);
        if (vote.state() != Vote::State::accepting) return;
        for (const auto& name : asked) {
            step(name, AcceptAsked{node, vote.accept_request()});
        }
        hear(vote);
        decided = vote.state() == Vote::State::decided;
    }
    void hear(Vote& vote) {
        for (const auto& answer : answers) {
            vote.hear(answer);
        }
        answers.clear();
    }

    std::map<AgentName, VotingAgent> agents;
    std::vector<BallotAnswer> answers;
    std::uint64_t counter = 0;
    bool decided = false;
    Instant now{100'000};
};

RegisterValue alone_second() {
    RegisterValue value;
    value.epoch = 2;
    value.least_epoch = 1;
    value.relation = Relation::alone;
    value.primary = Node::second;
    return value;
}

ShutdownKey command_given() {
    ShutdownKey key;
    key.id = {1, 1, "a2"};
    key.cluster = "c";
    return key;
}

}  // namespace

TEST_CASE("4, 12, 20: a command given to one agent reaches every other with the same key") {
    Agents agents(3);
    agents.step("a2", CommandArrived{command_given()});
    for (const auto& [name, agent] : agents.agents) {
        REQUIRE(agent.keys().newest() != nullptr);
        CHECK(agent.keys().newest()->id == command_given().id);
    }
    const auto changes = agents.agents.at("a1").state().changes;
    agents.step("a2", CommandArrived{command_given()});
    CHECK(agents.agents.at("a1").state().changes == changes);
}

TEST_CASE("4: when the agent that was given the command ends half way another completes it") {
    Agents agents(3);
    VotingAgent given = agents.agents.at("a2");
    static_cast<void>(given.step(CommandArrived{command_given()}, agents.now));
    agents.agents.erase("a2");
    agents.step("a1", CommandArrived{command_given()});  // all that got through
    REQUIRE(agents.agents.at("a3").keys().newest() != nullptr);
    CHECK(agents.agents.at("a3").keys().newest()->id == command_given().id);
}

TEST_CASE("5, 13, 14, 21: the mode travels with the command, and is normal when none is given") {
    CHECK(ShutdownKey{}.mode == ShutdownMode::normal);
    for (const auto& row : shutdown_modes) {
        Agents agents(1);
        ShutdownKey key = command_given();
        key.mode = row.mode;
        agents.step("a1", CommandArrived{key});
        CHECK(agents.agents.at("a1").keys().newest()->mode == row.mode);
    }
}

TEST_CASE("10, 16, 18: every agent comes to the same verdict as the node, by its own count") {
    Agents agents(3, alone_second());
    agents.vote(Node::second, 2, {"a1", "a3"});
    CHECK(agents.decided);
    for (const auto& [name, agent] : agents.agents) {
        INFO(name);
        CHECK(agent.view() == SystemView::second_alone);
    }
}

TEST_CASE("11, 17: with at most the threshold every agent says offline and lets nothing through") {
    Agents agents(3, alone_second());
    agents.vote(Node::second, 2, {"a1"});
    CHECK_FALSE(agents.decided);
    agents.now = {200'000};
    for (const auto* name : {"a1", "a2", "a3"}) {
        agents.step(name, AgentTime{});
        CHECK(agents.agents.at(name).view() == SystemView::offline);
        CHECK(agents.agents.at(name).system_is_offline());
    }
}

TEST_CASE("11: a candidate that everybody refuses is offline for everybody at once") {
    Agents agents(3, alone_second());
    agents.vote(Node::first, 1, {"a1", "a2", "a3"});
    CHECK_FALSE(agents.decided);
    for (const auto& [name, agent] : agents.agents) {
        CHECK(agent.system_is_offline());
    }
}

TEST_CASE("15: when both nodes say they are a pair again, so does the agent") {
    Agents agents(1);
    agents.step("a1", NodeSaid{Node::first, 1, true, NodeState::primary, 1});
    CHECK(agents.agents.at("a1").view() == SystemView::unknown);
    agents.step("a1", NodeSaid{Node::second, 1, false, NodeState::standby, 1});
    CHECK(agents.agents.at("a1").view() == SystemView::pair_online);
}

TEST_CASE("18: the threshold survives restarts of the agent and is told with its promise") {
    Agents agents(5);
    const VotingAgentState kept = agents.agents.at("a1").state();
    VotingAgentConfiguration configuration;
    configuration.agent = "a1";
    VotingAgent again(configuration, kept, Instant{0});
    const auto effects = again.step(
        PromiseAsked{Node::first, {"c", {1, Node::first}, Wish::read, {Node::first, 0, {}}}},
        agents.now);
    for (const auto& effect : effects) {
        if (const auto* vote = std::get_if<SendVote>(&effect)) {
            CHECK(vote->answer.value->threshold == 2);
        }
    }
}
