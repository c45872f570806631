#include "agent/voting/voter.hpp"

#include <array>
#include <asio/io_context.hpp>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "test/support/catch.hpp"

namespace pair = agent::pair;
using agent::core::Message;
using agent::voting::Voter;

namespace {

// A voter with its store in a folder of its own, and everything it said.
class VoterAtWork {
  public:
    VoterAtWork() {
        std::string name = "/tmp/lra-voter-XXXXXX";
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        folder_ = name;
        start();
    }
    ~VoterAtWork() {
        voter_.reset();
        std::filesystem::remove_all(folder_);
    }
    VoterAtWork(const VoterAtWork&) = delete;
    VoterAtWork& operator=(const VoterAtWork&) = delete;

    void start() {
        voter_.reset();
        agent::runtime::VoterPairConfiguration configuration;
        configuration.cluster = "library-1";
        configuration.nodes = {"lra-a", "lra-b"};
        configuration.agents = {{"host-b", {}, "voters"}, {"host-c", {}, "voters"}};
        configuration.dead_after = {0};
        agent::voting::VoterDoors doors;
        doors.say = [this](const std::string& to, const std::string&, const std::string& line,
                           std::uint32_t, std::function<void()> taken) {
            said.emplace_back(to, line);
            if (acknowledges) taken();
        };
        doors.note = [this](Message message, const std::vector<std::string>&) {
            notes.push_back(message);
        };
        doors.broken = [](const std::string& why) { FAIL(why); };
        auto opened =
            Voter::open(loop_, "host-a", std::move(configuration), folder_, std::move(doors));
        REQUIRE(opened);
        voter_ = std::move(opened).value();
        voter_->start();
    }

    bool hear(const std::string& from, const pair::PairMessage& message) {
        said.clear();
        return voter_->hear(from, pair::encode(message));
    }
    Voter& voter() { return *voter_; }
    [[nodiscard]] const pair::VotingAgentState& state() const { return voter_->rules().state(); }
    [[nodiscard]] std::vector<std::string> told(const std::string& kind) const {
        std::vector<std::string> to;
        for (const auto& [who, line] : said) {
            if (line.starts_with("2 " + kind + " ")) to.push_back(who);
        }
        return to;
    }

    std::vector<std::pair<std::string, std::string>> said;
    std::vector<Message> notes;
    bool acknowledges = false;

  private:
    std::string folder_;
    asio::io_context loop_;
    std::unique_ptr<Voter> voter_;
};

pair::Enrolment voter_enrolment(const std::string& cluster = "library-1") {
    return {{{},
             {},
             {cluster,
              1,
              pair::Relation::pair,
              pair::Node::first,
              1,
              {"host-a", "host-b", "host-c"},
              1}}};
}

pair::PromiseRequest voter_promise(pair::Node node, std::uint64_t counter,
                                   const std::string& cluster = "library-1") {
    return {cluster, {counter, node}, pair::Wish::alone, {node, 1, {1, 0}}};
}

}  // namespace

TEST_CASE("a voter without a register is told its first one by a node, and keeps it") {
    VoterAtWork at_work;
    CHECK_FALSE(at_work.state().held);
    CHECK(at_work.notes == std::vector{Message::pair_not_enrolled});
    CHECK_FALSE(at_work.hear("host-b", voter_enrolment()));
    CHECK_FALSE(at_work.hear("lra-a", voter_enrolment("library-2")));
    CHECK_FALSE(at_work.state().held);
    CHECK(at_work.hear("lra-a", voter_enrolment()));
    REQUIRE(at_work.state().held);
    at_work.start();
    REQUIRE(at_work.state().held);
    CHECK(at_work.state().held->value == voter_enrolment().beginning.value);
}

TEST_CASE("what a voter promises is on its disk when the answer is said") {
    VoterAtWork at_work;
    REQUIRE(at_work.hear("lra-a", voter_enrolment()));
    REQUIRE(at_work.hear("lra-b", voter_promise(pair::Node::second, 7)));
    CHECK(at_work.told("answer") == std::vector<std::string>{"lra-b"});
    CHECK(at_work.told("decision") == std::vector<std::string>{"host-b", "host-c"});
    at_work.start();
    CHECK(at_work.state().held->promised == pair::Ballot{7, pair::Node::second});
}

