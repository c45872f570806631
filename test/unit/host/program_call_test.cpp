#include "agent/host/program_call.hpp"

#include "test/support/catch.hpp"

using namespace agent::host;
using agent::core::ApplicationAction;
using agent::core::ApplicationDriveState;

TEST_CASE("argv is written so that it can not be misread") {
    CHECK(argv_text({"/bin/app", "a b", "\"", "\\", "x\ny", "\xc3\xa4", ""}) ==
          "[\"/bin/app\",\"a b\",\"\\\"\",\"\\\\\",\"x\\u000ay\",\"\\u00c3\\u00a4\",\"\"]");
}

TEST_CASE(
    "an audit line has the argv, the end, the first lines of output and how they were understood") {
    ProgramCall call;
    call.drive = {"VT1"};
    call.action = ApplicationAction::query;
    call.argv = {"/bin/app", "status", "LTO 1"};
    call.outcome.end = CommandOutcome::End::exited;
    call.outcome.output = "\nfirst\nsecond\nthird\nfourth\n";
    call.outcome.error_output = "careful\x1b[31m\n";
    call.outcome.took = {12};
    call.read.state = ApplicationDriveState::online;
    CHECK(audit_line(call) ==
          "query VT1: [\"/bin/app\",\"status\",\"LTO 1\"] exit status 0 in 12 ms; printed: first | "
          "second; "
          "stderr: careful?[31m; understood as online");
}

TEST_CASE("a line of output is shortened and made printable") {
    CHECK(first_line("  \n\n  hello\tworld\r\nmore", 80) == "hello?world");
    CHECK(first_line("abcdef", 3) == "abc");
    CHECK(first_line(" \n ", 3).empty());
    CHECK(first_line("", 3).empty());
}

TEST_CASE("the end of a program call is described in words") {
    CommandOutcome outcome;
    outcome.end = CommandOutcome::End::signalled;
    outcome.signal = 11;
    CHECK(describe(outcome) == "killed by signal 11");
    outcome.end = CommandOutcome::End::timed_out;
    outcome.took = {3000};
    CHECK(describe(outcome) == "not ended in time: killed after 3000 ms");
}
