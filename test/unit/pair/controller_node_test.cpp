#include "agent/pair/controller_node.hpp"

#include "test/support/catch.hpp"

using namespace agent::pair;

namespace {

using Standby = DataSeen::Standby;

template <typename Effect>
std::vector<Effect> effects_of(const NodeEffects& effects) {
    std::vector<Effect> found;
    for (const auto& effect : effects) {
        if (const auto* one = std::get_if<Effect>(&effect)) found.push_back(*one);
    }
    return found;
}

// A node of a pair with one agent, whose register the test writes.
struct Bench {
    explicit Bench(Node me = Node::first, std::vector<AgentName> voters = {"a1"})
        : node(configuration_for(me, voters), {}) {
        value = {"c", 1, Relation::pair, Node::first, 1, voters, least_threshold(voters.size())};
        note(node.start(data));
    }
    static NodeConfiguration configuration_for(Node me, const std::vector<AgentName>& voters) {
        NodeConfiguration configuration;
        configuration.node = me;
        configuration.cluster = "c";
        configuration.voters = voters;
        configuration.threshold = least_threshold(voters.size());
        return configuration;
    }

    void note(const NodeEffects& effects) {
        last = effects;
        for (const auto& order : effects_of<Order>(effects)) {
            orders.push_back(order);
        }
    }
    void take(const NodeInput& input) { note(node.step(input)); }
    // The oldest order is carried out.
    Step done(bool well = true) {
        REQUIRE_FALSE(orders.empty());
        const Order order = orders.front();
        orders.erase(orders.begin());
        take(OrderAnswered{order.number, well, true, {1, 10}});
        return order.step;
    }
    BallotAnswer answer(BallotAnswer::Round round) const {
        BallotAnswer given;
        given.agent = "a1";
        given.instance = "i";
        given.changes = changes;
        given.round = round;
        given.ballot = node.vote()->ballot();
        given.granted = true;
        given.value = value;
        return given;
    }
    // The agent grants both rounds.
    void votes() {
        REQUIRE(node.vote_is_open());
        take(AgentVoted{answer(BallotAnswer::Round::promise)});
        if (!node.vote_is_open()) return;
        const auto decided = node.vote()->value();
        take(AgentVoted{answer(BallotAnswer::Round::accept)});
        value = decided;
    }
    void sees(std::uint64_t epoch, Standby standby) {
        data.epoch = epoch;
        data.standby = standby;
        take(data);
    }
    // In service as the primary of a pair.
    void serve() {
        CHECK(done() == Step::stop_database);
        votes();
        CHECK(done() == Step::start_synchronous);
        CHECK(done() == Step::checkpoint);
        sees(1, Standby::in_sync);
        CHECK(done() == Step::barrier);
        CHECK(done() == Step::fence_old);
        CHECK(done() == Step::judge_claims);
        REQUIRE(node.state() == NodeState::primary);
    }

    ControllerNode node;
    DataSeen data{1, Relation::pair, Node::first, {1, 5}, Standby::none, false};
    RegisterValue value;
    std::uint64_t changes = 5;
    std::vector<Order> orders;
    NodeEffects last;
};

ShutdownKey order_to_leave(std::uint64_t counter = 1) {
    ShutdownKey key;
    key.id = {1, counter, "op"};
    key.cluster = "c";
    return key;
}

}  // namespace

TEST_CASE("a node serves only when everything in its procedure is answered") {
    Bench bench;
    CHECK_FALSE(bench.node.takes_requests());
    bench.serve();
    CHECK(bench.node.takes_requests());
    CHECK(bench.node.epoch() == 1);
    CHECK(bench.node.needs_lease());
}

TEST_CASE("the number of a ballot is recorded before the ballot is sent, and never goes back") {
    Bench bench;
    bench.done();
    REQUIRE_FALSE(bench.last.empty());
    const auto* record = std::get_if<RecordNode>(&bench.last.front());
    REQUIRE(record != nullptr);
    CHECK(record->record.ballot_counter == ballot_marks);
    CHECK(effects_of<SendPromise>(bench.last).front().request.ballot.counter == ballot_marks);
    ControllerNode next_life(bench.node.configuration(), record->record);
    static_cast<void>(next_life.start(bench.data));
    static_cast<void>(next_life.step(OrderAnswered{1, true, true, {}}));
    CHECK(next_life.vote()->ballot().counter == 2 * ballot_marks);
}

