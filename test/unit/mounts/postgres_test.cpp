// The drive table over a real PostgreSQL server.

#include "agent/mounts/postgres_session.hpp"

#include <csignal>
#include <future>

#include "test/unit/mounts/postgres_bench.hpp"

using namespace agent;
using namespace agent::mounts;

TEST_CASE("a claim in PostgreSQL lives through every step") {
    auto* server = the_server();
    if (server == nullptr) return;
    auto table = postgres_table(*server, "one", "a");
    fill(table);
    lives_through_every_step(table);
}

TEST_CASE("two controllers see one table, and neither raises the epoch by starting") {
    auto* server = the_server();
    if (server == nullptr) return;
    auto a = postgres_table(*server, "two", "a");
    auto b = postgres_table(*server, "two", "b");
    CHECK(a.writer().epoch == b.writer().epoch);
    CHECK(a.writer().node_number != b.writer().node_number);
    fill(a);
    const auto mine = claimed(a, bench_request("r1", 1));
    CHECK(b.drives()->size() == 4);
    CHECK(b.claim(mine.claim.id)->has_value());
    CHECK(!b.step(mine.claim.id, claims::ClaimEvent::drive_reserved, bench_now));
    const auto again = b.begin(bench_request("r1", 1), bench_known(), {}, 1, bench_now);
    CHECK(std::holds_alternative<AlreadyKnown>(*again));
    REQUIRE(b.raise_epoch(b.writer().epoch + 1));
    CHECK(!a.step(mine.claim.id, claims::ClaimEvent::drive_reserved, bench_now));
    REQUIRE(b.adopt(mine.claim.id, 5, bench_now));
    CHECK(b.step(mine.claim.id, claims::ClaimEvent::drive_reserved, bench_now));
}

TEST_CASE("while one controller holds the lock the other waits, and then takes another drive") {
    auto* server = the_server();
    if (server == nullptr) return;
    auto a = postgres_table(*server, "three", "a");
    auto b = postgres_table(*server, "three", "b");
    fill(a);
    REQUIRE(a.lock());
    const auto mine = claimed(a, bench_request("ra", 1));
    auto other = std::async(std::launch::async, [&] {
        const bool locked = b.lock().ok();
        auto begun = b.begin(bench_request("rb", 2), bench_known(), {}, 2, bench_now);
        b.unlock();
        return locked && begun && std::holds_alternative<DriveClaimed>(*begun)
                   ? std::get<DriveClaimed>(*begun).drive.serial
                   : std::string();
    });
    CHECK(becomes_true([&] {
        return server->ask(
                   "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT "
                   "granted") == "1";
    }));
    a.unlock();
    const auto theirs = other.get();
    CHECK(!theirs.empty());
    CHECK(theirs != mine.drive.serial);
}

TEST_CASE("a lost connection is made again, and the lock that went with it is known to be gone") {
    auto* server = the_server();
    if (server == nullptr) return;
    auto table = postgres_table(*server, "four", "a");
    fill(table);
    const auto break_connections = [&] {
        server->ask(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> "
            "pg_backend_pid() AND backend_type = 'client backend'");
    };
    break_connections();
    CHECK(becomes_true([&] { return table.drives().ok(); }));
    REQUIRE(table.lock());
    static_cast<void>(claimed(table, bench_request("r1", 1)));
    break_connections();
    const auto begun = table.begin(bench_request("r2", 2), bench_known(), {}, 1, bench_now);
    CHECK(!begun);
    table.unlock();
    CHECK(claimed(table, bench_request("r2", 2)).claim.id > 0);
}

// The server answers a cancelled wait for its standby with success and a warning: the claim is on
// one disk only. It must not count as done before a commit behind it is on both.
TEST_CASE("a commit whose wait for the standby is cancelled is unknown until it is resolved") {
    auto* server = the_server();
    if (server == nullptr) return;
    auto table = postgres_table(*server, "five", "a");
    fill(table);
    server->set_standby("nobody");
    const auto waits = [&] {
        return server->ask("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'");
    };
    auto claim = std::async(std::launch::async, [&] {
        return table.begin(bench_request("r1", 1), bench_known(), {}, 1, bench_now);
    });
    REQUIRE(becomes_true([&] { return waits() == "1"; }));
    const auto first =
        server->ask("SELECT query_start FROM pg_stat_activity WHERE wait_event = 'SyncRep'");
    server->ask("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'");
    // Visible to everybody by now, and yet another commit waits behind it.
    CHECK(becomes_true(
        [&] { return server->ask("SELECT count(*) FROM claim WHERE library = 'five'") == "1"; }));
    CHECK(becomes_true([&] {
        const auto now =
            server->ask("SELECT query_start FROM pg_stat_activity WHERE wait_event = 'SyncRep'");
        return !now.empty() && now != first;
    }));
    CHECK(claim.wait_for(std::chrono::milliseconds(0)) != std::future_status::ready);
    server->set_standby("");
    const auto begun = claim.get();
    INFO((begun ? "" : begun.error().message));
    REQUIRE(begun);
    CHECK(std::holds_alternative<DriveClaimed>(*begun));
    CHECK(table.claims(true, 10)->size() == 1);
}

