// What PostgreSQL 15 was seen to do when a pair of servers is handled carelessly, each with real
// servers; docs/POSTGRES.md has the same numbers.

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <thread>

#include <sys/stat.h>

#include "agent/postgres/control_data.hpp"
#include "test/integration/postgres/two_servers.hpp"
#include "test/support/catch.hpp"

namespace {

using two_servers::DataSeen;
using two_servers::Message;
using two_servers::Node;
using two_servers::Relation;
using two_servers::ServerSession;
using two_servers::Step;
using two_servers::TwoServers;

struct Pair : TwoServers {
    explicit Pair(bool impatient = false) {
        make();
        if (impatient) be_impatient();
        open(Node::first);
        open(Node::second);
    }
    ~Pair() {
        UNSCOPED_INFO("first:\n" << told(Node::first));
        UNSCOPED_INFO("second:\n" << told(Node::second));
    }
    Pair(const Pair&) = delete;
    Pair& operator=(const Pair&) = delete;
};

// A client that commits something, in a thread of its own, since it may never be answered.
class Writer {
  public:
    Writer(const TwoServers& pair, Node node, std::string sql)
        : session_(pair.session(node)), thread_([this, sql = std::move(sql)] {
              const auto rows = session_->run(sql, {}, {30'000});
              answered_ = rows.ok() && session_->warning().empty();
              ended_ = true;
          }) {}
    ~Writer() { thread_.join(); }
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;
    [[nodiscard]] bool ended() const { return ended_; }
    [[nodiscard]] bool answered() const { return answered_; }  // a commit without any warning

  private:
    std::unique_ptr<ServerSession> session_;
    std::atomic<bool> ended_{false};
    std::atomic<bool> answered_{false};
    std::thread thread_;
};

constexpr const char* waiting_backends =
    "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";

bool somebody_waits(TwoServers& pair, Node node) {
    return pair.until([&] { return pair.ask(node, waiting_backends) != "0"; });
}

}  // namespace

TEST_CASE("1: a commit whose wait was cancelled is not believed") {
    if (!two_servers::can_run()) return;
    Pair pair;
    REQUIRE(pair.begin_pair());
    pair.signal(Node::second, SIGSTOP);
    for (const char* how : {"pg_cancel_backend", "pg_terminate_backend"}) {
        const auto barrier = pair.give(Node::first, Step::barrier, 2);
        REQUIRE(somebody_waits(pair, Node::first));
        pair.ask(Node::first, std::string("SELECT ") + how +
                                  "(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'");
        // It is there for everybody here, and the other node has never heard of it.
        CHECK(pair.until(
            [&] { return pair.ask(Node::first, "SELECT epoch FROM pair_epoch") == "2"; }));
        CHECK(pair.until([&] { return pair.was_told(Node::first, Message::commit_not_believed); }));
        CHECK_FALSE(pair.answer_to(barrier));
    }
    const auto last = pair.give(Node::first, Step::barrier, 3);
    pair.signal(Node::second, SIGCONT);
    REQUIRE(pair.until([&] { return pair.answer_to(last).has_value(); }));
    CHECK(pair.answer_to(last)->done);
    CHECK(pair.until([&] { return pair.data(Node::second).epoch == 3; }));
}

TEST_CASE("2: what a restart shows is believed only after a barrier") {
    if (!two_servers::can_run()) return;
    Pair pair;
    REQUIRE(pair.begin_pair());
    pair.ask(Node::first, "CREATE TABLE t (n INT)");
    pair.signal(Node::second, SIGSTOP);
    {
        Writer writer(pair, Node::first, "INSERT INTO t VALUES (1)");
        REQUIRE(somebody_waits(pair, Node::first));
        pair.signal(Node::first, SIGKILL);
        REQUIRE(pair.until([&] { return pair.lost(Node::first) == 1; }));
        CHECK(pair.until([&] { return writer.ended(); }));
        CHECK_FALSE(writer.answered());
    }
    REQUIRE(pair.done(Node::first, Step::stop_database));
    REQUIRE(pair.done(Node::first, Step::start_synchronous));
    CHECK(pair.ask(Node::first, "SELECT count(*) FROM t") == "1");
    const auto barrier = pair.give(Node::first, Step::barrier, 2);
    REQUIRE(somebody_waits(pair, Node::first));
    CHECK_FALSE(pair.answer_to(barrier));
    pair.signal(Node::second, SIGCONT);
    REQUIRE(pair.until([&] { return pair.answer_to(barrier).has_value(); }));
    CHECK(pair.answer_to(barrier)->done);
    CHECK(pair.until([&] { return pair.ask(Node::second, "SELECT count(*) FROM t") == "1"; }));
}

TEST_CASE("3: a primary that was suspended and replaced commits nothing any more") {
    if (!two_servers::can_run()) return;
    Pair pair(true);
    REQUIRE(pair.begin_pair());
    pair.ask(Node::first, "CREATE TABLE t (n INT)");
    pair.signal(Node::first, SIGSTOP);
    CHECK(pair.until([&] { return pair.lost(Node::first) == 1; }));  // it does not answer
    REQUIRE(pair.begin_alone(Node::second, 2));
    pair.signal(Node::first, SIGCONT);
    CHECK(pair.until([&] { return pair.ask(Node::first, "SELECT pg_is_in_recovery()") == "f"; }));
    CHECK(pair.ask(Node::second, "SELECT pg_is_in_recovery()") == "f");
    {
        Writer writer(pair, Node::first, "INSERT INTO t VALUES (1)");
        REQUIRE(somebody_waits(pair, Node::first));
        CHECK_FALSE(writer.ended());
        REQUIRE(pair.done(Node::first, Step::stop_database_at_once));
        CHECK_FALSE(writer.answered());
    }
    REQUIRE(pair.take_in(Node::second, 3));
    CHECK(pair.was_told(Node::first, Message::database_rewound));
    CHECK(pair.ask(Node::first, "SELECT count(*) FROM t") == "0");
}

TEST_CASE(
    "4 and 5: an old primary is rewound against a server that has just been promoted, and "
    "keeps its own settings") {
    if (!two_servers::can_run()) return;
    Pair pair;
    REQUIRE(pair.begin_pair());
    pair.ask(Node::first, "CREATE TABLE t (n INT)");
    REQUIRE(pair.done(Node::second, Step::stop_database));
    REQUIRE(pair.done(Node::first, Step::synchronous_off));
    pair.ask(Node::first, "INSERT INTO t VALUES (1)");  // the other never gets it
    pair.signal(Node::first, SIGKILL);
    REQUIRE(pair.done(Node::first, Step::stop_database));
    // No checkpoint is ordered: who follows sees to it.
    REQUIRE(pair.done(Node::second, Step::promote, 2, Relation::alone));
    // Who copies these takes itself for the one that it has to wait for.
    pair.ask(Node::second, "ALTER SYSTEM SET synchronous_standby_names = 'lra_second'");
    pair.ask(Node::second, "ALTER SYSTEM SET port = 1");
    REQUIRE(pair.done(Node::first, Step::follow_peer));
    CHECK(pair.was_told(Node::first, Message::database_rewound));
    CHECK_FALSE(pair.was_told(Node::first, Message::database_copied));
    CHECK(pair.ask(Node::first, "SHOW synchronous_standby_names").empty());
    CHECK(pair.ask(Node::first, "SELECT count(*) FROM t") == "0");
    CHECK(pair.until([&] { return pair.data(Node::first).receives; }));
    REQUIRE(pair.done(Node::second, Step::stop_database));
    REQUIRE(pair.done(Node::second, Step::start_alone));
    CHECK(pair.ask(Node::second, "SHOW synchronous_standby_names").empty());
}

TEST_CASE(
    "6: a rewind that fails half way leaves nothing that is believed, and is made good by a "
    "copy") {
    if (!two_servers::can_run()) return;
    Pair pair;
    REQUIRE(pair.begin_pair());
    REQUIRE(pair.done(Node::second, Step::stop_database));
    REQUIRE(pair.done(Node::first, Step::synchronous_off));
    pair.ask(Node::first, "CREATE TABLE t (n INT)");
    REQUIRE(pair.done(Node::first, Step::stop_database));
    REQUIRE(pair.begin_alone(Node::second, 2));
    // What is written last can not be written.
    const std::string control = pair.paths(Node::first).data + "/global/pg_control";
    ::chmod(control.c_str(), 0400);
    REQUIRE(pair.done(Node::first, Step::follow_peer));
    CHECK(pair.was_told(Node::first, Message::database_copied));
    CHECK(pair.told(Node::first).find("pg_rewind") != std::string::npos);
    REQUIRE(pair.take_in(Node::second, 3));

    // The same with an end in between: a copy that is scrap is no copy.
    pair.close(Node::first);
    std::ofstream(pair.paths(Node::first).state + "/scrap") << "x";
    pair.open(Node::first);
    CHECK(pair.data(Node::first).epoch == 0);
    CHECK_FALSE(pair.done(Node::first, Step::start_alone));
    CHECK_FALSE(pair.done(Node::first, Step::promote));
    REQUIRE(pair.take_in(Node::second, 4));
    CHECK(pair.until([&] { return pair.data(Node::first).epoch == 4; }));
}

TEST_CASE("7: a hung server of the other node costs a bounded time") {
    if (!two_servers::can_run()) return;
    Pair pair(true);
    REQUIRE(pair.begin_pair());
    REQUIRE(pair.done(Node::second, Step::stop_database));
    pair.signal(Node::first, SIGSTOP);
    const auto begin = std::chrono::steady_clock::now();
    CHECK_FALSE(pair.done(Node::second, Step::follow_peer));
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(20));
    // It stands by until the other is back.
    CHECK(pair.data(Node::second).epoch == 1);
    pair.signal(Node::first, SIGCONT);
    CHECK(pair.until([&] { return pair.data(Node::second).receives; }));
}

TEST_CASE("8: a standby that was away too long is copied anew") {
    if (!two_servers::can_run()) return;
    Pair pair;
    REQUIRE(pair.begin_pair());
    REQUIRE(pair.done(Node::second, Step::stop_database));
    REQUIRE(pair.done(Node::first, Step::synchronous_off));
    pair.ask(Node::first, "CREATE TABLE t (n INT)");
    for (int segment = 0; segment < 8; ++segment)
        pair.ask(Node::first, "INSERT INTO t VALUES (1); SELECT pg_switch_wal()");
    REQUIRE(pair.done(Node::first, Step::checkpoint));
    REQUIRE(pair.ask(Node::first, "SELECT wal_status FROM pg_replication_slots") == "lost");
    REQUIRE(pair.take_in(Node::first, 2));
    CHECK(pair.was_told(Node::second, Message::database_out_of_step));
    CHECK(pair.was_told(Node::second, Message::database_copied));
    CHECK(pair.ask(Node::second, "SELECT count(*) FROM t") == "8");
}

TEST_CASE("9: commits that wait are let go when the other is no longer waited for") {
    if (!two_servers::can_run()) return;
    Pair pair;
    REQUIRE(pair.begin_pair());
    pair.ask(Node::first, "CREATE TABLE t (n INT)");
    pair.signal(Node::second, SIGKILL);
    Writer writer(pair, Node::first, "INSERT INTO t VALUES (1)");
    const auto barrier = pair.give(Node::first, Step::barrier, 2);
    REQUIRE(somebody_waits(pair, Node::first));
    REQUIRE(pair.done(Node::first, Step::synchronous_off));
    REQUIRE(pair.done(Node::first, Step::barrier, 3, Relation::alone));
    CHECK(pair.until([&] { return writer.answered(); }));
    CHECK(pair.until([&] { return pair.answer_to(barrier).has_value(); }));
    CHECK_FALSE(pair.answer_to(barrier)->done);
    CHECK(pair.until([&] { return pair.data(Node::first).standby == DataSeen::Standby::none; }));
}

// Its server answers long before it has replayed what it has acknowledged.
TEST_CASE("10: what a killed standby had not replayed yet counts as what it holds") {
    if (!two_servers::can_run()) return;
    Pair pair;
    REQUIRE(pair.begin_pair());
    pair.ask(Node::first, "CREATE TABLE t (n INT, words TEXT)");
    REQUIRE(pair.ask(Node::second, "SELECT pg_wal_replay_pause()").empty());
    REQUIRE(pair.until([&] {
        return pair.ask(Node::second, "SELECT pg_get_wal_replay_pause_state()") == "paused";
    }));
    pair.ask(Node::first,
             "INSERT INTO t SELECT n, repeat('x', 50) FROM generate_series(1, 300000) n");
    REQUIRE(pair.done(Node::first, Step::barrier, 2));
    CHECK(pair.ask(Node::second, "SELECT epoch FROM pair_epoch") == "1");
    pair.signal(Node::second, SIGKILL);
    const auto stopped = pair.order(Node::second, Step::stop_database, 2);
    CHECK(stopped.done);
    CHECK(pair.until([&] { return pair.data(Node::second).epoch == 2; }, 5));
    REQUIRE(pair.begin_alone(Node::second, 3));
    CHECK(pair.ask(Node::second, "SELECT count(*) FROM t") == "300000");
}

TEST_CASE("a stop at once does not wait for one in order") {
    if (!two_servers::can_run()) return;
    TwoServers pair;
    pair.make();
    pair.configuration(Node::first).stop_timeout = {60'000};
    pair.open(Node::first);
    REQUIRE(pair.done(Node::first, Step::start_alone));
    // A stop in order waits for a process that takes no notice.
    const auto backend = pair.session(Node::first);
    REQUIRE(backend);
    REQUIRE(::kill(backend->process(), SIGSTOP) == 0);
    const auto begin = std::chrono::steady_clock::now();
    const auto in_order = pair.give(Node::first, Step::stop_database);
    CHECK(pair.until([&] { return pair.ask(Node::first, "SELECT 1") != "1"; }));
    const auto at_once = pair.give(Node::first, Step::stop_database_at_once);
    REQUIRE(pair.until([&] { return pair.answer_to(at_once).has_value(); }));
    CHECK(pair.answer_to(at_once)->done);
    CHECK_FALSE(pair.answer_to(in_order)->clean);
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(25));
}
