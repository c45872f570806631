#include "agent/pair_node/node_runner.hpp"

#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "agent/pair_node/node_methods.hpp"
#include "agent/voting/voter.hpp"
#include "test/support/catch.hpp"

namespace pair = agent::pair;
using agent::core::Message;
using agent::pair_node::NodeRunner;
using pair::NodeState;
using pair::Step;

namespace {

// A database that does at once what it is told; the other node's copy never comes.
class ObedientDatabase final : public agent::pair_node::DatabaseDoor {
  public:
    ObedientDatabase(asio::io_context& loop, std::vector<Step>& done) : loop_(loop), done_(done) {}

    void start() override {
        seen_.epoch = 1;
        asio::post(loop_, [this] { on_seen(seen_); });
    }
    void carry_out(const pair::Order& order,
                   std::function<void(const pair::OrderAnswered&)> answered) override {
        done_.push_back(order.step);
        if (order.step == Step::barrier) {
            seen_.epoch = order.epoch;
            seen_.relation = order.relation;
            seen_.primary = order.primary;
        }
        const bool waits_for_ever =
            order.step == Step::barrier && order.relation == pair::Relation::pair;
        if (waits_for_ever) return;
        asio::post(loop_, [this, number = order.number, answered = std::move(answered)] {
            on_seen(seen_);
            pair::OrderAnswered answer;
            answer.number = number;
            answer.done = answer.clean = true;
            answered(answer);
        });
    }

  private:
    asio::io_context& loop_;
    std::vector<Step>& done_;
    pair::DataSeen seen_;
};

// The first node of a pair whose second never comes, and three agents, in one process.
class NodeAtWork {
  public:
    NodeAtWork() {
        std::string name = "/tmp/lra-node-XXXXXX";
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        folder_ = name;
        for (const auto* agent : {"host-a", "host-b", "host-c"})
            start_agent(agent);
        agent::pair_node::NodeOptions options;
        options.pair.node = {
            pair::Node::first, "library-1", {"host-a", "host-b", "host-c"}, 1, true};
        options.pair.peer.name = "lra-b";
        auto& times = options.pair.times;
        times.heartbeat = {20};
        times.suspect_after = {60};
        times.lease = {200};
        times.dead_after = {300};
        times.peer_wait = {300};
        times.retry = {50};
        times.vote_timeout = {200};
        times.key_timeout = {400};
        options.name = "lra-a";
        options.store_file = folder_ + "/node.db";
        auto opened = NodeRunner::open(loop_, std::move(options),
                                       std::make_unique<ObedientDatabase>(loop_, steps), doors());
        REQUIRE(opened);
        node_ = std::move(opened).value();
        node_->start();
    }
    ~NodeAtWork() {
        node_.reset();
        agents_.clear();
        std::filesystem::remove_all(folder_);
    }
    NodeAtWork(const NodeAtWork&) = delete;
    NodeAtWork& operator=(const NodeAtWork&) = delete;

    void start_agent(const std::string& name) {
        agents_.erase(name);
        const auto state = folder_ + "/" + name;
        std::filesystem::create_directories(state);
        agent::runtime::VoterPairConfiguration configuration;
        configuration.cluster = "library-1";
        configuration.nodes = {"lra-a", "lra-b"};
        configuration.dead_after = {300};
        agent::voting::VoterDoors doors;
        doors.say = [this, name](const std::string& to, const std::string&, const std::string& line,
                                 std::uint32_t, auto) {
            if (to != "lra-a" || silent.contains(name)) return;
            asio::post(loop_, [this, name, line] { CHECK(node_->hear(name, line)); });
        };
        doors.note = [](Message, const std::vector<std::string>&) {};
        doors.broken = [](const std::string& why) { FAIL(why); };
        auto opened = agent::voting::Voter::open(loop_, name, std::move(configuration), state,
                                                 std::move(doors));
        REQUIRE(opened);
        agents_[name] = std::move(opened).value();
    }
    void lose_store_of(const std::string& name) {
        agents_.erase(name);
        std::filesystem::remove_all(folder_ + "/" + name);
        start_agent(name);
    }

