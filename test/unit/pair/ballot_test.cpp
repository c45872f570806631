#include "agent/pair/ballot.hpp"

#include "test/support/catch.hpp"

using namespace agent::pair;

namespace {

std::vector<AgentName> voters_of(std::size_t count) {
    std::vector<AgentName> names;
    for (std::size_t index = 0; index < count; ++index) {
        names.push_back("a" + std::to_string(index + 1));
    }
    return names;
}

// Agents with registers of their own, and a node that asks them.
struct Voting {
    explicit Voting(std::size_t count, std::uint32_t threshold)
        : voters(voters_of(count)),
          registers(count,
                    Register{{}, {}, {"c", 1, Relation::pair, Node::first, 1, voters, threshold}}) {
    }

    Vote vote(std::uint64_t counter, Node node, Wish wish, std::uint64_t epoch = 1) const {
        return Vote("c", {counter, node}, wish, {node, epoch, {1, 0}}, voters,
                    registers.front().value.threshold);
    }
    BallotAnswer promise(const Vote& vote, std::size_t agent,
                         const AgentKnowledge& knowledge = {}) {
        auto result = answer_promise(&registers[agent], keys, vote.promise_request(), knowledge);
        if (result.record) registers[agent] = *result.record;
        result.answer.agent = voters[agent];
        return result.answer;
    }
    BallotAnswer accept(const Vote& vote, std::size_t agent) {
        auto result = answer_accept(&registers[agent], vote.accept_request(), {});
        if (result.record) registers[agent] = *result.record;
        result.answer.agent = voters[agent];
        return result.answer;
    }

    std::vector<AgentName> voters;
    std::vector<Register> registers;
    KeyStore keys;
};

}  // namespace

TEST_CASE("exactly the threshold is not enough, one more is") {
    for (std::size_t count = 1; count <= 5; ++count) {
        const auto threshold = least_threshold(count);
        Voting voting(count, threshold);
        Vote vote = voting.vote(1, Node::second, Wish::alone);
        for (std::size_t agent = 0; agent <= threshold; ++agent) {
            CHECK(vote.state() == Vote::State::promising);
            vote.hear(voting.promise(vote, agent));
        }
        REQUIRE(vote.state() == Vote::State::accepting);
        for (std::size_t agent = 0; agent < threshold; ++agent) {
            vote.hear(voting.accept(vote, agent));
            CHECK(vote.state() == Vote::State::accepting);
        }
        vote.hear(voting.accept(vote, threshold));
        CHECK(vote.state() == Vote::State::decided);
        CHECK(vote.value().primary == Node::second);
    }
}

TEST_CASE("a node that was suspended between the rounds finds its votes gone") {
    Voting voting(3, 1);
    Vote first = voting.vote(1, Node::first, Wish::alone);
    first.hear(voting.promise(first, 0));
    first.hear(voting.promise(first, 1));
    REQUIRE(first.state() == Vote::State::accepting);

    Vote second = voting.vote(2, Node::second, Wish::alone);
    second.hear(voting.promise(second, 1));
    second.hear(voting.promise(second, 2));
    second.hear(voting.accept(second, 1));
    second.hear(voting.accept(second, 2));
    REQUIRE(second.state() == Vote::State::decided);

    first.hear(voting.accept(first, 0));
    first.hear(voting.accept(first, 1));
    CHECK(first.state() == Vote::State::outbid);
    CHECK(first.highest_seen() == 2);
}

TEST_CASE("the newest accepted value counts, though most agents have missed it") {
    Voting voting(3, 1);
    Vote second = voting.vote(1, Node::second, Wish::alone);
    second.hear(voting.promise(second, 0));
    second.hear(voting.promise(second, 1));
    second.hear(voting.accept(second, 0));  // and nobody hears of it
    CHECK(second.state() == Vote::State::accepting);

    Vote first = voting.vote(5, Node::first, Wish::alone);
    first.hear(voting.promise(first, 0));
    CHECK(first.state() == Vote::State::promising);
    first.hear(voting.promise(first, 2));
    CHECK(first.state() == Vote::State::refused);
    CHECK(first.objection() == Objection::other_newer);
}

TEST_CASE("a question is answered again after its answer was lost") {
    Voting voting(1, 0);
    Vote vote = voting.vote(1, Node::second, Wish::alone);
    CHECK(voting.promise(vote, 0).granted);
    vote.hear(voting.promise(vote, 0));
    REQUIRE(vote.state() == Vote::State::accepting);
    CHECK(voting.accept(vote, 0).granted);
    vote.hear(voting.accept(vote, 0));
    CHECK(vote.state() == Vote::State::decided);
    // Once accepted, the promise is not given a second time.
    CHECK_FALSE(voting.promise(vote, 0).granted);
}

