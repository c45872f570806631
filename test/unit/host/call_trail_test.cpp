#include "agent/host/call_trail.hpp"

#include "test/support/catch.hpp"

using namespace agent::host;
using agent::core::ApplicationAction;
using agent::core::Instant;
using Catch::Matchers::EndsWith;

namespace {

constexpr std::int64_t hour_ms = 3'600'000;

struct Site {
    CallTrail trail;
    std::int64_t now_ms = 0;

    // What is written of a call ten seconds after the one before.
    std::optional<std::string> written(ProgramCall call) {
        now_ms += 10'000;
        call.outcome.took = {now_ms % 97};  // never quite the same
        return trail.take(call, Instant{now_ms});
    }
};

ProgramCall called(const std::string& drive, ApplicationAction action, int status) {
    ProgramCall call;
    call.drive = {drive};
    call.action = action;
    call.argv = {"/bin/app", drive};
    call.outcome.end = CommandOutcome::End::exited;
    call.outcome.exit_status = status;
    call.succeeded = status == 0;
    return call;
}

ProgramCall set_offline(int status, const std::string& drive = "VT1") {
    return called(drive, ApplicationAction::set_offline, status);
}

}  // namespace

TEST_CASE("a refusal that is repeated has one row, and the row of its end says how often it was") {
    Site site;
    CHECK(site.written(set_offline(1)).has_value());
    for (int more = 0; more < 7; ++more)
        CHECK_FALSE(site.written(set_offline(1)).has_value());
    CHECK_THAT(*site.written(set_offline(0)),
               EndsWith("; accepted; calls before it that ended as written already: 7"));
    CHECK_THAT(*site.written(set_offline(1)), EndsWith("; not accepted"));
}

TEST_CASE("what the application did has a row each time, and a refusal of another kind too") {
    Site site;
    CHECK(site.written(set_offline(0)).has_value());
    CHECK(site.written(set_offline(0)).has_value());
    CHECK(site.written(set_offline(1)).has_value());
    CHECK(site.written(set_offline(2)).has_value());
    CHECK(site.written(set_offline(1)).has_value());
    CHECK(site.written(set_offline(1, "VT2")).has_value());
    CHECK(site.written(called("VT1", ApplicationAction::set_online, 1)).has_value());
    CHECK(site.written(set_offline(1)).has_value());
}

TEST_CASE("a query has no row, and does not end what is repeated") {
    Site site;
    CHECK(site.written(set_offline(1)).has_value());
    CHECK_FALSE(site.written(called("VT1", ApplicationAction::query, 0)).has_value());
    CHECK_FALSE(site.written(set_offline(1)).has_value());
}

TEST_CASE("a refusal that lasts has a row every hour") {
    Site site;
    int rows = 0;
    for (std::int64_t call = 0; call < 25 * hour_ms / 10'000; ++call)
        rows += site.written(set_offline(1)).has_value() ? 1 : 0;
    CHECK(rows == 25);
}

TEST_CASE("of an action of several steps those that are accepted before a refusal are no news") {
    Site site;
    ProgramCall first = set_offline(0);
    first.steps = 2;
    ProgramCall second = set_offline(1);
    second.steps = 2;
    second.step = 1;
    CHECK(site.written(first).has_value());
    CHECK(site.written(second).has_value());
    CHECK_FALSE(site.written(first).has_value());
    CHECK_FALSE(site.written(second).has_value());
    CHECK_FALSE(site.written(first).has_value());
    second.outcome.exit_status = 0;
    second.succeeded = true;
    CHECK_THAT(*site.written(second),
               EndsWith("; accepted; calls before it that ended as written already: 3"));
    CHECK(site.written(first).has_value());
}

TEST_CASE("more drives than a host has are not remembered for ever") {
    CallTrail trail;
    const auto written = [&](const std::string& drive) {
        return trail.take(set_offline(1, drive), Instant{1}).has_value();
    };
    CHECK(written("VT1"));
    for (int drive = 0; drive < 1'023; ++drive)
        CHECK(written("D" + std::to_string(drive)));
    CHECK_FALSE(written("VT1"));
    CHECK(written("one more"));
    CHECK(written("VT1"));
}
