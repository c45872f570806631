// Transactions that go on from the last one, asking nothing: what somebody else has changed
// meanwhile is noticed, and what was given up does not happen later. Real PostgreSQL server.

#include <csignal>
#include <future>
#include <set>

#include "test/unit/mounts/postgres_bench.hpp"

using namespace agent;
using namespace agent::mounts;

namespace {

// Knows the volumes too, as after the next look at the changer.
void fill_and_look_again(ClaimTable& table) {
    fill(table);
    fill(table);
}

std::string locks_held(const PostgresServer& server) {
    return server.ask("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted");
}

}  // namespace

TEST_CASE("a drive that another controller has taken meanwhile is not taken again") {
    auto* server = the_server();
    if (server == nullptr) return;
    auto a = postgres_table(*server, "go1", "a");
    auto b = postgres_table(*server, "go1", "b");
    fill_and_look_again(a);
    fill_and_look_again(b);
    std::set<std::string> taken;
    for (int number = 1; number <= 2; ++number) {
        const auto name = std::to_string(number);
        taken.insert(claimed(a, bench_request("a" + name, number)).drive.serial);
        taken.insert(claimed(b, bench_request("b" + name, number + 4)).drive.serial);
    }
    CHECK(taken.size() == 4);
    const auto none = a.begin(bench_request("a3", 9), bench_known(), {}, 1, bench_now);
    REQUIRE(none);
    CHECK(std::holds_alternative<NoDrive>(*none));
}

TEST_CASE("what another controller says of a volume counts at once") {
    auto* server = the_server();
    if (server == nullptr) return;
    auto a = postgres_table(*server, "go2", "a");
    auto b = postgres_table(*server, "go2", "b");
    fill_and_look_again(a);
    static_cast<void>(claimed(a, bench_request("a1", 1)));
    REQUIRE(b.set_volume_state(bench_volume(2).barcode, claims::VolumeState::disabled, "torn"));
    const auto begun = a.begin(bench_request("a2", 2), bench_known(), {}, 1, bench_now);
    REQUIRE(begun);
    CHECK(std::holds_alternative<claims::MountRefusal>(*begun));
    // A request that the other one has had.
    const auto theirs = claimed(b, bench_request("b3", 3));
    const auto again = a.begin(bench_request("b3", 3), bench_known(), {}, 1, bench_now);
    REQUIRE(again);
    REQUIRE(std::holds_alternative<AlreadyKnown>(*again));
    CHECK(std::get<AlreadyKnown>(*again).claim == theirs.claim);
}

TEST_CASE("a controller that was replaced between two claims makes none") {
    auto* server = the_server();
    if (server == nullptr) return;
    auto a = postgres_table(*server, "go3", "a");
    auto b = postgres_table(*server, "go3", "b");
    fill_and_look_again(a);
    const auto mine = claimed(a, bench_request("a1", 1));
    REQUIRE(b.raise_epoch(a.writer().epoch + 1));
    const auto begun = a.begin(bench_request("a2", 2), bench_known(), {}, 1, bench_now);
    REQUIRE(!begun);
    CHECK(begun.error().message.find("has been replaced") != std::string::npos);
    CHECK(!a.step(mine.claim.id, claims::ClaimEvent::drive_reserved, bench_now));
    CHECK(!a.release(mine.claim.id, {}, bench_now));
    CHECK(b.claims(true, 10)->size() == 1);
}

// The epoch by itself: a database that was put back in time shows the mark, under another epoch.
TEST_CASE("another epoch is noticed whatever the marks are") {
    auto* server = the_server();
    if (server == nullptr) return;
    auto a = postgres_table(*server, "go4", "a");
    fill_and_look_again(a);
    static_cast<void>(claimed(a, bench_request("a1", 1)));
    server->ask("UPDATE library_state SET epoch = epoch + 1 WHERE library = 'go4'");
    CHECK(!a.begin(bench_request("a2", 2), bench_known(), {}, 1, bench_now));
    CHECK(a.claims(true, 10)->size() == 1);
}

