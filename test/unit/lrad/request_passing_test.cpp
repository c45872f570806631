#include "agent/lrad/request_passing.hpp"

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