    // Runs until it is so; a minute is an end, not a measure.
    bool until(const std::function<bool()>& so) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
        while (!so() && std::chrono::steady_clock::now() < end) {
            loop_.restart();
            loop_.run_for(std::chrono::milliseconds(5));
        }
        return so();
    }
    bool until(NodeState state) {
        return until([this, state] { return node_->rules().state() == state; });
    }
    void found() {
        REQUIRE(until([this] { return node_->started(); }));
        REQUIRE(node_->found());
        REQUIRE(until([this] { return enrolled("host-a") && enrolled("host-c"); }));
    }
    [[nodiscard]] bool enrolled(const std::string& name) const {
        return agents_.at(name)->rules().state().held.has_value();
    }
    NodeRunner& node() { return *node_; }
    void peer_says(std::uint64_t sequence, NodeState state) {
        pair::Heartbeat heartbeat;
        heartbeat.sequence = sequence;
        heartbeat.state = state;
        CHECK(node_->hear("lra-b", pair::encode(heartbeat)));
    }
    [[nodiscard]] const agent::voting::Voter& agent(const std::string& name) const {
        return *agents_.at(name);
    }
    [[nodiscard]] bool was_told(Message message) const {
        return std::find(notes.begin(), notes.end(), message) != notes.end();
    }

    std::vector<Step> steps;
    std::vector<Message> notes;
    std::set<std::string> silent;
    pair::MountsLeft mounts;
    std::optional<agent::core::Now> clocks;  // stand, where a test says

  private:
    agent::pair_node::NodeDoors doors() {
        agent::pair_node::NodeDoors doors;
        doors.say = [this](const std::string& to, const std::string&, const std::string& line,
                           std::uint32_t) {
            if (!agents_.contains(to) || silent.contains(to)) return;
            asio::post(loop_, [this, to, line] {
                if (agents_.contains(to)) static_cast<void>(agents_.at(to)->hear("lra-a", line));
            });
        };
        doors.carry_out = [this](const pair::Order& order, std::function<void(bool)> done) {
            steps.push_back(order.step);
            asio::post(loop_, [done = std::move(done)] { done(true); });
        };
        doors.mounts_left = [this] { return mounts; };
        doors.lower = [](const agent::pair::ActingRight&) {};
        doors.changed = [] {};
        doors.note = [this](Message message, const std::vector<std::string>&) {
            notes.push_back(message);
        };
        doors.broken = [](const std::string& why) { FAIL(why); };
        doors.now = [this] { return clocks ? *clocks : agent::runtime::clock_now(); };
        return doors;
    }

    asio::io_context loop_;
    std::string folder_;
    std::map<std::string, std::unique_ptr<agent::voting::Voter>> agents_;
    std::unique_ptr<NodeRunner> node_;
};

}  // namespace

TEST_CASE("a node whose peer does not come serves alone when its agents agree") {
    NodeAtWork at_work;
    at_work.found();
    REQUIRE(at_work.until(NodeState::primary_alone));
    const auto right = at_work.node().right();
    CHECK(right.may_claim);
    CHECK(right.may_act);
    CHECK(right.until == pair::for_ever);
    CHECK(right.epoch == 2);
    // Old keys are taken off the drives after the table is certain, and before claims are judged.
    const std::vector<Step> end(at_work.steps.end() - 3, at_work.steps.end());
    CHECK(end == std::vector{Step::barrier, Step::fence_old, Step::judge_claims});
    CHECK(at_work.agent("host-b").rules().state().held->value.relation == pair::Relation::alone);
    CHECK_FALSE(at_work.node().found());
}

TEST_CASE("with exactly the threshold of agents a node serves nobody, with one more it does") {
    NodeAtWork at_work;
    at_work.found();
    at_work.silent = {"host-b", "host-c"};
    REQUIRE(at_work.until([&] { return at_work.was_told(Message::pair_votes_missing); }));
    CHECK_FALSE(at_work.node().right().may_act);
    CHECK_FALSE(at_work.node().right().may_claim);
    at_work.silent = {"host-c"};
    CHECK(at_work.until(NodeState::primary_alone));
}

