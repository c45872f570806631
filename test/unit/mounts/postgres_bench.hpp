#pragma once

// A real PostgreSQL server in a folder of its own, on a Unix socket only, and drive tables on it.

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "agent/mounts/postgres_session.hpp"
#include "test/unit/mounts/claim_bench.hpp"

namespace agent::mounts {

inline const std::string server_programs = "/usr/lib/postgresql/15/bin";

// Debian's server programs refuse to run as root.
inline std::string as_database_user(const std::string& command) {
    if (::geteuid() != 0) return command;
    return "setpriv --reuid=postgres --regid=postgres --clear-groups " + command;
}

inline bool succeeds(const std::string& command) {
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
    std::string ask(const std::string& sql, const std::string& database = "postgres") const {
        const std::string command =
            "psql -h " + folder_ + " -U lra -d " + database + " -qAt -c \"" + sql + "\" 2>&1";
        std::FILE* pipe = ::popen(command.c_str(), "r");
        std::string answer;
        char line[256];
        while (std::fgets(line, sizeof line, pipe) != nullptr)
            answer += line;
        ::pclose(pipe);
        return answer.substr(0, answer.find('\n'));
    }
    // Commits wait for this standby when it returns. It is the checkpointer that tells them to, and
    // at its own time: the first checkpoint may have begun before it was told, the second has not.
    void set_standby(const std::string& name) {
        ask("ALTER SYSTEM SET synchronous_standby_names = '" + name + "'");
        ask("SELECT pg_reload_conf()");
        ask("CHECKPOINT");
        ask("CHECKPOINT");
        standby_ = name;
    }
    // After a test that has ended early.
    void wait_for_nobody() {
        if (!standby_.empty()) set_standby("");
    }
    [[nodiscard]] std::string address(const std::string& database = "postgres") const {
        return "host=" + folder_ + " user=lra dbname=" + database;
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
    std::string standby_;
};

// One server for all of these: making it takes longer than using it.
inline PostgresServer* the_server() {
    if (!std::filesystem::exists(server_programs + "/initdb")) {
        WARN("Debian's postgresql-15 is not installed: nothing was tried on PostgreSQL");
        return nullptr;
    }
    static PostgresServer server;
    server.wait_for_nobody();
    return &server;
}

inline ClaimTable postgres_table(const PostgresServer& server, const std::string& library,
                                 const std::string& node) {
    auto options = bench_options(node);
    options.library = library;
    ClaimTable table(server.session(node, library), options);
    REQUIRE(table.enroll());
    return table;
}

inline std::string lock_waits(const PostgresServer& server) {
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

}  // namespace agent::mounts
