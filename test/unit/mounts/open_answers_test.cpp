#include "agent/mounts/open_answers.hpp"

#include <nlohmann/json.hpp>

#include "test/support/catch.hpp"

using agent::mounts::OpenAnswers;
using agent::runtime::ControlAnswer;
using agent::runtime::ControlError;
using agent::runtime::ControlErrorCode;

TEST_CASE("who waits for a service that is given up is told so, and nobody is told twice") {
    OpenAnswers open;
    int answered = 0;
    int waiting = 0;
    const auto quick = open.keep([&](const ControlAnswer&) { ++answered; });
    const auto slow = open.keep([&](const ControlAnswer&) { ++waiting; });
    quick(ControlAnswer(nlohmann::json{1}));
    open.answer_all({ControlErrorCode::busy, "does not serve any more", ""});
    CHECK(answered == 1);
    CHECK(waiting == 1);
    slow(ControlAnswer(nlohmann::json{2}));
    CHECK(waiting == 1);
}

TEST_CASE("who is forgotten without an answer is told when the service is given up") {
    OpenAnswers open;
    int told = 0;
    {
        const auto dropped = open.keep([&](const ControlAnswer&) { ++told; });
    }
    open.answer_all({ControlErrorCode::busy, "does not serve any more", ""});
    CHECK(told == 1);
}
