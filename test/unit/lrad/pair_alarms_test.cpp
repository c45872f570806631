#include "agent/lrad/pair_alarms.hpp"

#include <algorithm>

#include "agent/lrad/pair_view.hpp"
#include "test/support/catch.hpp"

using namespace agent;
using namespace agent::lrad;
using pair::NodeState;
using Standby = pair::DataSeen::Standby;

namespace {

constexpr core::Duration ten_seconds{10'000};

PairSeen healthy_primary() {
    PairSeen seen;
    seen.own = "lra-a";
    seen.other = "lra-b";
    seen.state = NodeState::primary;
    seen.other_heard = true;
    seen.replication = {Standby::in_sync, 0};
    seen.voters = {{"host-a", true}, {"host-b", true}, {"host-c", true}};
    return seen;
}

// What is said of an alarm: nothing, or whether it is active.
std::optional<bool> said_of(const std::vector<core::PairReported>& reports, core::AlarmKind kind,
                            const core::AgentName& agent = "") {
    const auto found = std::find_if(reports.begin(), reports.end(), [&](const auto& one) {
        return one.kind == kind && one.agent == agent;
    });
    return found == reports.end() ? std::nullopt : std::optional(found->active);
}

}  // namespace

TEST_CASE("a pair in service has no alarm") {
    PairAlarms alarms;
    for (const auto& report : alarms.judge(healthy_primary(), {0}, ten_seconds))
        CHECK_FALSE(report.active);
    auto standby = healthy_primary();
    standby.state = NodeState::standby;
    standby.receives = true;
    for (const auto& report : alarms.judge(standby, {0}, ten_seconds))
        CHECK_FALSE(report.active);
}

TEST_CASE("a node that serves alone says so until the other one takes part") {
    PairAlarms alarms;
    auto seen = healthy_primary();
    seen.state = NodeState::primary_alone;
    CHECK(said_of(alarms.judge(seen, {0}, ten_seconds), core::AlarmKind::pair_alone) == true);
    // Finding out what it may be ends nothing.
    seen.state = NodeState::recovering;
    CHECK_FALSE(said_of(alarms.judge(seen, {0}, ten_seconds), core::AlarmKind::pair_alone));
    seen.state = NodeState::standby;
    CHECK(said_of(alarms.judge(seen, {0}, ten_seconds), core::AlarmKind::pair_alone) == false);
    // Who does not serve any more does not serve alone.
    seen.state = NodeState::shut_down;
    CHECK(said_of(alarms.judge(seen, {0}, ten_seconds), core::AlarmKind::pair_alone) == false);
}

TEST_CASE("a node without votes is out of service, however often it tries again") {
    PairAlarms alarms;
    auto seen = healthy_primary();
    const auto kind = core::AlarmKind::pair_out_of_service;
    seen.state = NodeState::offline;
    seen.why = "no majority of agents answers";
    const auto reports = alarms.judge(seen, {0}, ten_seconds);
    CHECK(said_of(reports, kind) == true);
    const auto told = std::find_if(reports.begin(), reports.end(),
                                   [&](const auto& one) { return one.kind == kind; });
    CHECK_THAT(told->words, ContainsSubstring("no majority of agents answers"));
    seen.state = NodeState::recovering;
    CHECK_FALSE(said_of(alarms.judge(seen, {1'000}, ten_seconds), kind));
    seen.state = NodeState::primary;
    CHECK(said_of(alarms.judge(seen, {2'000}, ten_seconds), kind) == false);
    // A node that gets no further is as much out of service.
    seen.state = NodeState::waiting_peer;
    CHECK_FALSE(said_of(alarms.judge(seen, {3'000}, ten_seconds), kind));
    CHECK(said_of(alarms.judge(seen, {63'000}, ten_seconds), kind) == true);
}

TEST_CASE("silence and a copy that lags are alarms when they last") {
    PairAlarms alarms;
    auto seen = healthy_primary();
    seen.other_heard = false;
    seen.replication = {Standby::streaming, 512};
    const auto at_once = alarms.judge(seen, {0}, ten_seconds);
    CHECK_FALSE(said_of(at_once, core::AlarmKind::pair_peer_silent));
    CHECK_FALSE(said_of(at_once, core::AlarmKind::pair_copy_behind));
    const auto later = alarms.judge(seen, {10'000}, ten_seconds);
    CHECK(said_of(later, core::AlarmKind::pair_peer_silent) == true);
    CHECK(said_of(later, core::AlarmKind::pair_copy_behind) == true);
    const auto over = alarms.judge(healthy_primary(), {10'001}, ten_seconds);
    CHECK(said_of(over, core::AlarmKind::pair_peer_silent) == false);
    CHECK(said_of(over, core::AlarmKind::pair_copy_behind) == false);
    seen = healthy_primary();
    seen.replication.lag = 1U << 30U;
    static_cast<void>(alarms.judge(seen, {20'000}, ten_seconds));
    CHECK(said_of(alarms.judge(seen, {30'000}, ten_seconds), core::AlarmKind::pair_copy_behind) ==
          true);
}

TEST_CASE("an agent that is not heard, or has no register, is named") {
    PairAlarms alarms;
    auto seen = healthy_primary();
    seen.voters[1].heard = false;
    seen.voters[2].unregistered = true;
    static_cast<void>(alarms.judge(seen, {0}, ten_seconds));
    const auto reports = alarms.judge(seen, {10'000}, ten_seconds);
    const auto kind = core::AlarmKind::pair_voter_missing;
    CHECK(said_of(reports, kind, "host-a") == false);
    CHECK(said_of(reports, kind, "host-b") == true);
    CHECK(said_of(reports, kind, "host-c") == true);
    // Who is out of service asks no agent, and misses none.
    seen.state = NodeState::shut_down;
    CHECK(said_of(alarms.judge(seen, {20'000}, ten_seconds), kind, "host-b") == false);
    // When it asks again an agent has its time again.
    seen = healthy_primary();
    seen.voters[1].heard = false;
    CHECK_FALSE(said_of(alarms.judge(seen, {60'000}, ten_seconds), kind, "host-b"));
    CHECK(said_of(alarms.judge(seen, {70'000}, ten_seconds), kind, "host-b") == true);
}

TEST_CASE("whoever promises too little is named, the other node too") {
    PairAlarms alarms;
    auto seen = healthy_primary();
    const auto kind = core::AlarmKind::pair_promise_short;
    CHECK(said_of(alarms.judge(seen, {0}, ten_seconds), kind, seen.other) == false);
    seen.short_promises = {{"host-b", "host-b lets the other node serve 1000 ms after"},
                           {seen.other, "two"}};
    const auto reports = alarms.judge(seen, {1'000}, ten_seconds);
    CHECK(said_of(reports, kind, "host-a") == false);
    CHECK(said_of(reports, kind, "host-b") == true);
    CHECK(said_of(reports, kind, seen.other) == true);
}

TEST_CASE("how far two copies are apart is told only while their logs are one") {
    using pair_node::replication_between;
    pair::DataSeen own;
    own.epoch = 3;
    own.position = {2, 1'000};
    own.standby = Standby::in_sync;
    pair::DataSeen other = own;
    other.position.lsn = 900;
    other.standby = Standby::none;
    CHECK(replication_between(NodeState::primary, own, other) ==
          pair_node::Replication{Standby::in_sync, 100});
    CHECK(replication_between(NodeState::standby, other, own) ==
          pair_node::Replication{Standby::in_sync, 100});
    CHECK(replication_between(NodeState::primary, own, std::nullopt) ==
          pair_node::Replication{Standby::in_sync, std::nullopt});
    other.position.timeline = 1;
    CHECK_FALSE(replication_between(NodeState::primary, own, other).lag);
}

TEST_CASE("every state of a node has a number of its own in the MIB") {
    std::vector<std::int32_t> seen;
    for (std::size_t i = 0; i < pair::node_state_count; ++i) {
        const auto number = wire_state(static_cast<NodeState>(i));
        CHECK(number >= 2);
        CHECK(number <= 12);
        CHECK(std::count(seen.begin(), seen.end(), number) == 0);
        seen.push_back(number);
    }
}