TEST_CASE("an agent that lost its store is told the register by the node that serves") {
    NodeAtWork at_work;
    at_work.found();
    REQUIRE(at_work.until(NodeState::primary_alone));
    at_work.lose_store_of("host-b");
    REQUIRE_FALSE(at_work.enrolled("host-b"));
    CHECK_FALSE(at_work.node().enrol("host-x"));
    REQUIRE(at_work.node().enrol("host-b"));
    REQUIRE(at_work.until([&] { return at_work.enrolled("host-b"); }));
    const auto& told = *at_work.agent("host-b").rules().state().held;
    CHECK(told.value == at_work.agent("host-a").rules().state().held->value);
    CHECK(at_work.node().rules().record().witnesses.count("host-b") == 0);
}

TEST_CASE("a node leaves when every agent has its key, and comes back when it is told") {
    NodeAtWork at_work;
    at_work.found();
    REQUIRE(at_work.until(NodeState::primary_alone));
    const auto key = at_work.node().shut_down(pair::Subject::first, pair::ShutdownMode::normal,
                                              "root", "new disks");
    REQUIRE(key);
    REQUIRE(at_work.until(NodeState::shut_down));
    CHECK_FALSE(at_work.node().right().may_act);
    REQUIRE(at_work.until([&] {
        const auto& keys = at_work.agent("host-c").rules().state().keys;
        return !keys.empty() && keys.front().departures[0].out;
    }));
    CHECK(at_work.agent("host-c").rules().state().keys.front().departures[0].clean);
    REQUIRE(at_work.node().recover());
    CHECK(at_work.until(NodeState::primary_alone));
}

TEST_CASE("a shutdown that needs every agent's key is refused without one of them") {
    NodeAtWork at_work;
    at_work.found();
    REQUIRE(at_work.until(NodeState::primary_alone));
    at_work.silent = {"host-c"};
    REQUIRE(at_work.node().shut_down(pair::Subject::first, pair::ShutdownMode::normal, "root",
                                     "new disks"));
    REQUIRE(at_work.until([&] { return at_work.was_told(Message::pair_shutdown_refused); }));
    CHECK(at_work.node().rules().state() == NodeState::primary_alone);
    REQUIRE(at_work.node().shut_down(pair::Subject::first, pair::ShutdownMode::immediate, "root",
                                     "new disks"));
    CHECK(at_work.until(NodeState::shut_down));
}

TEST_CASE("a command from an agent with a slow clock is refused aloud, once") {
    NodeAtWork at_work;
    at_work.found();
    REQUIRE(at_work.until(NodeState::primary_alone));
    auto& node = at_work.node();
    const auto leave = [&](const char* reason) {
        const auto key =
            node.shut_down(pair::Subject::first, pair::ShutdownMode::immediate, "root", reason);
        REQUIRE(key);
        REQUIRE(at_work.until(NodeState::shut_down));
        REQUIRE(node.recover());
        REQUIRE(at_work.until(NodeState::primary_alone));
        return *key;
    };
    const auto first = leave("disks");
    const auto second = leave("more disks");
    REQUIRE(first.id < second.id);
    const auto refused = [&] {
        return std::count(at_work.notes.begin(), at_work.notes.end(),
                          Message::pair_shutdown_refused);
    };
    for (const auto& carried_on : {first, second, first})
        CHECK(node.hear("host-a", pair::encode(pair::CommandPass{carried_on})));
    CHECK(refused() == 0);
    auto slow = second;
    slow.id.counter -= 3'600'000;
    slow.id.issuer = "host-c";
    for (int times = 0; times < 3; ++times)
        CHECK(node.hear("host-c", pair::encode(pair::CommandPass{slow})));
    CHECK(refused() == 1);
    CHECK(node.rules().state() == NodeState::primary_alone);
}