TEST_CASE("a failed step ends the procedure and is tried again later") {
    Bench bench;
    bench.done();
    bench.votes();
    bench.done(false);
    CHECK(bench.node.state() == NodeState::offline);
    CHECK(bench.node.retry_is_wanted());
    bench.take(RetryDue{});
    CHECK(bench.node.state() == NodeState::recovering);
    CHECK(bench.orders.front().step == Step::stop_database);
}

TEST_CASE("answers to orders of a procedure that was given up move nothing") {
    Bench bench;
    bench.serve();
    bench.take(LeaseOver{});
    CHECK(bench.node.state() == NodeState::fenced);
    CHECK_FALSE(bench.node.acts());
    bench.take(OrderAnswered{999, true, true, {}});
    bench.take(OrderAnswered{1, true, true, {}});
    CHECK(bench.node.state() == NodeState::fenced);
    CHECK(bench.done() == Step::stop_database_at_once);
    CHECK(bench.node.state() == NodeState::recovering);
}

TEST_CASE("commits wait when the other is lost, and stop waiting only after the votes") {
    Bench bench;
    bench.serve();
    bench.sees(1, Standby::none);
    CHECK(bench.node.state() == NodeState::waiting_peer);
    CHECK_FALSE(bench.node.takes_requests());
    CHECK(bench.node.acts());
    CHECK(bench.orders.empty());
    bench.take(PeerMissing{});
    CHECK(bench.orders.empty());
    bench.votes();
    CHECK(bench.done() == Step::synchronous_off);
    CHECK(bench.orders.front().epoch == 2);
    CHECK(bench.done() == Step::barrier);
    CHECK(bench.node.state() == NodeState::primary_alone);
    CHECK(bench.node.epoch() == 2);
    CHECK_FALSE(bench.node.needs_lease());
}

TEST_CASE("a lone node takes the other in: first commits wait, then the register says pair") {
    Bench bench;
    bench.serve();
    bench.sees(1, Standby::none);
    bench.take(PeerMissing{});
    bench.votes();
    bench.done();
    bench.done();
    bench.sees(2, Standby::streaming);
    CHECK(bench.node.takes_requests());
    CHECK(bench.done() == Step::synchronous_on);
    CHECK_FALSE(bench.node.vote_is_open());
    bench.sees(2, Standby::in_sync);
    CHECK(bench.done() == Step::barrier);
    CHECK(bench.node.needs_lease());
    bench.votes();
    CHECK(bench.value.relation == Relation::pair);
    CHECK(bench.done() == Step::barrier);
    CHECK(bench.node.state() == NodeState::primary);
    CHECK(bench.node.epoch() == 3);
}