// Changes and commit are one trip: what becomes of it at each place where it can be stopped.
TEST_CASE("a server killed while the commit waits for the standby is asked when it is back") {
    auto* server = the_server();
    if (server == nullptr) return;
    auto table = postgres_table(*server, "seven", "a");
    fill(table);
    server->set_standby("nobody");
    auto claim = std::async(std::launch::async, [&] {
        return table.begin(bench_request("r1", 1), bench_known(), {}, 1, bench_now);
    });
    const auto waiting = [&] {
        return server->ask("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'") ==
               "1";
    };
    REQUIRE(becomes_true(waiting));
    server->stop();
    server->start();
    // It was written before the end, and is not told before a commit behind it is on both.
    REQUIRE(becomes_true(waiting));
    CHECK(claim.wait_for(std::chrono::milliseconds(0)) != std::future_status::ready);
    server->set_standby("");
    const auto begun = claim.get();
    INFO((begun ? "" : begun.error().message));
    REQUIRE(begun);
    CHECK(std::holds_alternative<DriveClaimed>(*begun));
    CHECK(table.claims(true, 10)->size() == 1);
}

TEST_CASE("a trip that is stopped before its commit has changed nothing") {
    auto* server = the_server();
    if (server == nullptr) return;
    auto table = postgres_table(*server, "eight", "a");
    fill(table);
    const auto other = server->session("b", "eight");
    // The row that is asked for on the first trip, and one that is changed on the second.
    for (const std::string row : {"SELECT commit_mark FROM node WHERE name = 'a' FOR UPDATE",
                                  "SELECT serial FROM drive WHERE library = 'eight' FOR UPDATE"}) {
        for (const std::string how : {"pg_cancel_backend", "pg_terminate_backend"}) {
            INFO(row << ", " << how);
            REQUIRE(other->begin());
            REQUIRE(other->run(row, {}));
            auto claim = std::async(std::launch::async, [&] {
                return table.begin(bench_request("r1", 1), bench_known(), {}, 1, bench_now);
            });
            REQUIRE(becomes_true([&] { return lock_waits(*server) == "1"; }));
            server->ask("SELECT " + how +
                        "(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock'");
            CHECK(claim.wait_for(std::chrono::seconds(3)) == std::future_status::ready);
            other->rollback();
            const auto begun = claim.get();
            REQUIRE(!begun);
            CHECK(begun.error().message.find("nobody can say") == std::string::npos);
            CHECK(becomes_true([&] { return table.claims(true, 10).ok(); }));
            CHECK(table.claims(true, 10)->empty());
        }
    }
    CHECK(claimed(table, bench_request("r1", 1)).claim.id == 1);
}

