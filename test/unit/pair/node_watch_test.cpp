#include "agent/pair/node_watch.hpp"

#include "test/support/catch.hpp"

using namespace agent::pair;
using agent::core::Instant;

TEST_CASE("times that would let two nodes act at the same time are refused") {
    NodeTimes times;
    CHECK_FALSE(fault_of(times));
    times.lease = times.dead_after;
    CHECK(fault_of(times));
    times = {};
    times.heartbeat = times.lease;
    CHECK(fault_of(times));
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
    NodeWatch watch({}, 1, Instant{0});
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
    NodeWatch watch({}, 1, Instant{0});
    Heartbeat heartbeat;
    heartbeat.sequence = 5;
    CHECK(watch.peer_heard(node, heartbeat, Instant{0}));
    CHECK_FALSE(watch.peer_heard(node, heartbeat, Instant{1}));
    heartbeat.sequence = 4;
    CHECK_FALSE(watch.peer_heard(node, heartbeat, Instant{1}));
    heartbeat.sequence = 6;
    CHECK(watch.peer_heard(node, heartbeat, Instant{1}));
}

TEST_CASE("a node that let the other act does not act itself before that time is over") {
    NodeConfiguration configuration;
    configuration.has_peer = false;
    ControllerNode node(configuration, {});
    static_cast<void>(node.start({}));
    NodeWatch watch({}, 1, Instant{0});
    watch.let_peer_act(Instant{50'000});
    CHECK_FALSE(watch.right(node, Instant{59'999}).may_act);
    CHECK(watch.right(node, Instant{60'000}).may_act);
    // Unless the other has said since that it does not act any more.
    Heartbeat heartbeat;
    heartbeat.sequence = 1;
    heartbeat.state = NodeState::shut_down;
    CHECK(watch.peer_heard(node, heartbeat, Instant{50'001}));
    CHECK(watch.right(node, Instant{50'002}).may_act);
}
