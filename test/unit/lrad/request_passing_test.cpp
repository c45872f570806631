#include "agent/lrad/request_passing.hpp"

#include <asio/io_context.hpp>
#include <chrono>
#include <vector>

#include <nlohmann/json.hpp>

#include "test/support/catch.hpp"

using namespace agent;
using namespace agent::lrad;
using nlohmann::json;
using runtime::ControlAnswer;
using runtime::ControlError;
using runtime::ControlErrorCode;

TEST_CASE("an answer that is passed on arrives as it was given") {
    const ControlAnswer mounted = json{{"state", "mounted"}, {"drive", "VT1"}};
    CHECK(answer_from_text(answer_text(mounted)) == mounted);
    CHECK(answer_from_text(answer_text(json())) == ControlAnswer(json()));
    const ControlAnswer refused = ControlError{ControlErrorCode::no_drive_available,
                                               "no drive is free", R"({"reason": "none"})"};
    CHECK(answer_from_text(answer_text(refused)) == refused);
}

TEST_CASE("an answer that makes no sense is an error, whatever is wrong with it") {
    const auto text = answer_text(ControlError{ControlErrorCode::busy, "not now", ""});
    for (std::size_t length = 0; length < text.size(); ++length) {
        const auto answer = answer_from_text(text.substr(0, length));
        REQUIRE(std::holds_alternative<ControlError>(answer));
        CHECK(std::get<ControlError>(answer).code == ControlErrorCode::failed);
    }
    CHECK(std::holds_alternative<ControlError>(answer_from_text(R"({"error": 3})")));
    CHECK(std::holds_alternative<ControlError>(answer_from_text("[]")));
}

TEST_CASE("an answer that is too long for the table is told to be asked for elsewhere") {
    const auto text = answer_text(json(std::string(std::size_t{5} * 1024 * 1024, 'x')));
    CHECK(text.size() < 1'000);
    const auto answer = answer_from_text(text);
    REQUIRE(std::holds_alternative<ControlError>(answer));
    CHECK_THAT(std::get<ControlError>(answer).message,
               ContainsSubstring("ask the node that serves"));
}

namespace {

// A node that stands by, and that no database answers.
struct PassingAlone {
    asio::io_context loop;
    std::vector<ControlAnswer> answers;
    RequestPassing passing;

    PassingAlone() : passing(loop, nowhere(), "lra-b", "lra-a", doors()) {}
    static runtime::PairDatabaseConfiguration nowhere() {
        runtime::PairDatabaseConfiguration database;
        database.folder = "/nonexistent/lra";
        database.port = 1;
        database.peer_address = "127.0.0.1";
        database.peer_port = 1;
        database.sslmode = "disable";
        return database;
    }
    static RequestPassingDoors doors() {
        RequestPassingDoors doors;
        doors.serve = [](const auto&, const auto&, const auto&, const auto&) { return false; };
        doors.serves = [] { return false; };
        doors.note = [](core::Message, const std::vector<std::string>&) {};
        return doors;
    }
    void pass(const std::string& method) {
        passing.pass(method, json::object(), runtime::Caller{},
                     [this](const ControlAnswer& answer) { answers.push_back(answer); });
    }
};

}  // namespace

TEST_CASE("a full line of mounts that were passed on can still be looked at and shortened") {
    PassingAlone node;
    for (int i = 0; i < 256; ++i)
        node.pass("volume.mount");
    CHECK(node.answers.empty());
    node.pass("volume.mount");
    REQUIRE(node.answers.size() == 1);
    CHECK(std::get<ControlError>(node.answers.front()).code == ControlErrorCode::busy);
    for (int i = 0; i < 64; ++i)
        node.pass("claim.cancel");
    CHECK(node.answers.size() == 1);
    node.pass("claim.list");
    CHECK(node.answers.size() == 2);
}

TEST_CASE("a request that was certainly not taken leaves nothing to be taken back") {
    PassingAlone node;
    for (int i = 0; i < 10; ++i)
        node.pass("volume.list");
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (node.answers.size() < 10 && std::chrono::steady_clock::now() < end) {
        node.loop.restart();
        node.loop.run_for(std::chrono::milliseconds(20));
    }
    REQUIRE(node.answers.size() == 10);
    CHECK_THAT(std::get<ControlError>(node.answers.front()).message,
               ContainsSubstring("RETRY_ELSEWHERE"));
    CHECK(node.passing.counts().not_passed == 10);
    CHECK(node.passing.counts().to_take_back == 0);
}
