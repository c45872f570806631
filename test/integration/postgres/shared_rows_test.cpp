// What the nodes of a pair tell each other in tables: by this node's own server, or by the other's.

#include <csignal>

#include "agent/postgres/agent_retirements.hpp"
#include "agent/postgres/agent_words.hpp"
#include "agent/postgres/offline_marks.hpp"
#include "agent/postgres/primary_session.hpp"
#include "agent/postgres/request_box.hpp"
#include "test/integration/postgres/two_servers.hpp"
#include "test/support/catch.hpp"

namespace {

using agent::postgres::AgentRetirement;
using agent::postgres::BoxedRequest;
using agent::postgres::OfflineMark;
using agent::postgres::PrimarySession;
using two_servers::Node;
using two_servers::TwoServers;

PrimarySession session_of(TwoServers& pair, Node node) {
    return PrimarySession(pair.configuration(node), {});
}

OfflineMark mark_named(const std::string& id) {
    return {id, "VT1", {1'000}, "agent \"host-b\" is silent; it's late", "lra-a", {}, ""};
}

void open_pair(TwoServers& pair) {
    pair.make();
    pair.open(Node::first);
    pair.open(Node::second);
    REQUIRE(pair.begin_pair());
}

}  // namespace

TEST_CASE("either node puts and ends the row of a retired agent, and another's stays") {
    if (!two_servers::can_run()) return;
    TwoServers pair;
    open_pair(pair);
    auto serving = session_of(pair, Node::first);
    auto standing_by = session_of(pair, Node::second);
    REQUIRE(serving.connect(true));
    const AgentRetirement first{"host-b", "a:1", "root", "it's sold", {1'000}};
    const AgentRetirement second{"host-b", "b:2", "root", "again", {2'000}};
    REQUIRE(put_agent_retirement(serving, first));
    REQUIRE(put_agent_retirement(serving, first));
    CHECK(read_agent_retirements(standing_by).value() == std::vector{first});
    REQUIRE(put_agent_retirement(standing_by, second));
    REQUIRE(end_agent_retirement(serving, first));
    CHECK(read_agent_retirements(serving).value() == std::vector{second});
    REQUIRE(end_agent_retirement(standing_by, second));
    CHECK(read_agent_retirements(serving)->empty());
}

TEST_CASE(
    "the newest word of an agent stays, whoever puts it, and outlives the server that took it") {
    if (!two_servers::can_run()) return;
    using Words = std::vector<agent::core::AgentWord>;
    TwoServers pair;
    open_pair(pair);
    auto serving = session_of(pair, Node::first);
    auto standing_by = session_of(pair, Node::second);
    REQUIRE(serving.connect(true));
    CHECK(read_agent_words(standing_by).value() == Words{});
    constexpr std::uint64_t high = 18'000'000'000'000'000'000U;
    REQUIRE(
        put_agent_words(serving, {{"host-a", 0, 9, false}, {"it's b", 7, high, true}}, "lra-a"));
    REQUIRE(put_agent_words(
        standing_by, {{"host-a", 0, 10, false}, {"host-c", 3, 1, false}, {"it's b", 7, 1, true}},
        "lra-b"));
    REQUIRE(put_agent_words(serving, {{"host-a", 0, 9, true}, {"host-c", 4, 0, false}}, "lra-a"));
    const Words words{{"host-a", 0, 10, false}, {"host-c", 4, 0, false}, {"it's b", 7, high, true}};
    CHECK(read_agent_words(standing_by).value() == words);
    REQUIRE(put_agent_words(serving, {{"host-a", 0, 10, true}}, "lra-a"));
    CHECK(read_agent_words(serving).value()->front().stopping);

    pair.signal(Node::first, SIGKILL);
    REQUIRE(pair.begin_alone(Node::second, 2));
    REQUIRE(standing_by.connect(true));
    CHECK(read_agent_words(standing_by).value()->size() == 3);
    // A node that serves and has an older version.
    REQUIRE(standing_by.write("DROP TABLE agent_word", {}));
    const auto none = read_agent_words(standing_by);
    REQUIRE(none);
    CHECK_FALSE(none->has_value());
    CHECK(standing_by.is_connected());
}

TEST_CASE("both nodes put rows of drives forced offline, and a row is ended once") {
    if (!two_servers::can_run()) return;
    TwoServers pair;
    open_pair(pair);
    auto serving = session_of(pair, Node::first);
    auto standing_by = session_of(pair, Node::second);
    CHECK_FALSE(standing_by.connect(true));
    REQUIRE(serving.connect(true));
    REQUIRE(put_offline_mark(serving, mark_named("a:1")));
    REQUIRE(put_offline_mark(serving, mark_named("a:1")));
    REQUIRE(put_offline_mark(standing_by, mark_named("b:1")));
    CHECK_FALSE(standing_by.is_own());
    const auto open = read_offline_marks(standing_by, {});
    REQUIRE(open);
    REQUIRE(open->size() == 2);
    CHECK(open->front() == mark_named("a:1"));

    auto ended = mark_named("a:1");
    ended.ended_at = {2'000};
    ended.ended_by = "root: repaired";
    REQUIRE(put_offline_mark(standing_by, ended));
    auto later = ended;
    later.ended_at = {3'000};
    later.ended_by = "somebody else";
    REQUIRE(put_offline_mark(serving, later));
    REQUIRE(put_offline_mark(serving, mark_named("a:1")));  // nothing brings it back
    CHECK(read_offline_marks(serving, {})->size() == 1);
    const auto both = read_offline_marks(serving, {"a:1", "no:such"});
    REQUIRE(both->size() == 2);
    CHECK(both->front() == ended);
    // Serial numbers may have blanks in them (SPC-4 7.8.10).
    auto blank = mark_named("a:HU 1234:5:0");
    blank.ended_at = {2'000};
    REQUIRE(put_offline_mark(serving, blank));
    CHECK(read_offline_marks(serving, {"a:1", "a:HU 1234:5:0"})->size() == 3);
    // Told for the first time when it is over already.
    auto over = mark_named("a:2");
    over.ended_at = {2'500};
    REQUIRE(put_offline_mark(serving, over));
    CHECK(read_offline_marks(serving, {})->size() == 1);

    // A connection that looks well, and nobody is there.
    CHECK(standing_by.answers());
    pair.signal(Node::first, SIGSTOP);
    REQUIRE(standing_by.is_connected());
    CHECK_FALSE(standing_by.answers());
    CHECK_FALSE(standing_by.is_connected());
    pair.signal(Node::first, SIGCONT);
    REQUIRE(standing_by.connect(false));
    CHECK(standing_by.answers());
}

TEST_CASE("a request has one answer, and both outlive the server that took them") {
    if (!two_servers::can_run()) return;
    TwoServers pair;
    open_pair(pair);
    auto serving = session_of(pair, Node::first);
    auto standing_by = session_of(pair, Node::second);
    REQUIRE(serving.connect(true));
    const BoxedRequest request{"b:1", "lra-b", "volume.mount", R"({"volume":"V1"})", "{}", {1'000}};
    REQUIRE(put_request(standing_by, request));
    REQUIRE(put_request(standing_by, request));
    REQUIRE(put_request(standing_by, {"b:2", "lra-b", "volume.list", "{}", "{}", {1'001}}));
    const auto asked = read_requests(serving, {});
    REQUIRE(asked);
    REQUIRE(asked->size() == 2);
    CHECK(asked->front().parameters == request.parameters);
    // Those that are done already do not stand in front of the others.
    CHECK(read_requests(serving, {"b:1", "lra b:7"})->front().id == "b:2");
    // The first who serves a request says what it means.
    CHECK(settle_meaning(serving, "b:1", R"({"claim":5})").value() == R"({"claim":5})");
    CHECK(settle_meaning(serving, "b:1", R"({"claim":6})").value() == R"({"claim":5})");
    CHECK(settle_meaning(serving, "no:such", "{}").value().empty());
    REQUIRE(put_answer(serving, {"b:2", R"({"result":[]})"}));
    CHECK(settle_meaning(serving, "b:2", "{}").value().empty());
    REQUIRE(put_answer(serving, {"b:2", R"({"result":1})"}));
    const auto answers = read_answers(standing_by, {"b:1", "b:2"});
    REQUIRE(answers);
    REQUIRE(answers->size() == 2);
    for (const auto& row : *answers)
        CHECK(row.answer == (row.id == "b:2" ? R"({"result":[]})" : ""));

    pair.signal(Node::first, SIGKILL);
    CHECK_FALSE(read_answers(standing_by, {"b:1"}));
    CHECK_FALSE(put_request(standing_by, {"b:3", "lra-b", "volume.list", "{}", "{}", {1'002}}));
    REQUIRE(pair.begin_alone(Node::second, 2));
    // The node that stood by serves what nobody has answered, and nothing else.
    REQUIRE(standing_by.connect(true));
    const auto left = read_requests(standing_by, {});
    REQUIRE(left);
    REQUIRE(left->size() == 1);
    CHECK(left->front().id == "b:1");
    CHECK(left->front().means == R"({"claim":5})");
    REQUIRE(put_answer(standing_by, {"b:1", R"({"result":2})"}));
    REQUIRE(drop_requests(standing_by, {"b:1", "b:2"}));
    CHECK(read_answers(standing_by, {"b:1", "b:2"})->empty());
}

TEST_CASE("a request that nobody waits for any more is not done hours later") {
    if (!two_servers::can_run()) return;
    TwoServers pair;
    open_pair(pair);
    auto serving = session_of(pair, Node::first);
    REQUIRE(serving.connect(true));
    REQUIRE(put_request(serving, {"b:1", "lra-b", "volume.unmount", "{}", "{}", {1'000}}));
    REQUIRE(put_request(serving, {"b:2", "lra-b", "volume.mount", "{}", "{}", {1'001}}));
    const auto age = [&](const std::string& by) {
        REQUIRE(serving.write("UPDATE pair_request SET wanted_at = wanted_at + $1::bigint", {by}));
    };
    age("-400000");
    CHECK(read_requests(serving, {})->empty());
    REQUIRE(still_want_requests(serving, {"b:2", "no:such"}));
    REQUIRE(read_requests(serving, {})->size() == 1);
    CHECK(read_requests(serving, {})->front().id == "b:2");
}

TEST_CASE("a clock that is set takes no request away, but an hour in which nobody asks does") {
    if (!two_servers::can_run()) return;
    TwoServers pair;
    open_pair(pair);
    auto serving = session_of(pair, Node::first);
    REQUIRE(serving.connect(true));
    REQUIRE(put_request(serving, {"b:1", "lra-b", "volume.unmount", "{}", "{}", {1'000}}));
    REQUIRE(put_request(serving, {"b:2", "lra-b", "volume.mount", "{}", "{}", {1'001}}));
    REQUIRE(put_request(serving, {"b:3", "lra-b", "volume.list", "{}", "{}", {1'002}}));
    REQUIRE(put_answer(serving, {"b:3", R"({"result":[]})"}));
    REQUIRE(
        serving.write("UPDATE pair_request SET wanted_at = wanted_at - 7200000, answered_at = "
                      "answered_at - 7200000",
                      {}));
    REQUIRE(clean_request_box(serving));
    CHECK(read_answers(serving, {"b:1", "b:2", "b:3"})->size() == 3);
    for (int round = 1; round < 60; ++round) {
        if (round % 20 == 0) REQUIRE(still_want_requests(serving, {"b:2", "no:such"}));
        REQUIRE(clean_request_box(serving));
    }
    CHECK(read_answers(serving, {"b:1", "b:2", "b:3"})->size() == 3);
    REQUIRE(clean_request_box(serving));
    const auto left = read_answers(serving, {"b:1", "b:2", "b:3"});
    REQUIRE(left->size() == 1);
    CHECK(left->front().id == "b:2");
}

TEST_CASE("a row that the server refuses is told from a server that is gone") {
    if (!two_servers::can_run()) return;
    TwoServers pair;
    open_pair(pair);
    auto serving = session_of(pair, Node::first);
    REQUIRE(serving.connect(true));
    auto senseless = mark_named("a:1");
    senseless.reason = "\xff";
    CHECK_FALSE(put_offline_mark(serving, senseless));
    CHECK(serving.refused());
    REQUIRE(put_offline_mark(serving, mark_named("a:2")));
    CHECK_FALSE(serving.refused());
    pair.signal(Node::first, SIGKILL);
    CHECK_FALSE(put_offline_mark(serving, mark_named("a:3")));
    CHECK_FALSE(serving.refused());
}
