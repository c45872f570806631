#include "agent/pair/pair_message.hpp"

#include "test/support/catch.hpp"

using namespace agent::pair;

namespace {

RegisterValue sample_value() {
    return {"lib 7/ü", 12, Relation::alone, Node::second, 11, {"host-a", "host b", "z%"}, 1};
}

ShutdownKey sample_key() {
    ShutdownKey key;
    key.id = {12, 3, "host-a"};
    key.cluster = "lib 7/ü";
    key.subject = Subject::both;
    key.mode = ShutdownMode::expedite;
    key.actor = "night (uid 1000)";
    key.reason = "new disk = 100 %\n";
    key.at = {1'769'860'800'123};
    key.remaining = Node::second;
    key.register_value = sample_value();
    key.register_value.voters = {"a", "b"};
    key.departures[1] = {true, true, {4, 0x1234567890}, 2};
    key.stored_at = {"a"};
    return key;
}

std::vector<PairMessage> sample_messages() {
    RegisterValue value = sample_value();
    value.voters = {"a", "b c", "d%"};
    BallotAnswer answer{"host-a",
                        "i-1",
                        77,
                        BallotAnswer::Round::promise,
                        {9, Node::second},
                        true,
                        Objection::other_newer,
                        {9, Node::second},
                        {4, Node::first},
                        value};
    BallotAnswer refused = answer;
    refused.granted = false;
    refused.value.reset();
    Heartbeat heartbeat{UINT64_MAX, 5, true, NodeState::primary, {}};
    heartbeat.data = {3, Relation::pair, Node::first, {2, 99}, DataSeen::Standby::in_sync, false};
    return {PromiseRequest{"c", {UINT64_MAX, Node::second}, Wish::alone, {Node::second, 7, {1, 2}}},
            AcceptRequest{{1, Node::first}, Wish::pair, value},
            answer,
            refused,
            DecisionTold{Node::second, answer},
            KeyPass{sample_key(), UINT64_MAX, 6},
            CommandPass{sample_key()},
            KeyKept{{1, 2, ""}},
            heartbeat,
            LeaseAnswer{3, 5, true, {10'000}},
            Enrolment{{{2, Node::first}, {1, Node::second}, value}}};
}

}  // namespace

TEST_CASE("what is said is understood as it was meant") {
    for (const auto& message : sample_messages()) {
        const std::string line = encode(message);
        INFO(line);
        CHECK(line.find('\n') == std::string::npos);
        const auto back = decode(line);
        REQUIRE(back.ok());
        CHECK((*back == message));
        CHECK(encode(*back) == line);
    }
}

TEST_CASE("a message that is cut off at any byte is refused, or is another whole one") {
    for (const auto& message : sample_messages()) {
        const std::string line = encode(message);
        for (std::size_t length = 0; length < line.size(); ++length) {
            const auto part = decode(line.substr(0, length));
            INFO(line.substr(0, length));
            // The last number or text alone can be cut and stay one.
            if (part.ok()) CHECK(line.find(' ', length) == std::string::npos);
            if (part.ok()) CHECK_FALSE((*part == message));
        }
    }
}

TEST_CASE("nothing may follow, nothing may be left out, nothing out of range") {
    const std::string lease = encode(PairMessage{LeaseAnswer{3, 5, true, {10'000}}});
    CHECK(lease == "2 lease 3 5 yes 10000");
    for (const auto* bad : {"",
                            " ",
                            "2",
                            "1 lease 3 5 yes 9",
                            "3 lease 3 5 yes 9",
                            "2 lease 3 5 yes",
                            "2 lease 3 5 yes 9 ",
                            "2 lease 3 5 yes 9 1",
                            "2 lease 3  5 yes 9",
                            "2 lease 3 05 yes 9",
                            "2 lease 3 -5 yes 9",
                            "2 lease 3 5 YES 9",
                            "2 lease 3 99999999999999999999 yes 9",
                            "2 lease 3 5 yes 86400001",
                            "2 leash 3 5 yes 9",
                            "2 kept 1 2 host",
                            "2 kept 1 2 =%zz",
                            "2 kept 1 2 =%4",
                            "2 kept 1 2 =%41",
                            "2 kept 1 2 =a b"}) {
        INFO(bad);
        CHECK_FALSE(decode(bad).ok());
    }
    std::string state = encode(PairMessage{Heartbeat{1, 1, false, NodeState::fenced, {}}});
    const auto at = state.find(" 10 ");
    REQUIRE(at != std::string::npos);
    CHECK_FALSE(decode(state.replace(at, 4, " 11 ")).ok());
    CHECK_FALSE(decode("2 kept 1 2 =" + std::string(pair_name_bytes_max + 1, 'a')).ok());
    CHECK(decode("2 kept 1 2 =" + std::string(pair_name_bytes_max, 'a')).ok());
    CHECK_FALSE(decode("2 kept 1 2 =" + std::string(pair_message_bytes_max, 'a')).ok());
}

TEST_CASE("a message of another release is refused with words that say so") {
    for (const auto* line : {"1 lease 3 5 yes", "3 lease 3 5 yes 9 what"}) {
        const auto other_release = decode(line);
        REQUIRE_FALSE(other_release.ok());
        CHECK(other_release.error().message.find("same release") != std::string::npos);
    }
}

TEST_CASE("voters are named once, in order, and not too many") {
    RegisterValue value = sample_value();
    value.voters = {"b", "a"};
    CHECK_FALSE(decode(encode(PairMessage{AcceptRequest{{}, Wish::read, value}})).ok());
    value.voters = {"a", "a"};
    CHECK_FALSE(decode(encode(PairMessage{AcceptRequest{{}, Wish::read, value}})).ok());
    value.voters.clear();
    for (std::size_t index = 0; index < voters_max; ++index) {
        value.voters.push_back(std::string(pair_name_bytes_max - 1, 'a') +
                               static_cast<char>('a' + index));
    }
    const std::string line = encode(PairMessage{AcceptRequest{{}, Wish::read, value}});
    CHECK(line.size() < pair_message_bytes_max);
    CHECK(decode(line).ok());
    value.voters.push_back("b");
    CHECK_FALSE(decode(encode(PairMessage{AcceptRequest{{}, Wish::read, value}})).ok());
}

TEST_CASE("what an agent keeps reads back, and is not taken for something else") {
    const Register held{{2, Node::first}, {1, Node::second}, {"c", 1, {}, {}, 1, {"a"}, 0}};
    REQUIRE(decode_register(encode(held)).ok());
    CHECK(*decode_register(encode(held)) == held);
    REQUIRE(decode_key(encode(sample_key())).ok());
    CHECK(*decode_key(encode(sample_key())) == sample_key());
    CHECK_FALSE(decode_register(encode(sample_key())).ok());
    CHECK_FALSE(decode_key(encode(held)).ok());
    CHECK_FALSE(decode(encode(held)).ok());
    // What stands on disks is read by every release.
    CHECK(encode(held).rfind("1 register ", 0) == 0);
    CHECK(encode(sample_key()).rfind("1 key ", 0) == 0);
}