TEST_CASE("a node that is stopped hands over to the other one when that is heard") {
    NodeAtWork at_work;
    at_work.found();
    REQUIRE(at_work.until(NodeState::primary_alone));
    at_work.peer_says(1, NodeState::standby);
    bool done = false;
    at_work.node().hand_over([&] { done = true; });
    CHECK(at_work.was_told(Message::pair_hands_over));
    REQUIRE(at_work.until([&] { return done; }));
    CHECK(at_work.node().rules().state() == NodeState::shut_down);
    CHECK_FALSE(at_work.node().right().may_act);
    CHECK_FALSE(at_work.was_told(Message::pair_not_handed_over));
    const auto& keys = at_work.agent("host-a").rules().state().keys;
    REQUIRE(keys.size() == 1);
    CHECK(keys.front().departures[0].out);
    CHECK(keys.front().mode == pair::ShutdownMode::immediate);
}

TEST_CASE("a node that is stopped while nobody keeps its key says so, and stops") {
    NodeAtWork at_work;
    at_work.found();
    REQUIRE(at_work.until(NodeState::primary_alone));
    at_work.silent = {"host-a", "host-b", "host-c"};
    at_work.peer_says(1, NodeState::standby);
    bool done = false;
    at_work.node().hand_over([&] { done = true; });
    REQUIRE(at_work.until([&] { return done; }));
    CHECK(at_work.was_told(Message::pair_not_handed_over));
}

TEST_CASE("a node that is stopped and hears no other one just stops") {
    NodeAtWork at_work;
    at_work.found();
    REQUIRE(at_work.until(NodeState::primary_alone));
    bool done = false;
    at_work.node().hand_over([&] { done = true; });
    REQUIRE(at_work.until([&] { return done; }));
    CHECK_FALSE(at_work.was_told(Message::pair_hands_over));
    CHECK(at_work.node().rules().state() == NodeState::primary_alone);
}

