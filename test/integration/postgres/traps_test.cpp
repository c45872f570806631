// What PostgreSQL 15 was seen to do when a pair of servers is handled carelessly, each with the
// real servers: docs/POSTGRES.md names them by these numbers.

#include <signal.h>

#include "test/integration/postgres/two_servers.hpp"
#include "test/support/catch.hpp"

namespace {

using two_servers::DataSeen;
using two_servers::Message;
using two_servers::Node;
using two_servers::Relation;
using two_servers::Step;
using two_servers::TwoServers;

// One pair for all of a test's rounds: making it costs seconds.
struct Pair : TwoServers {
    Pair() {
        make();
        open(Node::first);
        open(Node::second);
    }
};

}  // namespace

TEST_CASE("a pair is made, serves in step, and the standby takes over") {
    if (!two_servers::can_run()) return;
    Pair pair;
    INFO(pair.told(Node::first));
    INFO(pair.told(Node::second));
    CHECK(pair.data(Node::first).epoch == 1);
    CHECK(pair.data(Node::second).epoch == 1);
    REQUIRE(pair.begin_pair());
    CHECK(pair.until([&] { return pair.data(Node::second).receives; }));
    REQUIRE(pair.done(Node::first, Step::barrier, 5));
    CHECK(pair.data(Node::first).epoch == 5);
    CHECK(pair.until([&] { return pair.data(Node::second).epoch == 5; }));

    ::kill(pair.postmaster(Node::first), SIGKILL);
    CHECK(pair.until([&] { return pair.lost(Node::first) == 1; }));
    REQUIRE(pair.done(Node::second, Step::promote, 6, Relation::alone));
    REQUIRE(pair.done(Node::second, Step::checkpoint, 6));
    REQUIRE(pair.done(Node::second, Step::barrier, 6, Relation::alone));
    CHECK(pair.data(Node::second).epoch == 6);
    CHECK(pair.data(Node::second).relation == Relation::alone);

    REQUIRE(pair.done(Node::first, Step::stop_database));
    CHECK(pair.data(Node::first).epoch == 5);
    REQUIRE(pair.done(Node::first, Step::follow_peer));
    CHECK(pair.until([&] { return pair.data(Node::first).epoch == 6; }));
    REQUIRE(pair.done(Node::second, Step::synchronous_on));
    CHECK(
        pair.until([&] { return pair.data(Node::second).standby == DataSeen::Standby::in_sync; }));
    REQUIRE(pair.done(Node::second, Step::barrier, 7));
    const auto left = pair.order(Node::second, Step::stop_database);
    CHECK(left.done);
    CHECK(left.clean);
    CHECK(pair.until([&] { return left.position <= pair.data(Node::first).position; }, 5));
}