TEST_CASE("answers that are repeated, to other ballots or of strangers count for nothing") {
    Voting voting(3, 1);
    Vote vote = voting.vote(1, Node::second, Wish::alone);
    const auto answer = voting.promise(vote, 0);
    CHECK_FALSE(vote.hear(answer));
    CHECK_FALSE(vote.hear(answer));
    BallotAnswer strange = answer;
    strange.agent = "a9";
    CHECK_FALSE(vote.hear(strange));
    BallotAnswer late = voting.promise(vote, 1);
    late.ballot.counter = 9;
    CHECK_FALSE(vote.hear(late));
    CHECK(vote.state() == Vote::State::promising);
}

TEST_CASE("each no carries its code") {
    Voting voting(1, 0);
    Vote vote = voting.vote(3, Node::second, Wish::alone);
    CHECK(answer_promise(nullptr, {}, vote.promise_request(), {}).answer.objection ==
          Objection::not_registered);
    PromiseRequest foreign = vote.promise_request();
    foreign.cluster = "d";
    CHECK(answer_promise(&voting.registers[0], {}, foreign, {}).answer.objection ==
          Objection::cluster);
    CHECK(voting.promise(vote, 0, {true, false}).objection == Objection::peer_alive);
    CHECK(voting.promise(vote, 0, {false, true}).objection == Objection::hold);

    ShutdownKey key;
    key.id = {1, 1, "op"};
    key.subject = Subject::first;
    key.departures[0] = {true, true, {1, 50}, 0};
    CHECK(voting.keys.put(key));
    CHECK(voting.promise(vote, 0).objection == Objection::behind);
    voting.keys = {};

    voting.registers[0].promised = {7, Node::first};
    CHECK(voting.promise(vote, 0).objection == Objection::stale_ballot);
    voting.registers[0].promised = {};
    voting.registers[0].value.relation = Relation::alone;
    const auto answer = voting.promise(vote, 0);
    CHECK(answer.objection == Objection::other_newer);
    CHECK(answer.granted);  // it promises all the same: others may know better
}

// One agent had accepted the second node when the first one's key arrived, whose own next reading
// of the register then made the vote a majority's: both nodes would be refused for ever.
TEST_CASE("a node that is named alone already is behind nobody's key") {
    Voting voting(1, 0);
    const Vote vote = voting.vote(3, Node::second, Wish::alone);
    ShutdownKey key;
    key.id = {1, 1, "op"};
    key.subject = Subject::first;
    key.departures[0] = {true, true, {1, 50}, 0};
    REQUIRE(voting.keys.put(key));
    CHECK(voting.promise(vote, 0).objection == Objection::behind);
    voting.registers[0].value.relation = Relation::alone;
    voting.registers[0].value.primary = Node::second;
    CHECK(voting.promise(vote, 0).granted);
}

TEST_CASE("an agent's record is there before its answer, whatever is answered") {
    Voting voting(1, 0);
    const Vote vote = voting.vote(1, Node::second, Wish::alone);
    const auto result = answer_promise(&voting.registers[0], {}, vote.promise_request(), {});
    REQUIRE(result.record);
    CHECK(result.record->promised == vote.ballot());
    CHECK(result.record->value == voting.registers[0].value);
}

TEST_CASE("the threshold that was agreed upon counts, whatever is configured meanwhile") {
    Voting voting(3, 2);
    Vote vote("c", {1, Node::second}, Wish::alone, {Node::second, 1, {1, 0}}, voting.voters, 1);
    vote.hear(voting.promise(vote, 0));
    vote.hear(voting.promise(vote, 1));
    CHECK(vote.state() == Vote::State::promising);
    vote.hear(voting.promise(vote, 2));
    CHECK(vote.state() == Vote::State::accepting);
}

TEST_CASE("a vote ends when everybody has answered and too few agree") {
    Voting voting(3, 1);
    Vote vote = voting.vote(1, Node::second, Wish::alone);
    vote.hear(voting.promise(vote, 0, {true, false}));
    vote.hear(voting.promise(vote, 1, {true, false}));
    vote.hear(voting.promise(vote, 2));
    CHECK(vote.state() == Vote::State::missing);
    const auto verdict = verdict_of(vote.voters(), vote.threshold(), vote.answers());
    CHECK(verdict == Verdict{1, 2, 0, false});
}

TEST_CASE("a forced vote goes on with whoever has answered, and with nobody too") {
    Voting voting(3, 1);
    voting.registers[0].value.relation = Relation::alone;
    voting.registers[0].value.epoch = 6;
    Vote vote = voting.vote(1, Node::second, Wish::forced);
    vote.hear(voting.promise(vote, 0));
    vote.give_up();
    REQUIRE(vote.state() == Vote::State::accepting);
    CHECK(vote.value().epoch == 1006);
    vote.give_up();
    CHECK(vote.state() == Vote::State::decided);

    Vote lonely = voting.vote(2, Node::second, Wish::forced, 4);
    lonely.give_up();
    lonely.give_up();
    REQUIRE(lonely.state() == Vote::State::decided);
    CHECK(lonely.value().epoch == 1004);
    CHECK(lonely.value().voters == voting.voters);
}