TEST_CASE("nothing that its speaker may not say changes a register") {
    VoterAtWork at_work;
    REQUIRE(at_work.hear("lra-a", voter_enrolment()));
    const auto before = at_work.state();
    CHECK_FALSE(at_work.hear("host-b", voter_promise(pair::Node::second, 7)));
    CHECK_FALSE(at_work.hear("host-b", pair::AcceptRequest{{7, pair::Node::second}, {}, {}}));
    CHECK_FALSE(at_work.hear("host-b", pair::Heartbeat{}));
    CHECK_FALSE(at_work.hear("lra-b", pair::BallotAnswer{}));
    CHECK_FALSE(at_work.voter().hear("lra-b", "2 promise"));
    CHECK_FALSE(at_work.voter().hear("lra-b", ""));
    // One node in the other's name, and a node of another pair, are not refused on the way: the
    // register says no.
    static_cast<void>(at_work.hear("lra-a", voter_promise(pair::Node::second, 7)));
    CHECK(at_work.hear("lra-b", voter_promise(pair::Node::second, 7, "library-2")));
    auto foreign = voter_enrolment("library-2").beginning.value;
    CHECK_FALSE(at_work.hear("lra-b", pair::AcceptRequest{{7, pair::Node::second}, {}, foreign}));
    CHECK(at_work.state() == before);
}

TEST_CASE("an agent tells another one only its own decision") {
    VoterAtWork at_work;
    REQUIRE(at_work.hear("lra-a", voter_enrolment()));
    pair::BallotAnswer decision;
    decision.agent = "host-c";
    decision.instance = "i";
    decision.ballot = {3, pair::Node::second};
    CHECK_FALSE(at_work.hear("host-b", pair::DecisionTold{pair::Node::second, decision}));
    CHECK(at_work.hear("host-c", pair::DecisionTold{pair::Node::second, decision}));
    CHECK(at_work.voter().rules().decisions().size() == 1);
}

TEST_CASE("a shutdown command given to one agent is carried to both nodes and all agents") {
    VoterAtWork at_work;
    CHECK_FALSE(at_work.voter().shut_down(pair::Subject::first, pair::ShutdownMode::normal, "root",
                                          "new disks"));
    REQUIRE(at_work.hear("lra-a", voter_enrolment()));
    at_work.said.clear();
    const auto key = at_work.voter().shut_down(pair::Subject::first, pair::ShutdownMode::normal,
                                               "root", "new disks");
    REQUIRE(key);
    const auto to = at_work.told("command");
    CHECK(to == std::vector<std::string>{"lra-a", "host-b", "host-c", "lra-b"});
    CHECK(at_work.state().keys == std::vector{*key});
    // The same key, carried here by another agent, is the same command.
    CHECK(at_work.hear("host-b", pair::CommandPass{*key}));
    CHECK(at_work.told("command").empty());
    const auto next = at_work.voter().shut_down(pair::Subject::first, pair::ShutdownMode::forced,
                                                "root", "at once");
    REQUIRE(next);
    CHECK(key->id < next->id);
}

TEST_CASE("a node that was replaced is not believed about drives, one that serves is") {
    VoterAtWork at_work;
    REQUIRE(at_work.hear("lra-a", voter_enrolment()));
    CHECK(at_work.voter().speaks_for_the_library("lra-a"));
    pair::Heartbeat serves;
    serves.sequence = 1;
    serves.serves = true;
    serves.state = pair::NodeState::primary;
    CHECK(at_work.hear("lra-a", serves));
    CHECK(at_work.told("lease") == std::vector<std::string>{"lra-a"});
    CHECK(at_work.voter().speaks_for_the_library("lra-a"));
    CHECK_FALSE(at_work.voter().speaks_for_the_library("lra-b"));
    auto stands_by = serves;
    stands_by.sequence = 2;
    stands_by.serves = false;
    CHECK(at_work.hear("lra-a", stands_by));
    CHECK(at_work.hear("lra-b", serves));
    CHECK(at_work.voter().speaks_for_the_library("lra-b"));
    CHECK_FALSE(at_work.voter().speaks_for_the_library("lra-a"));
    CHECK(at_work.voter().speaks_for_the_library("another-library"));
}
