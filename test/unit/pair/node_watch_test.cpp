#include "agent/pair/node_watch.hpp"

#include "test/support/catch.hpp"

using namespace agent::pair;
using agent::core::Instant;

namespace {

// The primary of a pair: whatever it orders is done, and agent a1 says what it wants to hear.
ControllerNode serving_node(const NodeConfiguration& configuration) {
    DataSeen data;
    data.epoch = 1;
    ControllerNode node(configuration, {});
    RegisterValue value{configuration.cluster, 1, Relation::pair, configuration.node, 1,
                        configuration.voters,  0};
    std::vector<NodeEffect> open = node.start(data);
    const auto take = [&](const NodeInput& input) {
        for (auto& effect : node.step(input))
            open.push_back(std::move(effect));
    };
    while (!open.empty()) {
        const NodeEffect effect = open.front();
        open.erase(open.begin());
        const auto* order = std::get_if<Order>(&effect);
        const auto* promise = std::get_if<SendPromise>(&effect);
        const auto* accept = std::get_if<SendAccept>(&effect);
        if (order != nullptr) {
            if (order->step == Step::start_synchronous) data.standby = DataSeen::Standby::in_sync;
            take(OrderAnswered{order->number, true, true, {1, 10}});
            take(data);
        } else if (promise != nullptr) {
            take(AgentVoted{{"a1",
                             "i",
                             1,
                             BallotAnswer::Round::promise,
                             promise->request.ballot,
                             true,
                             Objection::none,
                             promise->request.ballot,
                             {},
                             value}});
        } else if (accept != nullptr) {
            value = accept->request.value;
            take(AgentVoted{{"a1",
                             "i",
                             1,
                             BallotAnswer::Round::accept,
                             accept->request.ballot,
                             true,
                             Objection::none,
                             accept->request.ballot,
                             accept->request.ballot,
                             {}}});
        }
    }
    return node;
}

}  // namespace

TEST_CASE("times that would let two nodes act at the same time are refused") {
    NodeTimes times;
    CHECK_FALSE(fault_of(times));
    times.lease = times.dead_after;
    CHECK(fault_of(times));
    times = {};
    times.heartbeat = times.lease;
    CHECK(fault_of(times));
}

