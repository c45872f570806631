#include "agent/host/profile_answer.hpp"

#include "agent/host/profile_drain.hpp"
#include "test/support/catch.hpp"

using namespace agent::host;

namespace {

const DriveNames answer_drive{"LTO 1", "VT1", "", {}, {}};

AnswerKind kind_of(const AnswerRules& rules, const std::string& output, int status = 0,
                   const std::string& complaint = "") {
    const auto reader = AnswerReader::compile(rules, answer_drive);
    REQUIRE(reader.ok());
    CommandOutcome outcome;
    outcome.end = CommandOutcome::End::exited;
    outcome.exit_status = status;
    outcome.output = output;
    outcome.error_output = complaint;
    return reader->read(outcome).kind;
}

AnswerRules console() {
    return {.failed = {"^error"},
            .not_ours = {"belongs to"},
            .busy = {"in use"},
            .already = {"{drive} was off"},
            .done = {"^ok"}};
}

}  // namespace

TEST_CASE("without patterns an accepted exit status is success") {
    CHECK(kind_of({}, "") == AnswerKind::done);
    CHECK(kind_of({}, "", 1) == AnswerKind::failed);
    CHECK(kind_of({.accepted_statuses = {0, 4}}, "", 4) == AnswerKind::done);
}

TEST_CASE("the gravest line decides, wherever it stands") {
    CHECK(kind_of(console(), "ok\n") == AnswerKind::done);
    CHECK(kind_of(console(), "ok\nLTO 1 was off\n") == AnswerKind::already);
    CHECK(kind_of(console(), "ok\nin use\nLTO 1 was off\n") == AnswerKind::busy);
    CHECK(kind_of(console(), "in use\nbelongs to backup\n") == AnswerKind::not_ours);
    CHECK(kind_of(console(), "belongs to backup\nok\n", 0, "error 7\n") == AnswerKind::failed);
}

TEST_CASE("when success has words, silence is none") {
    CHECK(kind_of(console(), "") == AnswerKind::failed);
    CHECK(kind_of(console(), "whatever\n") == AnswerKind::failed);
}

TEST_CASE("a bad exit status makes success a failure, but busy stays busy") {
    CHECK(kind_of(console(), "ok\n", 1) == AnswerKind::failed);
    CHECK(kind_of(console(), "in use\n", 1) == AnswerKind::busy);
    CHECK(kind_of(console(), "LTO 1 was off\n", 1) == AnswerKind::already);
}

TEST_CASE("a program that did not end has failed") {
    const auto reader = AnswerReader::compile(console(), answer_drive);
    CommandOutcome outcome;
    outcome.end = CommandOutcome::End::timed_out;
    outcome.output = "ok\n";
    CHECK(reader->read(outcome).kind == AnswerKind::failed);
}

TEST_CASE("mistakes in patterns name their place") {
    const auto reader = AnswerReader::compile({.busy = {"ok", "("}}, answer_drive);
    REQUIRE_FALSE(reader.ok());
    CHECK_THAT(reader.error().message, ContainsSubstring("answers.busy[1]"));
}

TEST_CASE("a drive that is refused as busy drains until it is offline or told to be online") {
    using agent::core::ApplicationAction;
    using State = agent::core::ApplicationDriveState;
    const agent::core::DriveSerial drive{"VT1"};
    DrainMemory memory;
    const auto state = [&](State read, std::int64_t at, std::int64_t limit = 0) {
        return memory.seen(drive, {read, "x"}, {at}, {15'000}, {limit});
    };
    CHECK(state(State::online, 1'000).state == State::online);
    memory.acted(drive, ApplicationAction::set_offline, {AnswerKind::busy, "a job"}, {1'500});
    const auto draining = state(State::online, 2'000);
    CHECK(draining.state == State::draining);
    CHECK(draining.say_again);
    CHECK(memory.seen_lately(drive, {3'000}, {5'000}));
    CHECK_FALSE(memory.seen_lately(drive, {7'000}, {5'000}));
    CHECK(state(State::online, 51'999, 50'000).state == State::draining);
    CHECK(state(State::online, 52'000, 50'000).state == State::unknown);  // too long
    memory.acted(drive, ApplicationAction::set_online, {AnswerKind::done, ""}, {62'500});
    CHECK(state(State::online, 63'000).state == State::online);
    CHECK_FALSE(memory.seen_lately(drive, {63'000}, {5'000}));
    memory.acted(drive, ApplicationAction::set_offline, {AnswerKind::busy, "a job"}, {63'500});
    CHECK(state(State::offline, 64'000).state == State::offline);
    CHECK(state(State::online, 65'000).state == State::online);
    memory.acted(drive, ApplicationAction::set_offline, {AnswerKind::busy, "a job"}, {100'000});
    CHECK(state(State::online, 160'000).state == State::draining);
    CHECK(state(State::online, 160'001).state == State::online);  // nobody has told it again
}
