// One test for each statement about recovery in docs/PAIR.md, with the rules of both nodes and all
// agents, in worlds without accidents. The number before the colon is that of the statement.

#include <algorithm>

#include "test/sim/pair/world.hpp"
#include "test/support/catch.hpp"

using namespace pair_sim;
using pair::NodeState;
using pair::Relation;
using pair::ShutdownMode;
using pair::Subject;

namespace {

// A pair in service with `agents` agents.
struct Site {
    explicit Site(std::size_t agents = 3) : world(options_for(agents)) {
        world.settle();
        REQUIRE_FALSE(world.not_converged());
    }
    static Options options_for(std::size_t agents) {
        Options options;
        options.agents = agents;
        options.times.peer_wait = {12'000};
        return options;
    }

    void shut_down(Node node, ShutdownMode mode, Subject subject) {
        world.apply({Kind::shut_down, node,
                     static_cast<std::size_t>(mode) * 3 + static_cast<std::size_t>(subject)},
                    plenty);
        world.run_quietly(10);
    }
    void power_off(Node node) { world.apply({Kind::crash, node, 1}, plenty); }
    void power_on(Node node) { world.apply({Kind::restart, node, 0}, plenty); }
    void end_agent(std::size_t index) { world.apply({Kind::agent_crash, {}, index}, plenty); }
    void start_agent(std::size_t index) { world.apply({Kind::agent_restart, {}, index}, plenty); }
    void wait(int seconds) { world.run_quietly(2 * seconds); }
    bool claim(Node node) {
        const auto before = world.acknowledged().size();
        const auto all = world.choices(plenty);
        const bool offered = std::any_of(all.begin(), all.end(), [node](const Choice& choice) {
            return choice.kind == Kind::claim && choice.node == node;
        });
        if (!offered) return false;
        world.apply({Kind::claim, node, 0}, plenty);
        world.run_quietly(4);
        return world.acknowledged().size() > before;
    }
    NodeState state(Node node) const {
        return world.process(node).rules ? world.process(node).rules->state()
                                         : NodeState::shut_down;
    }
    std::size_t named_alone(Node node) const {
        std::size_t agents = 0;
        for (std::size_t index = 0; index < world.options().agents; ++index) {
            const auto& value = world.agent(index).disk.held->value;
            agents += value.relation == Relation::alone && value.primary == node ? 1 : 0;
        }
        return agents;
    }
    const pair::ShutdownKey* newest_key(std::size_t agent) const {
        const auto& keys = world.agent(agent).disk.keys;
        const auto found = std::max_element(
            keys.begin(), keys.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
        return found == keys.end() ? nullptr : &*found;
    }

    World world;
    Budget plenty{1000, 1000, 1000, 1000, 0, 0, 0, 0, 0, 1000, 1000, 1000};
};

// The first node was shut down, then the second.
Site down_one_after_the_other(std::size_t agents = 3) {
    Site site(agents);
    site.shut_down(Node::first, ShutdownMode::normal, Subject::first);
    site.wait(5);
    REQUIRE(site.claim(Node::second));
    site.shut_down(Node::second, ShutdownMode::normal, Subject::second);
    REQUIRE(site.state(Node::second) == NodeState::shut_down);
    site.power_off(Node::first);
    site.power_off(Node::second);
    return site;
}

// Both were shut down by one command.
Site down_together(std::size_t agents = 3) {
    Site site(agents);
    site.shut_down(Node::first, ShutdownMode::normal, Subject::both);
    REQUIRE(site.state(Node::first) == NodeState::shut_down);
    REQUIRE(site.state(Node::second) == NodeState::shut_down);
    site.power_off(Node::first);
    site.power_off(Node::second);
    site.world.advance(20'000);
    return site;
}

}  // namespace

TEST_CASE("1a: a shutdown makes a key that every agent keeps over a restart") {
    Site site;
    site.shut_down(Node::first, ShutdownMode::normal, Subject::first);
    const auto* key = site.newest_key(1);
    REQUIRE(key != nullptr);
    CHECK(key->subject == Subject::first);
    CHECK(key->remaining == Node::second);
    CHECK(key->register_value.relation == Relation::pair);
    CHECK(key->register_value.threshold == 1);
    CHECK(key->departures[0].clean);
    const pair::ShutdownKey before = *key;
    site.end_agent(1);
    site.start_agent(1);
    CHECK(*site.world.agent(1).rules->keys().newest() == before);
}

TEST_CASE("1b: the node leaves only after the keys are stored, and the other serves alone") {
    Site site;
    site.shut_down(Node::first, ShutdownMode::normal, Subject::first);
    site.wait(5);
    CHECK(site.state(Node::first) == NodeState::shut_down);
    CHECK(site.state(Node::second) == NodeState::primary_alone);
    CHECK(site.named_alone(Node::second) >= 2);
    CHECK(site.claim(Node::second));
}

TEST_CASE("1c: the newest key of the second shutdown says that nobody remains") {
    const Site site = down_one_after_the_other();
    for (std::size_t agent = 0; agent < 3; ++agent) {
        const auto* key = site.newest_key(agent);
        REQUIRE(key != nullptr);
        CHECK(key->subject == Subject::second);
        CHECK_FALSE(key->remaining);
        CHECK(key->register_value.relation == Relation::alone);
        CHECK(key->register_value.primary == Node::second);
    }
}

TEST_CASE("1d: the node that served last comes back alone with more votes than the threshold") {
    Site site = down_one_after_the_other();
    site.power_on(Node::second);
    site.wait(20);
    CHECK(site.state(Node::second) == NodeState::primary_alone);
    CHECK(site.claim(Node::second));
    REQUIRE(site.world.process(Node::second).rules->vote());
    CHECK(site.world.process(Node::second).rules->vote()->answers().size() == 3);
}

TEST_CASE("1e: the node that left first is told no by every agent") {
    Site site = down_one_after_the_other();
    site.power_on(Node::first);
    site.wait(40);
    CHECK_FALSE(pair::takes_requests(site.state(Node::first)));
    CHECK_FALSE(site.claim(Node::first));
    for (std::size_t agent = 0; agent < 3; ++agent) {
        pair::VotingAgent asked = *site.world.agent(agent).rules;
        const auto effects = asked.step(pair::PromiseAsked{Node::first,
                                                           {"c",
                                                            {99 * pair::ballot_marks, Node::first},
                                                            pair::Wish::alone,
                                                            {Node::first, 1, {}}}},
                                        {1'000'000'000});
        for (const auto& effect : effects) {
            const auto* vote = std::get_if<pair::SendVote>(&effect);
            if (vote != nullptr) CHECK(vote->answer.objection == pair::Objection::other_newer);
        }
    }
}

TEST_CASE("2, 19: exactly the threshold keeps the pair offline, one agent more brings it back") {
    for (std::size_t agents = 1; agents <= 5; ++agents) {
        INFO(agents << " agents");
        Site site = down_one_after_the_other(agents);
        const std::size_t threshold = agents / 2;
        for (std::size_t index = threshold; index < agents; ++index) {
            site.end_agent(index);
        }
        site.power_on(Node::second);
        site.wait(40);
        CHECK_FALSE(pair::takes_requests(site.state(Node::second)));
        site.start_agent(threshold);
        site.wait(20);
        CHECK(site.state(Node::second) == NodeState::primary_alone);
    }
}

TEST_CASE("3: without a command there is no key, and the register decides") {
    Site site;
    site.power_off(Node::first);
    site.wait(30);
    CHECK(site.newest_key(0) == nullptr);
    CHECK(site.state(Node::second) == NodeState::primary_alone);
    CHECK(site.claim(Node::second));
}

TEST_CASE("6: a mode that does not get its keys is refused, and nothing changes") {
    for (const auto& mode : pair::shutdown_modes) {
        INFO(to_text(mode.mode));
        Site site;
        site.end_agent(2);
        site.shut_down(Node::first, mode.mode, Subject::first);
        site.wait(8);
        const bool left = site.state(Node::first) == NodeState::shut_down;
        CHECK(left == (mode.keys != pair::KeysNeeded::all_voters));
        if (!left) {
            CHECK(site.claim(Node::first));
            continue;
        }
        const auto* key = site.newest_key(0);
        REQUIRE(key != nullptr);
        CHECK(key->departures[0].clean == mode.may_be_clean);
    }
}

TEST_CASE("6: a forced shutdown waits for nobody, a mere majority of keys needs a majority") {
    for (const auto mode : {ShutdownMode::immediate, ShutdownMode::forced}) {
        Site site;
        for (std::size_t agent = 0; agent < 3; ++agent) {
            site.end_agent(agent);
        }
        site.shut_down(Node::first, mode, Subject::first);
        site.wait(3);
        const bool left = site.state(Node::first) == NodeState::shut_down;
        CHECK(left == (mode == ShutdownMode::forced));
    }
}

TEST_CASE("7, 15, 23: both nodes come back as the pair they were, without any vote") {
    Site site = down_together();
    for (std::size_t agent = 0; agent < 3; ++agent) {
        site.end_agent(agent);
    }
    site.power_on(Node::first);
    site.power_on(Node::second);
    site.wait(40);
    CHECK(site.state(Node::first) == NodeState::primary);
    CHECK(site.state(Node::second) == NodeState::standby);
    CHECK(site.claim(Node::first));
}

TEST_CASE("8, 16, 24: either node of a pair that went down together comes back alone") {
    for (const Node node : {Node::first, Node::second}) {
        Site site = down_together();
        site.power_on(node);
        site.wait(40);
        CHECK(site.state(node) == NodeState::primary_alone);
        CHECK(site.named_alone(node) >= 2);
        CHECK(site.claim(node));
    }
}

TEST_CASE("9, 17, 25: with too few votes it stays offline and sends nothing to any device") {
    for (const Node node : {Node::first, Node::second}) {
        Site site = down_together();
        site.end_agent(0);
        site.end_agent(1);
        const auto commands = site.world.commands();
        site.power_on(node);
        for (int second = 0; second < 40; ++second) {
            site.wait(1);
            site.world.apply({Kind::device, node, 0}, site.plenty);
        }
        CHECK_FALSE(pair::takes_requests(site.state(node)));
        CHECK_FALSE(site.claim(node));
        CHECK(site.world.commands() == commands);
    }
}

TEST_CASE("a command for both is carried to the other node") {
    Site site;
    site.shut_down(Node::first, ShutdownMode::immediate, Subject::both);
    site.wait(3);
    CHECK(site.state(Node::second) == NodeState::shut_down);
    const auto* key = site.newest_key(0);
    REQUIRE(key != nullptr);
    CHECK(key->departures[0].out);
    CHECK(key->departures[1].out);
}

TEST_CASE("a node that was shut down comes back as standby, and the pair is whole") {
    Site site;
    site.shut_down(Node::first, ShutdownMode::normal, Subject::first);
    site.wait(5);
    site.world.apply({Kind::recover, Node::first, 0}, site.plenty);
    site.wait(20);
    CHECK(site.state(Node::first) == NodeState::standby);
    CHECK(site.state(Node::second) == NodeState::primary);
    CHECK(site.claim(Node::second));
}
