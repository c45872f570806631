#include "agent/host/state_reader.hpp"

#include "test/support/catch.hpp"

using namespace agent::host;
using State = agent::core::ApplicationDriveState;
using End = CommandOutcome::End;

namespace {

const DriveNames read_names{"LTO 1", "VT00000001", ""};

StateRules by_text() {
    return {.online = {"^drive {drive} is online$"},
            .offline = {"^drive {drive} is offline$"},
            .draining = {"^drive {drive} is draining"}};
}

StateReader compiled(const StateRules& rules) {
    auto reader = StateReader::compile(rules, read_names);
    REQUIRE(reader.ok());
    return std::move(reader).value();
}

std::string rule_mistake(const StateRules& rules) {
    const auto reader = StateReader::compile(rules, read_names);
    return reader.ok() ? "accepted" : reader.error().message;
}

CommandOutcome printed(const std::string& output, int exit_status = 0) {
    CommandOutcome outcome;
    outcome.end = End::exited;
    outcome.exit_status = exit_status;
    outcome.output = output;
    return outcome;
}

}  // namespace

TEST_CASE("a state is read from the line that says it") {
    const auto reader = compiled(by_text());
    CHECK(reader.read(printed("drive LTO 1 is online\n")).state == State::online);
    CHECK(reader.read(printed("drive LTO 1 is offline")).state == State::offline);
    CHECK(reader.read(printed("hello\r\ndrive LTO 1 is draining (2 jobs)\r\n")).state ==
          State::draining);
    CHECK(reader.read(printed("drive LTO 1 is offline\r\n")).state == State::offline);
}

TEST_CASE("stderr is read too") {
    auto outcome = printed("");
    outcome.error_output = "drive LTO 1 is offline\n";
    CHECK(compiled(by_text()).read(outcome).state == State::offline);
}

TEST_CASE("another drive's line is not this drive's") {
    const auto reader = compiled(by_text());
    CHECK(reader.read(printed("drive LTO 11 is offline\ndrive LTO 1 is online\n")).state ==
          State::online);
    CHECK(reader.read(printed("drive LTO 2 is offline\n")).state == State::unknown);
}

TEST_CASE("doubt is never read as offline") {
    const auto reader = compiled(by_text());
    SECTION("nothing matches") {
        const auto read = reader.read(printed("cannot reach the server\n"));
        CHECK(read.state == State::unknown);
        CHECK_THAT(read.how, ContainsSubstring("cannot reach the server"));
    }
    SECTION("nothing is printed") {
        CHECK(reader.read(printed("")).state == State::unknown);
    }
    SECTION("online and offline in one answer, as of a drive with two paths") {
        const auto read = reader.read(printed("drive LTO 1 is offline\ndrive LTO 1 is online\n"));
        CHECK(read.state == State::unknown);
        CHECK_THAT(read.how, ContainsSubstring("contradicts itself"));
    }
    SECTION("offline, and a job still running") {
        CHECK(reader.read(printed("drive LTO 1 is offline\ndrive LTO 1 is draining\n")).state ==
              State::draining);
    }
    SECTION("an exit status that nobody listed") {
        CHECK(reader.read(printed("drive LTO 1 is offline\n", 1)).state == State::unknown);
    }
    SECTION("more output than was kept") {
        auto outcome = printed("drive LTO 1 is offline\n");
        outcome.output_cut = true;
        CHECK(reader.read(outcome).state == State::unknown);
    }
    SECTION("the query was killed") {
        auto outcome = printed("drive LTO 1 is offline\n");
        outcome.end = End::timed_out;
        CHECK(reader.read(outcome).state == State::unknown);
    }
}

TEST_CASE("a state is read from the exit status where no patterns are given") {
    const auto reader =
        compiled({.online_statuses = {0}, .offline_statuses = {10, 12}, .draining_statuses = {11}});
    CHECK(reader.read(printed("whatever", 0)).state == State::online);
    CHECK(reader.read(printed("", 10)).state == State::offline);
    CHECK(reader.read(printed("", 12)).state == State::offline);
    CHECK(reader.read(printed("", 11)).state == State::draining);
    CHECK(reader.read(printed("", 1)).state == State::unknown);
}

TEST_CASE("with patterns and exit statuses the text counts, and a contradiction is unknown") {
    auto rules = by_text();
    rules.online_statuses = {0};
    rules.offline_statuses = {10};
    const auto reader = compiled(rules);
    CHECK(reader.read(printed("drive LTO 1 is offline\n", 10)).state == State::offline);
    const auto read = reader.read(printed("drive LTO 1 is offline\n", 0));
    CHECK(read.state == State::unknown);
    CHECK_THAT(read.how, ContainsSubstring("but exit status 0 stands for online"));
    CHECK(reader.read(printed("", 10)).state == State::unknown);
}

TEST_CASE("bad rules are refused before anything is run") {
    CHECK_THAT(rule_mistake({.online = {"("}, .offline = {"x"}}),
               ContainsSubstring("states.online[0]: \"(\" is not a regular"));
    CHECK_THAT(rule_mistake({.online = {"a", "(b)\\1"}, .offline = {"x"}}),
               ContainsSubstring("states.online[1]"));
    CHECK_THAT(rule_mistake({.online = {"[z-a]"}, .offline = {"x"}}),
               ContainsSubstring("states.online[0]"));
    CHECK_THAT(rule_mistake({.online = {"{nobody}"}, .offline = {"x"}}),
               ContainsSubstring("{nobody} is not known"));
    CHECK_THAT(rule_mistake({.online = {"x"}}),
               ContainsSubstring("how to recognise that a drive is offline"));
    CHECK_THAT(rule_mistake({.offline = {"x"}}),
               ContainsSubstring("how to recognise that a drive is online"));
    CHECK_THAT(rule_mistake({.online_statuses = {0}, .offline_statuses = {0}}),
               ContainsSubstring("stands for two states"));
}

TEST_CASE("a pattern is looked for anywhere in a line, and anchors hold it to the line's ends") {
    const auto reader =
        compiled({.online = {"up$", "is (fine|well)"}, .offline = {"^down|out of service"}});
    CHECK(reader.read(printed("it is up\n")).state == State::online);
    CHECK(reader.read(printed("it is up now\n")).state == State::unknown);
    CHECK(reader.read(printed("all is well here\n")).state == State::online);
    CHECK(reader.read(printed("down it is\n")).state == State::offline);
    CHECK(reader.read(printed("is down\n")).state == State::unknown);
    CHECK(reader.read(printed("now out of service, sorry\n")).state == State::offline);
}

TEST_CASE("parentheses that are closed before they are opened are no pattern") {
    CHECK_THAT(rule_mistake({.online = {"a)|(b"}, .offline = {"x"}}),
               ContainsSubstring("states.online[0]"));
}

TEST_CASE("matching takes time in proportion to the text, whatever the pattern, and no stack") {
    const auto reader = compiled({.online = {"(a+)+b", ".*nline.*"}, .offline = {"(.|x)*offline"}});
    std::string text;
    for (int line = 0; line < 16; ++line)
        text += std::string(4095, 'a') + "\n";
    // About 30 ms; minutes when it is quadratic, and no end when it is exponential: the test
    // runner's limit ends it.
    CHECK(reader.read(printed(text)).state == State::unknown);
}