TEST_CASE("what somebody promises for a shorter time than the lease counts for less of it") {
    NodeConfiguration configuration;
    configuration.voters = {"a1"};
    ControllerNode node = serving_node(configuration);
    REQUIRE(node.acts());
    REQUIRE(node.needs_lease());
    NodeWatch watch({}, 9, 1, Instant{0});
    REQUIRE_FALSE(watch.due(node, Instant{0}));
    const auto said = watch.heartbeat(node, Instant{0});
    REQUIRE(said);
    watch.peer_answered({9, said->sequence, true, {4'000}});
    CHECK(watch.lease_until(node) == Instant{3'000});
    // Three quarters of it at most: clocks run at different rates.
    watch.agent_answered("a1", {9, said->sequence, true, {8'000}});
    CHECK(watch.lease_until(node) == Instant{6'000});
    watch.agent_answered("a1", {9, said->sequence, true, {120'000}});
    CHECK(watch.lease_until(node) == Instant{6'000});
    CHECK(watch.right(node, Instant{5'999}).until == Instant{6'000});
    // Nobody's promise, nobody's time.
    const auto again = watch.heartbeat(node, Instant{1'000});
    REQUIRE(again);
    watch.peer_answered({9, again->sequence, false, {10'000}});
    watch.peer_answered({9, again->sequence + 1, true, {10'000}});
    watch.peer_answered({8, again->sequence, true, {10'000}});  // another life's question
    CHECK(watch.lease_until(node) == Instant{6'000});
}

TEST_CASE("agents that refuse what the other node lets happen are asked to agree anew") {
    NodeConfiguration configuration;
    configuration.voters = {"a1"};
    ControllerNode node = serving_node(configuration);
    NodeWatch watch({}, 9, 1, Instant{0});
    REQUIRE_FALSE(watch.due(node, Instant{0}));
    const auto told = [&](Instant now, bool granted) {
        const auto said = watch.heartbeat(node, now);
        REQUIRE(said);
        watch.peer_answered({9, said->sequence, true, {10'000}});
        watch.agent_answered("a1", {9, said->sequence, granted, {10'000}});
    };
    for (std::int64_t ms = 1'000; ms < 3'000; ms += 1'000) {
        told(Instant{ms}, false);
        CHECK_FALSE(watch.due(node, Instant{ms}));
    }
    CHECK_FALSE(watch.agents_consent(node, Instant{2'000}));
    const auto due = watch.due(node, Instant{3'000});
    REQUIRE(due);
    REQUIRE(std::holds_alternative<ConsentMissing>(*due));
    // It is named once more, under a ballot above the one they wait for.
    static_cast<void>(node.step(*due));
    CHECK(node.state() == NodeState::primary);
    CHECK(node.procedure() == NodeAction::pair_up);
    // Whoever answers with yes again is not troubled.
    told(Instant{20'000}, false);
    CHECK_FALSE(watch.due(node, Instant{20'000}));
    told(Instant{21'000}, true);
    CHECK(watch.agents_consent(node, Instant{21'000}));
    CHECK_FALSE(watch.due(node, Instant{22'000}));
}

TEST_CASE("a command is permitted right before it is sent, not once for all") {
    const ActingRight right{4, true, true, Instant{1'000}};
    CHECK(may_send(right, Instant{999}));
    CHECK_FALSE(may_send(right, Instant{1'000}));
    CHECK_FALSE(may_send({4, true, false, for_ever}, Instant{0}));
    CHECK(may_send(right_of_single_controller(9), Instant{123'456'789}));
}

TEST_CASE("a controller without a peer needs nobody's leave") {
    NodeConfiguration configuration;
    configuration.has_peer = false;
    ControllerNode node(configuration, {});
    CHECK(
        node.start({12, Relation::alone, Node::first, {}, DataSeen::Standby::none, false}).empty());
    NodeWatch watch({}, 9, 1, Instant{0});
    CHECK(node.state() == NodeState::single);
    CHECK_FALSE(watch.due(node, Instant{1'000'000}));
    const auto right = watch.right(node, Instant{1'000'000});
    CHECK(right.may_claim);
    CHECK(right.epoch == 12);
    CHECK(may_send(right, Instant{1'000'000'000}));
}

TEST_CASE("what the other said earlier does not count after what it said later") {
    NodeConfiguration configuration;
    configuration.voters = {"a1"};
    ControllerNode node(configuration, {});
    static_cast<void>(node.start({}));
    NodeWatch watch({}, 9, 1, Instant{0});
    Heartbeat heartbeat;
    heartbeat.sequence = 5;
    using Verdict = MessageOrder::Verdict;
    CHECK(watch.peer_heard(node, heartbeat, Instant{0}) == Verdict::news);
    CHECK(watch.peer_heard(node, heartbeat, Instant{1}) == Verdict::late);
    heartbeat.sequence = 4;
    CHECK(watch.peer_heard(node, heartbeat, Instant{1}) == Verdict::late);
    heartbeat.sequence = 6;
    CHECK(watch.peer_heard(node, heartbeat, Instant{1}) == Verdict::news);
}

TEST_CASE("a node that let the other act does not act itself before that time is over") {
    NodeConfiguration configuration;
    configuration.has_peer = false;
    ControllerNode node(configuration, {});
    static_cast<void>(node.start({}));
    NodeWatch watch({}, 9, 1, Instant{0});
    watch.let_peer_act(3, Instant{50'000});
    CHECK_FALSE(watch.right(node, Instant{59'999}).may_act);
    CHECK(watch.right(node, Instant{60'000}).may_act);
    // Unless the other has said since that it does not act any more.
    Heartbeat heartbeat;
    heartbeat.life = 2;
    heartbeat.sequence = 1;
    heartbeat.state = NodeState::shut_down;
    CHECK(watch.peer_heard(node, heartbeat, Instant{50'000}) == MessageOrder::Verdict::news);
    CHECK_FALSE(watch.right(node, Instant{50'001}).may_act);  // an older life's word
    heartbeat.life = 3;
    heartbeat.sequence = 2;
    CHECK(watch.peer_heard(node, heartbeat, Instant{50'001}) == MessageOrder::Verdict::news);
    CHECK(watch.right(node, Instant{50'002}).may_act);
}

TEST_CASE("a key that says the other is out gives back what that was let do") {
    NodeConfiguration configuration;
    configuration.has_peer = false;
    ControllerNode node(configuration, {});
    static_cast<void>(node.start({}));
    NodeWatch watch({}, 9, 1, Instant{0});
    Heartbeat heartbeat;
    heartbeat.life = 3;
    heartbeat.sequence = 5;
    heartbeat.serves = true;
    heartbeat.state = NodeState::primary;
    using Verdict = MessageOrder::Verdict;
    CHECK(watch.peer_heard(node, heartbeat, Instant{0}) == Verdict::news);
    watch.let_peer_act(3, Instant{0});
    CHECK(watch.peer_left({3, 4}, Instant{1}) == Verdict::late);
    CHECK_FALSE(watch.right(node, Instant{2}).may_act);
    CHECK(watch.peer_left({3, 6}, Instant{1}) == Verdict::news);
    CHECK(watch.right(node, Instant{2}).may_act);
}

TEST_CASE("a command waits for the end of a change of role for a minute and no longer") {
    NodeConfiguration configuration;
    configuration.cluster = "c";
    configuration.voters = {"a1"};
    ControllerNode node(configuration, {});
    static_cast<void>(node.start({}));
    NodeWatch watch({}, 9, 1, Instant{0});
    ShutdownKey key;
    key.id = {1, 1, "op"};
    key.cluster = "c";
    static_cast<void>(node.step(ShutdownOrdered{key}));
    REQUIRE(node.waiting_order());
    CHECK_FALSE(watch.due(node, Instant{0}));
    CHECK_FALSE(watch.due(node, Instant{59'999}));
    const auto due = watch.due(node, Instant{60'000});
    REQUIRE(due);
    CHECK(std::holds_alternative<WaitingTimeOver>(*due));
    static_cast<void>(node.step(*due));
    CHECK_FALSE(node.waiting_order());
    CHECK_FALSE(watch.due(node, Instant{200'000}));
}

TEST_CASE("a promise is enough when three heartbeats fit into what counts of it") {
    const NodeTimes times;
    CHECK(is_lease_enough(times, lease_within(times, {4'000})));
    CHECK_FALSE(is_lease_enough(times, lease_within(times, {3'996})));
}