TEST_CASE("a clock that is set makes nobody silent and nobody heard") {
    NodeAtWork at_work;
    at_work.found();
    REQUIRE(at_work.until(NodeState::primary_alone));
    auto& node = at_work.node();
    std::uint64_t sequence = 0;
    const auto heard_from_agent = [&] {
        CHECK(node.hear("host-a", pair::encode(pair::LeaseAnswer{0, ++sequence, true, {300}})));
    };
    at_work.clocks = agent::runtime::clock_now();
    at_work.peer_says(1, NodeState::standby);
    for (const std::int64_t hours : {1, -2, 1}) {
        at_work.clocks->wall.ms += hours * 3'600'000;
        CHECK(node.agent_is_heard("host-b", {300'000}));
        heard_from_agent();
        CHECK_FALSE(node.peer_is_silent());
    }
    at_work.clocks->wall.ms -= 3'600'000;
    at_work.clocks->monotonic.ms += 61;
    heard_from_agent();
    CHECK(node.peer_is_silent());
    at_work.clocks->monotonic.ms += 301;
    CHECK_FALSE(node.agent_is_heard("host-a", {300}));
    CHECK_FALSE(node.agent_is_heard("host-x", {300}));
}

TEST_CASE("a node hands over although its clock was set a moment ago") {
    NodeAtWork at_work;
    at_work.found();
    REQUIRE(at_work.until(NodeState::primary_alone));
    at_work.clocks = agent::runtime::clock_now();
    at_work.peer_says(1, NodeState::standby);
    at_work.clocks->wall.ms += 3'600'000;
    CHECK(at_work.node().hear("host-a", pair::encode(pair::LeaseAnswer{0, 1, true, {300}})));
    at_work.node().hand_over([] {});
    CHECK(at_work.was_told(Message::pair_hands_over));
}

TEST_CASE("whose promise is shorter than the lease asks for is told once") {
    NodeAtWork at_work;
    at_work.found();
    REQUIRE(at_work.until(NodeState::primary_alone));
    auto& node = at_work.node();
    CHECK_FALSE(at_work.was_told(Message::pair_times_differ));
    for (const std::uint64_t sequence : {1U, 2U})
        CHECK(node.hear("host-a", pair::encode(pair::LeaseAnswer{0, sequence, true, {200}})));
    CHECK(std::count(at_work.notes.begin(), at_work.notes.end(), Message::pair_times_differ) == 1);
}

TEST_CASE("a promise too short for the heartbeats is told of, and when it is long enough again") {
    NodeAtWork at_work;
    at_work.found();
    REQUIRE(at_work.until(NodeState::primary_alone));
    auto& node = at_work.node();
    std::uint64_t sequence = 0;
    for (const std::int64_t promise : {76, 76})  // 57 ms of it count, of 20 ms each
        CHECK(node.hear("lra-b", pair::encode(pair::LeaseAnswer{0, ++sequence, true, {promise}})));
    REQUIRE(node.worthless_promises().contains("lra-b"));
    CHECK_THAT(node.worthless_promises().at("lra-b"),
               Catch::Matchers::ContainsSubstring("76 ms after the last word"));
    CHECK(node.hear("lra-b", pair::encode(pair::LeaseAnswer{0, ++sequence, true, {80}})));
    CHECK(node.worthless_promises().empty());
}

TEST_CASE("a node that drains for mounted volumes hands over at once when it is stopped") {
    NodeAtWork at_work;
    at_work.found();
    REQUIRE(at_work.until(NodeState::primary_alone));
    at_work.mounts = {1, 1, false};
    REQUIRE(at_work.node().shut_down(pair::Subject::first, pair::ShutdownMode::normal, "root",
                                     "new disks"));
    REQUIRE(at_work.until(NodeState::draining));
    at_work.peer_says(1, NodeState::standby);
    bool done = false;
    at_work.node().hand_over([&] { done = true; });
    REQUIRE(at_work.until([&] { return done; }));
    CHECK(at_work.node().rules().state() == NodeState::shut_down);
    CHECK_FALSE(at_work.was_told(Message::pair_not_handed_over));
}

// Its retries come sooner than the end of its patience with agents that do not answer.
TEST_CASE(
    "a command that comes while a node looks for its role is shown, and answered in the end") {
    NodeAtWork at_work;
    at_work.silent = {"host-a", "host-b", "host-c"};
    nlohmann::json shown;
    REQUIRE(at_work.until([&] {
        auto& node = at_work.node();
        if (shown.is_object()) return true;
        if (!node.started() || node.rules().state() != NodeState::recovering) return false;
        CHECK(node.shut_down(pair::Subject::first, pair::ShutdownMode::normal, "root", "disks"));
        shown = agent::pair_node::node_json(
            node, {nullptr, [](const std::string&) { return false; }})["waiting_command"];
        return true;
    }));
    REQUIRE(shown.is_object());
    CHECK(shown["mode"] == "normal");
    CHECK(shown["reason"] == "disks");
    CHECK(at_work.was_told(Message::pair_command_waits));
    REQUIRE(at_work.until([&] { return at_work.was_told(Message::pair_shutdown_refused); }));
    CHECK_FALSE(at_work.node().rules().waiting_order());
    // One that goes without the agents goes.
    REQUIRE(at_work.node().shut_down(pair::Subject::first, pair::ShutdownMode::forced, "root",
                                     "disks"));
    CHECK(at_work.until(NodeState::shut_down));
}

TEST_CASE("a node hears from each only what it may say, and of strangers nothing") {
    NodeAtWork at_work;
    at_work.found();
    REQUIRE(at_work.until(NodeState::primary_alone));
    auto& node = at_work.node();
    CHECK_FALSE(node.hear("host-a", pair::encode(pair::PromiseRequest{})));
    CHECK_FALSE(node.hear("host-a", pair::encode(pair::Heartbeat{})));
    CHECK_FALSE(node.hear("lra-b", pair::encode(pair::BallotAnswer{})));
    CHECK_FALSE(node.hear("lra-b", pair::encode(pair::KeyKept{})));
    CHECK_FALSE(node.hear("host-x", pair::encode(pair::LeaseAnswer{0, 1, true, {300}})));
    pair::BallotAnswer others;
    others.agent = "host-b";
    CHECK_FALSE(node.hear("host-a", pair::encode(others)));
    CHECK_FALSE(node.hear("host-a", "nonsense"));
    CHECK(node.rules().state() == NodeState::primary_alone);
}