TEST_CASE("nodes that went on without the agents ask them when they are back, and can vouch then") {
    Bench bench;
    const auto right = right_of_single_controller(1);
    CHECK(bench.done() == Step::stop_database);
    bench.take(VoteTimeOver{});
    REQUIRE(bench.node.state() == NodeState::offline);
    bench.take(PeerHeard{NodeState::offline, bench.data});
    CHECK(bench.done() == Step::start_synchronous);
    CHECK(bench.done() == Step::checkpoint);
    bench.sees(1, Standby::in_sync);
    for (const auto step : {Step::barrier, Step::fence_old, Step::judge_claims})
        CHECK(bench.done() == step);
    REQUIRE(bench.node.state() == NodeState::primary);
    CHECK_FALSE(bench.node.vouch(right, {0}));
    // As often as they do not answer.
    for (int times = 0; times < 2; ++times) {
        REQUIRE(bench.node.retry_is_wanted());
        bench.take(RetryDue{});
        CHECK(bench.done() == Step::synchronous_on);
        CHECK(bench.done() == Step::barrier);
        bench.take(VoteTimeOver{});
        CHECK(bench.node.state() == NodeState::primary);
        CHECK_FALSE(bench.node.vouch(right, {0}));
    }
    bench.take(RetryDue{});
    CHECK(bench.done() == Step::synchronous_on);
    CHECK(bench.done() == Step::barrier);
    bench.votes();
    const auto beginning = bench.node.vouch(right, {0});
    REQUIRE(beginning);
    CHECK(beginning->value == bench.value);
    CHECK(beginning->accepted == bench.node.vote()->ballot());
    CHECK_FALSE(bench.node.vouch({2, true, true, {1'000}}, {1'000}));  // its time is over
    CHECK_FALSE(bench.node.vouch({2, true, false, for_ever}, {0}));
    CHECK(bench.done() == Step::barrier);
    CHECK_FALSE(bench.node.retry_is_wanted());
}

TEST_CASE("a database that ends takes its node back to the beginning") {
    Bench bench;
    bench.serve();
    bench.take(DatabaseLost{});
    CHECK(bench.node.state() == NodeState::recovering);
    CHECK_FALSE(bench.node.acts());
}

TEST_CASE("a standby whose copy is being replaced does not ask to serve") {
    Bench bench(Node::second);
    bench.done();
    bench.votes();
    REQUIRE(bench.node.state() == NodeState::standby);
    bench.take(PeerMissing{});
    CHECK(bench.node.state() == NodeState::standby);
    CHECK(bench.done() == Step::follow_peer);
    bench.take(PeerMissing{});
    CHECK(bench.node.state() == NodeState::taking_over);
    CHECK_FALSE(bench.node.grants_lease());
}

TEST_CASE("an agent whose store is another one, or has gone back, is not counted") {
    for (const bool other_store : {true, false}) {
        Bench bench;
        bench.serve();
        bench.sees(1, Standby::none);
        bench.take(PeerMissing{});
        auto answer = bench.answer(BallotAnswer::Round::promise);
        if (other_store) {
            answer.instance = "another";
        } else {
            answer.changes = 4;
        }
        bench.take(AgentVoted{answer});
        CHECK(effects_of<AgentForgot>(bench.last).size() == 1);
        CHECK(bench.node.vote()->state() == Vote::State::promising);
        CHECK(bench.node.record().witnesses.at("a1").instance == "i");
    }
}

TEST_CASE("an operator's forced start needs no vote, and raises the epoch out of reach") {
    Bench bench;
    bench.done();
    bench.take(VoteTimeOver{});
    REQUIRE(bench.node.state() == NodeState::offline);
    bench.take(ForcedStartOrdered{});
    bench.take(VoteTimeOver{});
    bench.take(VoteTimeOver{});
    CHECK(bench.done() == Step::promote);
    CHECK(bench.done() == Step::checkpoint);
    CHECK(bench.done() == Step::barrier);
    CHECK(bench.done() == Step::fence_old);
    CHECK(bench.done() == Step::judge_claims);
    CHECK(bench.node.state() == NodeState::primary_alone);
    CHECK(bench.node.epoch() == 1001);
}

TEST_CASE("a node in service starts nothing by force") {
    Bench bench;
    bench.serve();
    bench.take(ForcedStartOrdered{});
    CHECK(bench.node.state() == NodeState::primary);
    CHECK(bench.orders.empty());
}

TEST_CASE("a shutdown is refused with the reason, and asked for once is asked for once") {
    Bench bench;
    bench.serve();
    ShutdownKey elsewhere = order_to_leave();
    elsewhere.cluster = "d";
    bench.take(ShutdownOrdered{elsewhere});
    REQUIRE(effects_of<ShutdownRefused>(bench.last).size() == 1);
    bench.take(ShutdownOrdered{order_to_leave()});
    CHECK(effects_of<SendKey>(bench.last).size() == 1);
    bench.take(ShutdownOrdered{order_to_leave()});
    CHECK(bench.last.empty());
    bench.take(ShutdownOrdered{order_to_leave(2)});
    CHECK(effects_of<ShutdownRefused>(bench.last).size() == 1);
    bench.take(KeyTimeOver{});
    CHECK(effects_of<ShutdownRefused>(bench.last).size() == 1);
    CHECK(bench.node.state() == NodeState::primary);
    CHECK_FALSE(bench.node.key());
}

TEST_CASE("a command that is older than one that was obeyed is refused, and not left unsaid") {
    Bench bench;
    bench.serve();
    bench.take(ShutdownOrdered{order_to_leave(5)});
    bench.take(KeyStored{"a1", order_to_leave(5).id});
    CHECK(bench.done() == Step::stop_database);
    REQUIRE(bench.node.state() == NodeState::shut_down);
    bench.take(ShutdownOrdered{order_to_leave(3)});
    const auto refused = effects_of<ShutdownRefused>(bench.last);
    REQUIRE(refused.size() == 1);
    CHECK(refused.front().key == order_to_leave(3).id);
    CHECK_THAT(refused.front().why, ContainsSubstring("the clock of op is slow"));
    CHECK(bench.last.size() == 1);
    bench.take(ShutdownOrdered{order_to_leave(5)});
    CHECK(bench.last.empty());
    auto of_the_other = order_to_leave(3);
    of_the_other.subject = Subject::second;
    bench.take(ShutdownOrdered{of_the_other});
    CHECK(bench.last.empty());
}

TEST_CASE("a node leaves when its mounts are gone, and its key tells how") {
    Bench bench;
    bench.serve();
    bench.take(MountsSeen{{0, 2, false}});
    bench.take(ShutdownOrdered{order_to_leave()});
    bench.take(KeyStored{"a1", order_to_leave().id});
    CHECK(bench.node.state() == NodeState::draining);
    CHECK_FALSE(bench.node.takes_requests());
    CHECK(bench.node.acts());
    CHECK(bench.orders.empty());
    bench.take(MountsSeen{{0, 0, false}});
    CHECK(bench.done() == Step::stop_database);
    CHECK(bench.node.state() == NodeState::shut_down);
    const auto left = effects_of<LeftService>(bench.last);
    REQUIRE(left.size() == 1);
    CHECK(left.front().key.departures[0] == Departure{true, true, {1, 10}, 0});
    CHECK(left.front().key.stored_at == std::vector<AgentName>{"a1"});
    // The command does not send it out again after it has come back.
    bench.take(RecoverOrdered{});
    bench.take(ShutdownOrdered{order_to_leave()});
    CHECK(bench.last.empty());
}

TEST_CASE("a command that comes while a node changes its role is obeyed when it has done so") {
    Bench bench;
    bench.take(ShutdownOrdered{order_to_leave(1)});
    CHECK(effects_of<ShutdownRefused>(bench.last).empty());
    CHECK(effects_of<ShutdownWaits>(bench.last).size() == 1);
    bench.take(ShutdownOrdered{order_to_leave(1)});  // carried here twice
    CHECK(bench.last.empty());
    bench.take(ShutdownOrdered{order_to_leave(3)});
    // The one that gives way is refused in words, in whichever order they come.
    REQUIRE(effects_of<ShutdownRefused>(bench.last).size() == 1);
    CHECK(effects_of<ShutdownRefused>(bench.last).front().key == order_to_leave(1).id);
    bench.take(ShutdownOrdered{order_to_leave(2)});
    REQUIRE(effects_of<ShutdownRefused>(bench.last).size() == 1);
    CHECK(effects_of<ShutdownRefused>(bench.last).front().key == order_to_leave(2).id);
    CHECK_FALSE(bench.node.key());
    bench.serve();
    REQUIRE(bench.node.keys_are_collected());
    CHECK(bench.node.key()->id == order_to_leave(3).id);
    CHECK_FALSE(bench.node.waiting_order());
    bench.take(KeyStored{"a1", order_to_leave(3).id});
    CHECK(bench.done() == Step::stop_database);
    CHECK(bench.node.state() == NodeState::shut_down);
}

TEST_CASE("a node that is offline leaves before it tries again, and waits for the key's time") {
    Bench bench;
    bench.done();
    bench.take(VoteTimeOver{});
    REQUIRE(bench.node.state() == NodeState::offline);
    REQUIRE(bench.node.retry_is_wanted());
    ShutdownKey forced = order_to_leave();
    forced.mode = ShutdownMode::forced;
    bench.take(ShutdownOrdered{forced});
    REQUIRE(bench.node.keys_are_collected());
    CHECK_FALSE(bench.node.retry_is_wanted());
    bench.take(RetryDue{});
    CHECK(bench.node.state() == NodeState::offline);
    bench.take(KeyTimeOver{});
    CHECK(bench.done() == Step::stop_database);
    CHECK(bench.node.state() == NodeState::shut_down);
}

TEST_CASE("a command whose keys are collected when the role changes is obeyed afterwards") {
    const KeyId id = order_to_leave().id;
    for (const bool fenced : {true, false}) {
        Bench bench;
        bench.serve();
        bench.take(ShutdownOrdered{order_to_leave()});
        REQUIRE(bench.node.keys_are_collected());
        if (fenced) {
            bench.take(LeaseOver{});
        } else {
            bench.take(DatabaseLost{});
        }
        CHECK_FALSE(bench.node.keys_are_collected());
        REQUIRE(bench.node.waiting_order());
        CHECK(bench.node.waiting_order()->id == id);
        CHECK(effects_of<ShutdownWaits>(bench.last).size() == 1);
        // Late answers of agents: nothing is recorded as obeyed that is not.
        bench.take(KeyStored{"a1", id});
        CHECK(bench.node.record().last_order < id);
        if (fenced) CHECK(bench.done() == Step::stop_database_at_once);
        bench.data.standby = Standby::none;
        bench.take(bench.data);
        bench.serve();
        REQUIRE(bench.node.keys_are_collected());
        bench.take(KeyStored{"a1", id});
        CHECK(bench.node.record().last_order == id);
        CHECK(bench.done() == Step::stop_database);
        CHECK(bench.node.state() == NodeState::shut_down);
    }
}

TEST_CASE("a command that waits is taken back by age, and by whoever wants the node in service") {
    const NodeInput ends[] = {WaitingTimeOver{}, RecoverOrdered{}, ForcedStartOrdered{}};
    for (const auto& end : ends) {
        Bench bench;
        bench.take(ShutdownOrdered{order_to_leave()});
        REQUIRE(bench.node.waiting_order());
        bench.take(end);
        CHECK_FALSE(bench.node.waiting_order());
        CHECK(effects_of<ShutdownRefused>(bench.last).size() == 1);
        // Carried here once more it stays taken back, over an end of the program too.
        CHECK(effects_of<RecordNode>(bench.last).size() >= 1);
        bench.take(ShutdownOrdered{order_to_leave()});
        CHECK_FALSE(bench.node.waiting_order());
        bench.take(end);
        CHECK(effects_of<ShutdownRefused>(bench.last).empty());
    }
    // One whose keys are collected as well.
    Bench bench;
    bench.done();
    bench.take(VoteTimeOver{});
    bench.take(ShutdownOrdered{order_to_leave()});
    REQUIRE(bench.node.keys_are_collected());
    bench.take(RecoverOrdered{});
    CHECK(bench.node.state() == NodeState::recovering);
    CHECK(effects_of<ShutdownRefused>(bench.last).size() == 1);
    CHECK_FALSE(bench.node.waiting_order());
}

TEST_CASE("of a command for both the other's departure is enough, whatever this node is doing") {
    Bench bench;
    REQUIRE(bench.node.state() == NodeState::recovering);
    ShutdownKey both = order_to_leave();
    both.subject = Subject::both;
    both.departures[1].out = true;
    bench.take(KeySeen{both});
    REQUIRE(bench.node.waiting_order());
    CHECK(bench.node.waiting_order()->id == both.id);
    bench.take(KeySeen{both});
    CHECK(bench.last.empty());
}

TEST_CASE("a node that drains waits for no mounts any more when its program is stopped") {
    for (const auto mode : {ShutdownMode::normal, ShutdownMode::expedite}) {
        Bench bench(Node::first, {"a1"});
        bench.serve();
        bench.take(MountsSeen{{1, 2, true}});
        ShutdownKey patient = order_to_leave();
        patient.mode = mode;
        bench.take(ShutdownOrdered{patient});
        bench.take(KeyStored{"a1", patient.id});
        REQUIRE(bench.node.state() == NodeState::draining);
        CHECK(bench.node.leaves_by() == mode);
        bench.take(StopOrdered{});
        CHECK(bench.node.leaves_by() == ShutdownMode::immediate);
        CHECK(bench.orders.empty());  // a move in flight is waited for
        bench.take(MountsSeen{{1, 2, false}});
        CHECK(bench.done() == Step::stop_database);
        CHECK(effects_of<LeftService>(bench.last).front().key.mode == mode);
    }
}

TEST_CASE("a program that is stopped needs the keys of no more agents than a shutdown at once") {
    Bench bench(Node::first, {"a1"});
    bench.serve();
    bench.take(StopOrdered{});  // nothing leaves yet
    CHECK(bench.last.empty());
    CHECK_FALSE(bench.node.leaves_by());
    NodeConfiguration three = Bench::configuration_for(Node::first, {"a1", "a2", "a3"});
    ControllerNode node(three, {});
    static_cast<void>(node.start(bench.data));
    static_cast<void>(node.step(OrderAnswered{1, true, true, {1, 10}}));
    static_cast<void>(node.step(VoteTimeOver{}));
    REQUIRE(node.state() == NodeState::offline);
    const ShutdownKey key = order_to_leave();  // normal: every agent's
    static_cast<void>(node.step(ShutdownOrdered{key}));
    static_cast<void>(node.step(KeyStored{"a1", key.id}));
    static_cast<void>(node.step(KeyStored{"a2", key.id}));
    REQUIRE(node.keys_are_collected());
    static_cast<void>(node.step(StopOrdered{}));
    CHECK(node.state() == NodeState::draining);
}

TEST_CASE("no time left to act while it drains: stopped at once, and the key does not say clean") {
    Bench bench;
    bench.serve();
    bench.take(MountsSeen{{0, 2, false}});
    bench.take(ShutdownOrdered{order_to_leave()});
    bench.take(KeyStored{"a1", order_to_leave().id});
    bench.take(LeaseOver{});
    CHECK(bench.done() == Step::stop_database_at_once);
    const auto left = effects_of<LeftService>(bench.last);
    REQUIRE(left.size() == 1);
    CHECK_FALSE(left.front().key.departures[0].clean);
    CHECK(left.front().key.departures[0].open_claims == 2);
}