// The client gives the trip up before the server has read it. The server does so later, and would
// work it off, commit and all.
TEST_CASE("a claim that was given up before the server came to it never happens") {
    auto* server = the_server();
    if (server == nullptr) return;
    auto options = bench_options("a");
    options.library = "go5";
    auto session = server->session("a", "go5", {1'000});
    const auto pid = *session->run("SELECT pg_backend_pid()", {})->rows.front().front();
    ClaimTable table(std::move(session), options);
    REQUIRE(table.enroll());
    fill_and_look_again(table);
    // The second one has every statement prepared.
    static_cast<void>(claimed(table, bench_request("r1", 1)));
    static_cast<void>(claimed(table, bench_request("r2", 2)));
    REQUIRE(::kill(std::stoi(pid), SIGSTOP) == 0);
    const auto begun = table.begin(bench_request("r3", 3), bench_known(), {}, 1, bench_now);
    CHECK(::kill(std::stoi(pid), SIGCONT) == 0);
    REQUIRE(!begun);
    CHECK(begun.error().message.find("not recorded") != std::string::npos);
    CHECK(becomes_true([&] {
        return server->ask("SELECT count(*) FROM pg_stat_activity WHERE pid = " + pid) == "0";
    }));
    CHECK(table.claims(true, 10)->size() == 2);
    CHECK(claimed(table, bench_request("r3", 3)).claim.id == 3);
}

TEST_CASE(
    "a claim of one trip whose wait for the standby is cancelled is on both before it counts") {
    auto* server = the_server();
    if (server == nullptr) return;
    auto table = postgres_table(*server, "go6", "a");
    fill_and_look_again(table);
    static_cast<void>(claimed(table, bench_request("r1", 1)));
    const auto waiting = [&] {
        return server->ask("SELECT query_start FROM pg_stat_activity WHERE wait_event = 'SyncRep'");
    };
    server->set_standby("nobody");
    auto claim = std::async(std::launch::async, [&] {
        return table.begin(bench_request("r2", 2), bench_known(), {}, 1, bench_now);
    });
    REQUIRE(becomes_true([&] { return !waiting().empty(); }));
    const auto first = waiting();
    server->ask("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'");
    CHECK(becomes_true([&] { return !waiting().empty() && waiting() != first; }));
    CHECK(claim.wait_for(std::chrono::milliseconds(0)) != std::future_status::ready);
    server->set_standby("");
    const auto begun = claim.get();
    INFO((begun ? "" : begun.error().message));
    REQUIRE(begun);
    CHECK(std::holds_alternative<DriveClaimed>(*begun));
    CHECK(table.claims(true, 10)->size() == 2);
    // And goes on from there.
    CHECK(claimed(table, bench_request("r3", 3)).claim.id == 3);
}

TEST_CASE("the lock comes with the first transaction, stays when that was overtaken, and goes") {
    auto* server = the_server();
    if (server == nullptr) return;
    auto a = postgres_table(*server, "go7", "a");
    auto b = postgres_table(*server, "go7", "b");
    fill_and_look_again(a);
    for (const bool overtaken : {false, true}) {
        INFO(overtaken);
        REQUIRE(a.lock());
        if (overtaken) static_cast<void>(claimed(b, bench_request("b", 5)));
        const auto mine = claimed(a, bench_request(overtaken ? "a2" : "a1", overtaken ? 2 : 1));
        CHECK(locks_held(*server) == "1");
        CHECK(a.step(mine.claim.id, claims::ClaimEvent::drive_reserved, bench_now));
        a.unlock();
        CHECK(becomes_true([&] { return locks_held(*server) == "0"; }));
    }
    // One that was not needed.
    REQUIRE(a.lock());
    a.unlock();
    CHECK(locks_held(*server) == "0");
}

TEST_CASE("a server that ends between two claims is noticed before anything is in doubt") {
    auto* server = the_server();
    if (server == nullptr) return;
    auto table = postgres_table(*server, "go8", "a");
    fill_and_look_again(table);
    static_cast<void>(claimed(table, bench_request("r1", 1)));
    server->stop();
    const auto begun = table.begin(bench_request("r2", 2), bench_known(), {}, 1, bench_now);
    server->start();
    REQUIRE(!begun);
    CHECK(begun.error().message.find("nobody can say") == std::string::npos);
    CHECK(becomes_true([&] { return table.claims(true, 10).ok(); }));
    CHECK(claimed(table, bench_request("r2", 2)).claim.id == 2);
}

TEST_CASE("a drive table of the first version is made one of this version, with what is in it") {
    auto* server = the_server();
    if (server == nullptr) return;
    server->ask("CREATE DATABASE older");
    const auto open = [&] {
        auto opened = open_postgres_session(
            {.servers = {server->address("older")}, .library = "lib", .node = "a"});
        INFO((opened ? "" : opened.error().message));
        REQUIRE(opened);
        return ClaimTable(std::move(opened).value(), bench_options());
    };
    auto older = open();
    REQUIRE(older.enroll());
    fill_and_look_again(older);
    const auto before = claimed(older, bench_request("r1", 1));
    CHECK(server
              ->ask("ALTER TABLE node RENAME COLUMN commit_mark TO mark; "
                    "ALTER TABLE library_state DROP COLUMN commit_mark; "
                    "ALTER TABLE claim DROP COLUMN is_open; "
                    "CREATE UNIQUE INDEX a_volume_has_one_claim ON claim (library, volume) "
                    "WHERE state <> 'ended'; "
                    "DROP INDEX a_request_is_one_claim; "
                    "CREATE UNIQUE INDEX a_request_is_one_claim ON claim (library, request); "
                    "UPDATE lra_schema SET version = 1",
                    "older")
              .empty());
    auto newer = open();
    CHECK(server->ask("SELECT version FROM lra_schema", "older") == "2");
    CHECK(server
              ->ask("SELECT indexdef FROM pg_indexes WHERE indexname = 'a_request_is_one_claim'",
                    "older")
              .find("(request, library)") != std::string::npos);
    REQUIRE(newer.enroll());
    CHECK(newer.writer().epoch == older.writer().epoch);
    CHECK((*newer.claim(before.claim.id)) == before.claim);
    CHECK(claimed(newer, bench_request("r2", 2)).claim.id == 2);
    CHECK(claimed(newer, bench_request("r3", 3)).claim.id == 3);
    // What is not understood is left alone.
    server->ask("UPDATE lra_schema SET version = 77", "older");
    CHECK(!open_postgres_session(
        {.servers = {server->address("older")}, .library = "lib", .node = "a"}));
}

TEST_CASE("a lock that could not be had is not held later") {
    auto* server = the_server();
    if (server == nullptr) return;
    static_cast<void>(postgres_table(*server, "go9", "a"));
    const auto session = server->session("b", "go9");
    server->stop();
    CHECK(!session->lock_library());
    server->start();
    REQUIRE(session->begin());
    REQUIRE(session->run("SELECT epoch FROM library_state WHERE library = 'go9'", {}));
    CHECK(locks_held(*server) == "0");
    session->rollback();
}

// It is in the line for the standby yet: who asks about it does not get its row.
TEST_CASE("a claim of which nobody can say whether it happened is not made a second time") {
    auto* server = the_server();
    if (server == nullptr) return;
    auto options = bench_options("a");
    options.library = "go10";
    auto session = open_postgres_session({.servers = {server->address()},
                                          .library = "go10",
                                          .node = "a",
                                          .answer_within = {1'000},
                                          .resolve_within = {600}});
    REQUIRE(session);
    ClaimTable table(std::move(session).value(), options);
    REQUIRE(table.enroll());
    fill_and_look_again(table);
    static_cast<void>(claimed(table, bench_request("r1", 1)));
    server->set_standby("nobody");
    const auto begun = table.begin(bench_request("r2", 2), bench_known(), {}, 1, bench_now);
    REQUIRE(!begun);
    CHECK(begun.error().message.find("nobody can say") != std::string::npos);
    server->set_standby("");
    CHECK(becomes_true([&] {
        const auto claims = table.claims(true, 10);
        return claims && claims->size() == 2;
    }));
}

TEST_CASE("where the controller's row or the library's is gone no claim is made") {
    auto* server = the_server();
    if (server == nullptr) return;
    const bool of_the_node = GENERATE(true, false);
    const std::string library = of_the_node ? "go11" : "go12";
    auto table = postgres_table(*server, library, "gone");
    fill_and_look_again(table);
    static_cast<void>(claimed(table, bench_request("r1", 1)));
    server->ask(of_the_node ? "DELETE FROM node WHERE name = 'gone'"
                            : "DELETE FROM library_state WHERE library = 'go12'");
    for (int again = 0; again < 2; ++again) {
        const auto begun = table.begin(bench_request("r2", 2), bench_known(), {}, 1, bench_now);
        REQUIRE(!begun);
        INFO(begun.error().message);
        CHECK(begun.error().message.find(of_the_node ? "is gone; restart lrad"
                                                     : "is not in the table") != std::string::npos);
    }
    CHECK(table.claims(true, 10)->size() == 1);
    if (!of_the_node) return;
    REQUIRE(table.enroll());
    static_cast<void>(claimed(table, bench_request("r2", 2)));
}