// Nobody tells a server that its client has given up: it works off what it was sent, commit and
// all, as soon as it gets the lock that it waits for.
TEST_CASE("a commit that was given up and happens later is not told as failed") {
    auto* server = the_server();
    if (server == nullptr) return;
    auto table = postgres_table(*server, "ten", "a");
    fill(table);
    const auto other = server->session("b", "ten");
    const auto mounts = [&] {
        return server->ask("SELECT max(mounts) FROM drive WHERE library = 'ten'");
    };
    for (const bool asks_first : {true, false}) {
        INFO(asks_first);
        REQUIRE(other->begin());
        REQUIRE(other->run("SELECT serial FROM drive WHERE library = 'ten' FOR UPDATE", {}));
        const auto session = server->session("a", "ten", {1'000});
        const auto backend = *session->run("SELECT pg_backend_pid()", {})->rows.front().front();
        REQUIRE(session->run("SET lock_timeout = '5s'", {}));  // longer than is waited for it here
        REQUIRE(session->begin());
        if (asks_first) REQUIRE(session->run("SELECT epoch FROM library_state", {}));
        REQUIRE(session->put("UPDATE drive SET mounts = mounts + 1 WHERE library = 'ten'", {}));
        auto commit = std::async(std::launch::async, [&] { return session->commit(); });
        // The one that was given up, and the one that asks what has become of it. Where nothing
        // was asked the changes are sent before the commit is, which never is then.
        const auto is_ready = [&] {
            return commit.wait_for(std::chrono::milliseconds(0)) == std::future_status::ready;
        };
        CHECK(becomes_true([&] { return lock_waits(*server) == "2" || is_ready(); }));
        CHECK(is_ready() != asks_first);
        other->rollback();
        const auto end = commit.get();
        CHECK(becomes_true([&] {
            return server->ask("SELECT count(*) FROM pg_stat_activity WHERE pid = " + backend) ==
                   "0";
        }));
        INFO(end.words);
        CHECK(mounts() == "1");
        CHECK(end.end == (asks_first ? CommitEnd::done : CommitEnd::failed));
    }
}

// Under a stricter isolation who has waited for a row is refused when it was changed meanwhile.
TEST_CASE("a server that is set to another isolation makes no difference") {
    auto* server = the_server();
    if (server == nullptr) return;
    server->ask("ALTER DATABASE postgres SET default_transaction_isolation = 'repeatable read'");
    const auto a = server->session("a", "eleven");
    const auto b = server->session("b", "eleven");
    server->ask("ALTER DATABASE postgres RESET default_transaction_isolation");
    REQUIRE(a->begin());
    REQUIRE(a->run("INSERT INTO library_state VALUES ('eleven', 4711, 1, 0)", {}));
    REQUIRE(a->commit().end == CommitEnd::done);
    const auto raise = [](SqlSession& session) {
        return session.run("UPDATE library_state SET uses = uses + 1 WHERE library = 'eleven'", {});
    };
    REQUIRE(a->begin());
    REQUIRE(raise(*a));
    auto other = std::async(std::launch::async, [&] {
        const bool raised = b->begin() && raise(*b);
        return raised && b->commit().end == CommitEnd::done;
    });
    CHECK(becomes_true([&] { return lock_waits(*server) == "1"; }));
    CHECK(a->commit().end == CommitEnd::done);
    CHECK(other.get());
    CHECK(server->ask("SELECT uses FROM library_state WHERE library = 'eleven'") == "2");
}

// More than fits between the two: who sends waits as well.
TEST_CASE("a server that reads nothing any more is given up in time") {
    auto* server = the_server();
    if (server == nullptr) return;
    const auto session = server->session("a", "twelve", {1'000});
    constexpr std::string_view length = "SELECT length($1)";
    REQUIRE(session->run(length, {"short"}));
    const auto backend =
        std::stoi(*session->run("SELECT pg_backend_pid()", {})->rows.front().front());
    REQUIRE(::kill(backend, SIGSTOP) == 0);
    auto answer = std::async(std::launch::async, [&] {
        return session->run(length, {std::string(std::size_t{8} << 20U, 'x')});
    });
    CHECK(answer.wait_for(std::chrono::seconds(20)) == std::future_status::ready);
    CHECK(::kill(backend, SIGCONT) == 0);
    const auto got = answer.get();
    REQUIRE(!got);
    CHECK(got.error().message.find("in time") != std::string::npos);
    // One that reads takes it in as many pieces as it likes.
    const auto again = session->run(length, {std::string(std::size_t{8} << 20U, 'x')});
    REQUIRE(again);
    CHECK(again->rows.front().front() == "8388608");
}

TEST_CASE("a change that is refused fails the commit, and the session goes on") {
    auto* server = the_server();
    if (server == nullptr) return;
    auto table = postgres_table(*server, "nine", "a");
    const auto session = server->session("a", "nine");
    constexpr std::string_view add =
        "INSERT INTO node (name, number, commit_mark) VALUES ($1, $2, '')";
    constexpr std::string_view count = "SELECT count(*) FROM node WHERE name = $1";
    REQUIRE(session->begin());
    REQUIRE(session->put(add, {"new", std::int64_t{4711}}));
    REQUIRE(session->put(add, {"a", std::int64_t{4712}}));
    const auto end = session->commit();
    CHECK(end.end == CommitEnd::failed);
    CHECK(end.words.find("duplicate key") != std::string::npos);
    CHECK(session->run(count, {"new"})->rows.front().front() == "0");
    // More than one trip's worth, and a question that sees what was put before it.
    REQUIRE(session->begin());
    for (int i = 0; i < 200; ++i) {
        REQUIRE(session->put("UPDATE node SET commit_mark = commit_mark || '.' WHERE name = $1",
                             {"a"}));
    }
    REQUIRE(session->put(add, {"new", std::int64_t{4711}}));
    CHECK(session->run(count, {"new"})->rows.front().front() == "1");
    session->rollback();
    CHECK(session->run(count, {"new"})->rows.front().front() == "0");
    CHECK(session->begin());
    CHECK(session->commit().end == CommitEnd::done);
}

TEST_CASE("a server that ends in the middle loses nothing that was acknowledged") {
    auto* server = the_server();
    if (server == nullptr) return;
    auto table = postgres_table(*server, "six", "a");
    fill(table);
    const auto before = claimed(table, bench_request("r1", 1));
    server->stop();
    CHECK(!table.begin(bench_request("r2", 2), bench_known(), {}, 1, bench_now));
    server->start();
    CHECK(becomes_true([&] { return table.claims(false, 10).ok(); }));
    CHECK((*table.claim(before.claim.id))->drive == before.claim.drive);
    CHECK(claimed(table, bench_request("r2", 2)).claim.id > before.claim.id);
}

TEST_CASE("servers that are not there are named with what each of them says") {
    const auto opened =
        open_postgres_session({.servers = {"host=/nonexistent port=1", "host=/nowhere"},
                               .library = "lib",
                               .node = "a",
                               .connect_within = {2'000}});
    REQUIRE(!opened);
    CHECK(opened.error().message.find("mounts.database[0]") != std::string::npos);
    CHECK(opened.error().message.find("mounts.database[1]") != std::string::npos);
}
