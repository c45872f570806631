#include "agent/core/presence.hpp"

#include "test/unit/core/host.hpp"

using namespace core_test;

TEST_CASE("started is said again until it is acknowledged, then now and then") {
    Host host;
    const auto first = all<SendStarted>(host.restart());
    REQUIRE(first.size() == 1);
    CHECK(first[0].presence == AgentPresence{"library-1", "beta", 2});
    CHECK(all<SendStarted>(host.pass(1'999)).empty());
    CHECK(all<SendStarted>(host.pass(4'001)).size() == 3);
    host(PresenceAcknowledged{"library-1", false});
    CHECK(all<SendStarted>(host.pass(59'999)).empty());
    CHECK(all<SendStarted>(host.pass(1)).size() == 1);
}

TEST_CASE("stopping is said until it is acknowledged, then the process may end") {
    Host host;
    const auto effects = host(StopRequested{});
    CHECK(all<SendStopping>(effects).size() == 1);
    CHECK(all<StopNow>(effects).empty());
    CHECK(all<SendStopping>(host.pass(2'000)).size() == 1);
    host(PresenceAcknowledged{"library-1", false});  // of an earlier "started"
    CHECK(all<StopNow>(host(PresenceAcknowledged{"library-1", true})).size() == 1);
    CHECK_FALSE(host.rules().next_wakeup());
}

TEST_CASE("a controller that does not acknowledge stopping is waited for only so long") {
    Host host;
    host(StopRequested{});
    const auto effects = host.pass(5'000);
    CHECK(all<StopNow>(effects).size() == 1);
    CHECK_FALSE(host.rules().next_wakeup());
}

TEST_CASE("asked to stop a second time it stops at once") {
    Host host;
    host(StopRequested{});
    CHECK(all<StopNow>(host(StopRequested{})).size() == 1);
    CHECK(all<StopNow>(host(StopRequested{})).empty());
}

TEST_CASE("an agent without controllers stops at once") {
    auto configuration = host_beta();
    configuration.controllers.clear();
    Host host(configuration);
    CHECK(all<StopNow>(host(StopRequested{})).size() == 1);
}

TEST_CASE("asked to reconcile it says started to every controller as a later life") {
    Host host;
    host(PresenceAcknowledged{"library-1", false});
    const auto said = all<SendStarted>(host(ReconcileRequested{7}));
    REQUIRE(said.size() == 1);
    CHECK(said[0].presence == AgentPresence{"library-1", "beta", 7});
    CHECK(all<SendStarted>(host.pass(2'000)).size() == 1);  // until it is acknowledged
    CHECK(all<SendStarted>(host(ReconcileRequested{7})).empty());
    host(StopRequested{});
    CHECK(host(ReconcileRequested{8}).empty());
}

TEST_CASE("an agent that is stopping takes no notices any more") {
    Host host;
    host(StopRequested{});
    CHECK(host(host.notice(drive_1, reserved_by(port_a))).empty());
}

TEST_CASE("a controller that is added is spoken to at once") {
    Host host;
    auto configuration = host_beta();
    configuration.controllers.push_back("library-2");
    const auto sent = all<SendStarted>(host.reconfigure(configuration));
    REQUIRE(sent.size() == 1);
    CHECK(sent[0].presence.controller == "library-2");
}
