// The drive table over a real PostgreSQL server in a folder of its own, on a Unix socket only.

#include "agent/mounts/postgres_session.hpp"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <thread>

#include "test/unit/mounts/claim_bench.hpp"

using namespace agent;
using namespace agent::mounts;

namespace {

const std::string server_programs = "/usr/lib/postgresql/15/bin";

// Debian's server programs refuse to run as root.
std::string as_database_user(const std::string& command) {
    if (::geteuid() != 0) return command;
    return "setpriv --reuid=postgres --regid=postgres --clear-groups " + command;
}

bool succeeds(const std::string& command) {
    return std::system((command + " >/dev/null 2>&1").c_str()) == 0;
}

class PostgresServer {
  public:
    PostgresServer() {
        std::string name = std::filesystem::temp_directory_path() / "lra-pg-XXXXXX";
        folder_ = ::mkdtemp(name.data());
        if (::geteuid() == 0) REQUIRE(succeeds("chown postgres:postgres " + folder_));
        REQUIRE(succeeds(as_database_user(server_programs + "/initdb -D " + folder_ +
                                          "/data -U lra -A trust --no-sync --no-locale")));
        start();
    }
    ~PostgresServer() {
        stop();
        std::filesystem::remove_all(folder_);
    }
    PostgresServer(const PostgresServer&) = delete;
    PostgresServer& operator=(const PostgresServer&) = delete;

    void start() {
        REQUIRE(
            succeeds(as_database_user(server_programs + "/pg_ctl -D " + folder_ +
                                      "/data -w -t 60 -l " + folder_ + "/log -o \"-k " + folder_ +
                                      " -c listen_addresses='' -c fsync=off -c jit=off\" start")));
    }
    void stop() {
        static_cast<void>(succeeds(as_database_user(server_programs + "/pg_ctl -D " + folder_ +
                                                    "/data -m immediate -w stop")));
    }
    // What a person at psql would do; the first line of the answer.
    std::string ask(const std::string& sql) const {
        const std::string command =
            "psql -h " + folder_ + " -U lra -d postgres -qAt -c \"" + sql + "\" 2>&1";
        std::FILE* pipe = ::popen(command.c_str(), "r");
        std::string answer;
        char line[256];
        while (std::fgets(line, sizeof line, pipe) != nullptr)
            answer += line;
        ::pclose(pipe);
        return answer.substr(0, answer.find('\n'));
    }
    void set_standby(const std::string& name) const {
        ask("ALTER SYSTEM SET synchronous_standby_names = '" + name + "'");
        ask("SELECT pg_reload_conf()");
    }
    [[nodiscard]] std::string address() const {
        return "host=" + folder_ + " user=lra dbname=postgres";
    }
    [[nodiscard]] std::unique_ptr<SqlSession> session(const std::string& node,
                                                      const std::string& library = "lib",
                                                      core::Duration answer_within = {
                                                          15'000}) const {
        auto opened = open_postgres_session({.servers = {"host=/nonexistent", address()},
                                             .library = library,
                                             .node = node,
                                             .answer_within = answer_within});
        INFO((opened ? "" : opened.error().message));
        REQUIRE(opened);
        return std::move(opened).value();
    }

  private:
    std::string folder_;
};

// One server for all of these: making it takes longer than using it.
PostgresServer* the_server() {
    if (!std::filesystem::exists(server_programs + "/initdb")) {
        WARN("Debian's postgresql-15 is not installed: nothing was tried on PostgreSQL");
        return nullptr;
    }
    static PostgresServer server;
    return &server;
}

ClaimTable postgres_table(const PostgresServer& server, const std::string& library,
                          const std::string& node) {
    auto options = bench_options(node);
    options.library = library;
    ClaimTable table(server.session(node, library), options);
    REQUIRE(table.enroll());
    return table;
}

std::string lock_waits(const PostgresServer& server) {
    return server.ask("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'");
}

template <typename Condition>
bool becomes_true(Condition condition) {
    for (int i = 0; i < 600; ++i) {
        if (condition()) return true;
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return false;
}

}  // namespace

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
    const auto mine = claimed(a, bench_request("ra", 1));
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
    break_connections();
    const auto begun = table.begin(bench_request("r1", 1), bench_known(), {}, 1, bench_now);
    CHECK(!begun);
    table.unlock();
    CHECK(claimed(table, bench_request("r1", 1)).claim.id > 0);
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
    for (const std::string row : {"SELECT mark FROM node WHERE name = 'a' FOR UPDATE",
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
    constexpr std::string_view add = "INSERT INTO node (name, number, mark) VALUES ($1, $2, '')";
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
    for (int i = 0; i < 200; ++i)
        REQUIRE(session->put("UPDATE node SET mark = mark || '.' WHERE name = $1", {"a"}));
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
