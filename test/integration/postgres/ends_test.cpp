// Servers that end, hang, are left over, or are somebody else's.

#include <netinet/in.h>

#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <utility>

#include "agent/postgres/server_process.hpp"
#include "test/integration/postgres/two_servers.hpp"
#include "test/support/catch.hpp"

namespace {

using two_servers::DataSeen;
using two_servers::Message;
using two_servers::Node;
using two_servers::Relation;
using two_servers::Step;
using two_servers::TwoServers;

Node other_of(Node node) {
    return agent::pair::other(node);
}

class SmallDisk {
  public:
    SmallDisk(std::string folder, const std::string& size)
        : folder_(std::move(folder)), is_there_(mount(0, size)) {}
    ~SmallDisk() {
        if (is_there_) ::umount2(folder_.c_str(), MNT_DETACH);
    }
    SmallDisk(const SmallDisk&) = delete;
    SmallDisk& operator=(const SmallDisk&) = delete;
    [[nodiscard]] bool is_there() const { return is_there_; }
    [[nodiscard]] bool resize(const std::string& size) const { return mount(MS_REMOUNT, size); }

  private:
    [[nodiscard]] bool mount(unsigned long flags, const std::string& size) const {
        const std::string options = "mode=755,size=" + size;
        return ::mount("tmpfs", folder_.c_str(), "tmpfs", flags, options.c_str()) == 0;
    }
    std::string folder_;
    bool is_there_;
};

}  // namespace

TEST_CASE("what was acknowledged survives rounds of kill, take over and rejoin") {
    if (!two_servers::can_run()) return;
    TwoServers pair;
    pair.make();
    pair.open(Node::first);
    pair.open(Node::second);
    REQUIRE(pair.begin_pair());
    pair.ask(Node::first, "CREATE TABLE t (n INT)");
    const char* asked = std::getenv("LRA_ROUNDS");
    const int rounds = asked == nullptr ? 3 : std::atoi(asked);
    Node primary = Node::first;
    std::uint64_t epoch = 1;
    int acknowledged = 0;
    for (int round = 0; round < rounds; ++round) {
        INFO("round " << round << "\nfirst:\n"
                      << pair.told(Node::first) << "second:\n"
                      << pair.told(Node::second));
        for (int row = 0; row < 20; ++row) {
            const auto written =
                pair.ask(primary, "INSERT INTO t VALUES (" + std::to_string(acknowledged) + ")");
            REQUIRE(written.empty());
            ++acknowledged;
        }
        const int lost = pair.lost(primary);
        pair.signal(primary, SIGKILL);
        REQUIRE(pair.until([&] { return pair.lost(primary) == lost + 1; }));
        REQUIRE(pair.begin_alone(other_of(primary), ++epoch));
        primary = other_of(primary);
        REQUIRE(pair.ask(primary, "SELECT count(DISTINCT n) FROM t") ==
                std::to_string(acknowledged));
        REQUIRE(pair.done(other_of(primary), Step::stop_database));
        REQUIRE(pair.take_in(primary, ++epoch));
    }
}

// The server is frozen before the order is given, and killed then: what the order can have done,
// and its answer, do not hang on luck. Only one that starts up may be ready before it is frozen.
TEST_CASE("a server killed at any step of a procedure is brought back by the next") {
    if (!two_servers::can_run()) return;
    TwoServers pair;
    pair.make();
    pair.open(Node::first);
    pair.open(Node::second);
    REQUIRE(pair.begin_pair());
    std::uint64_t epoch = 2;
    struct KilledIn {
        Step step;
        Node node;
        std::optional<bool> done;  // true: it starts another server, or wants none
    };
    const KilledIn all[] = {{Step::start_synchronous, Node::first, std::nullopt},
                            {Step::checkpoint, Node::first, false},
                            {Step::synchronous_on, Node::first, false},
                            {Step::barrier, Node::first, false},
                            {Step::follow_peer, Node::second, true},
                            {Step::promote, Node::second, true},
                            {Step::stop_database, Node::first, true},
                            {Step::synchronous_off, Node::first, false}};
    for (const auto& one : all) {
        const Step step = one.step;
        const Node killed = one.node;
        INFO(agent::pair::to_text(step) << "\nfirst:\n"
                                        << pair.told(Node::first) << "second:\n"
                                        << pair.told(Node::second));
        if (step == Step::promote) REQUIRE(pair.done(Node::first, Step::stop_database));
        std::uint64_t order = 0;
        if (step == Step::start_synchronous) {
            REQUIRE(pair.done(killed, Step::stop_database));
            order = pair.give(killed, step, epoch);
            REQUIRE(pair.until([&] { return pair.postmaster(killed) != 0; }));
            pair.signal(killed, SIGSTOP);
        } else {
            pair.signal(killed, SIGSTOP);
            order = pair.give(killed, step, epoch);
        }
        pair.signal(killed, SIGKILL);
        REQUIRE(pair.until([&] { return pair.answer_to(order).has_value(); }, 60));
        if (one.done) CHECK(pair.answer_to(order)->done == *one.done);
        if (step == Step::stop_database) CHECK_FALSE(pair.answer_to(order)->clean);
        REQUIRE(pair.done(Node::first, Step::stop_database, epoch));
        REQUIRE(pair.done(Node::second, Step::stop_database, epoch));
        REQUIRE(pair.begin_pair(++epoch));
        REQUIRE(pair.until([&] { return pair.data(Node::second).epoch == epoch; }));
    }
}

// As an attempt to follow leaves it that loses sight of the other node after a rewind.
TEST_CASE("a rewound copy that was not seen to follow serves nobody until it is seen") {
    if (!two_servers::can_run()) return;
    TwoServers pair;
    pair.make();
    pair.open(Node::first);
    pair.open(Node::second);
    REQUIRE(pair.begin_pair(2));
    const std::string mark = pair.paths(Node::second).state + "/scrap";
    std::ofstream(mark) << "x";
    CHECK_FALSE(pair.done(Node::second, Step::promote, 3, Relation::alone));
    CHECK(pair.told(Node::second).find("has not been seen to follow") != std::string::npos);
    CHECK(pair.ask(Node::second, "SELECT pg_is_in_recovery()") == "t");
    REQUIRE(pair.done(Node::second, Step::follow_peer));
    CHECK(::access(mark.c_str(), F_OK) != 0);
    REQUIRE(pair.begin_alone(Node::second, 3));
    pair.close(Node::second);
    pair.open(Node::second);
    CHECK(pair.data(Node::second).epoch == 3);
}

TEST_CASE("a server that hangs is noticed, and killed when it is to stop") {
    if (!two_servers::can_run()) return;
    TwoServers pair;
    pair.make();
    pair.be_impatient();
    pair.open(Node::first);
    REQUIRE(pair.done(Node::first, Step::start_alone));
    pair.signal(Node::first, SIGSTOP);
    CHECK(pair.until([&] { return pair.lost(Node::first) == 1; }));
    CHECK(pair.told(Node::first).find("does not answer") != std::string::npos);
    const auto stopped = pair.order(Node::first, Step::stop_database);
    CHECK(stopped.done);
    CHECK_FALSE(stopped.clean);
    CHECK(pair.was_told(Node::first, Message::database_killed));
    CHECK(pair.data(Node::first).epoch == 1);
}

TEST_CASE("a server that somebody else has started is stopped, and a false pid file does no harm") {
    if (!two_servers::can_run()) return;
    TwoServers pair;
    pair.make();
    pair.open(Node::first);
    REQUIRE(pair.done(Node::first, Step::start_alone));
    pair.close(Node::first);
    const auto paths = pair.paths(Node::first);
    const auto owner = agent::postgres::server_owner("postgres");
    REQUIRE(owner);
    {
        const agent::postgres::ServerFolder folder(paths.folder, *owner);
        agent::postgres::ServerProcess stranger(folder, "/usr/lib/postgresql/15/bin");
        REQUIRE(stranger.start());
        REQUIRE(pair.until([&] { return pair.ask(Node::first, "SELECT 1") == "1"; }));
        pair.open(Node::first);
        CHECK(pair.was_told(Node::first, Message::database_found_running));
        CHECK(pair.data(Node::first).epoch == 1);
    }
    // The number of a process that lives, and is no server.
    std::ofstream(paths.data + "/postmaster.pid") << ::getpid() << "\n" << paths.data << "\n";
    REQUIRE(pair.done(Node::first, Step::start_alone));
}

TEST_CASE("data of another cluster or version are never touched") {
    if (!two_servers::can_run()) return;
    TwoServers pair;
    pair.make();
    const auto paths = pair.paths(Node::second);
    const auto identity = agent::postgres::ServerFolder::read(paths.state + "/identity");
    REQUIRE(identity);
    std::ofstream(paths.state + "/identity") << "42\n";
    pair.open(Node::first);
    REQUIRE(pair.done(Node::first, Step::start_alone));
    pair.open(Node::second);
    CHECK(pair.data(Node::second).epoch == 0);
    CHECK(pair.was_told(Node::second, Message::database_foreign));
    CHECK_FALSE(pair.done(Node::second, Step::start_alone));
    CHECK_FALSE(pair.done(Node::second, Step::follow_peer));
    pair.close(Node::second);
    std::ofstream(paths.state + "/identity") << *identity;
    std::ofstream(paths.data + "/PG_VERSION") << "14\n";
    pair.open(Node::second);
    CHECK(pair.data(Node::second).epoch == 0);
    CHECK(pair.told(Node::second).find("PostgreSQL 14") != std::string::npos);
    CHECK_FALSE(pair.done(Node::second, Step::follow_peer));
    CHECK(agent::postgres::ServerFolder::read(paths.data + "/PG_VERSION") ==
          std::optional<std::string>("14\n"));
}

TEST_CASE("a copy that finds the disk full says so and leaves what was there") {
    if (!two_servers::can_run() || ::geteuid() != 0) return;
    TwoServers pair;
    pair.make();
    pair.open(Node::first);
    REQUIRE(pair.done(Node::first, Step::start_alone));
    // The node's folder on a disk that has room for what is there, and not for a copy beside it.
    auto& folder = pair.configuration(Node::second).folder;
    const std::string before = folder;
    folder += "-small";
    REQUIRE(::mkdir(folder.c_str(), 0755) == 0);
    const SmallDisk disk(folder, "400m");
    if (!disk.is_there()) {
        WARN("no tmpfs can be mounted here");
        return;
    }
    REQUIRE(std::system(("cp -a " + before + "/. " + folder).c_str()) == 0);
    const auto paths = pair.paths(Node::second);
    const auto identity = agent::postgres::ServerFolder::read(paths.state + "/identity");
    std::ofstream(paths.state + "/scrap") << "x";
    const auto used = std::filesystem::space(folder);
    REQUIRE(disk.resize(std::to_string((used.capacity - used.free) / 1024 + 15'000) + "k"));

    pair.open(Node::second);
    CHECK_FALSE(pair.done(Node::second, Step::follow_peer));
    CHECK(pair.told(Node::second).find("No space left on device") != std::string::npos);
    CHECK(agent::postgres::ServerFolder::read(paths.data + "/PG_VERSION") ==
          std::optional<std::string>("15\n"));
    CHECK(agent::postgres::ServerFolder::read(paths.state + "/identity") == identity);
    CHECK(std::filesystem::exists(paths.data + "/base"));
    CHECK(std::filesystem::exists(paths.state + "/scrap"));
    CHECK_FALSE(std::filesystem::exists(paths.new_data));  // it would keep the disk full
    REQUIRE(disk.resize("400m"));
    CHECK(pair.done(Node::second, Step::follow_peer));
    CHECK(pair.was_told(Node::second, Message::database_copied));
    pair.close(Node::second);
}

TEST_CASE("a standby that this machine keeps from starting is not copied anew for that") {
    if (!two_servers::can_run()) return;
    TwoServers pair;
    pair.make();
    pair.open(Node::first);
    REQUIRE(pair.done(Node::first, Step::start_alone));
    pair.open(Node::second);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(pair.configuration(Node::second).port);
    const int other = ::socket(AF_INET, SOCK_STREAM, 0);
    REQUIRE(::bind(other, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(other, 1) == 0);
    const std::string here = pair.paths(Node::second).data + "/only_here";
    std::ofstream(here) << "x";
    for (int attempt = 0; attempt < 2; ++attempt)
        CHECK_FALSE(pair.done(Node::second, Step::follow_peer));
    CHECK(pair.told(Node::second).find("could not create any TCP/IP sockets") != std::string::npos);
    ::close(other);
    REQUIRE(pair.done(Node::second, Step::follow_peer));
    CHECK(std::filesystem::exists(here));
}

TEST_CASE(
    "a standby whose server ended stands by again, or is promoted, although the other is away") {
    if (!two_servers::can_run()) return;
    TwoServers pair;
    pair.make();
    pair.be_impatient();
    pair.open(Node::first);
    pair.open(Node::second);
    REQUIRE(pair.begin_pair(2));
    REQUIRE(pair.until([&] { return pair.data(Node::second).epoch == 2; }));
    REQUIRE(pair.done(Node::first, Step::stop_database_at_once));
    for (const int end : {SIGKILL, SIGSTOP}) {
        const int lost = pair.lost(Node::second);
        pair.signal(Node::second, end);
        REQUIRE(pair.until([&] { return pair.lost(Node::second) == lost + 1; }));
        CHECK_FALSE(pair.done(Node::second, Step::follow_peer));
        CHECK(pair.ask(Node::second, "SELECT pg_is_in_recovery()") == "t");
    }
    const int lost = pair.lost(Node::second);
    pair.signal(Node::second, SIGKILL);
    REQUIRE(pair.until([&] { return pair.lost(Node::second) == lost + 1; }));
    REQUIRE(pair.begin_alone(Node::second, 3));
}

TEST_CASE("a copying program that a killed lrad has left does not go on") {
    if (!two_servers::can_run()) return;
    TwoServers pair;
    pair.make();
    // It hangs: who should answer it never does.
    const int silent = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(::bind(silent, reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(::listen(silent, 1) == 0);
    REQUIRE(::getsockname(silent, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    const std::string target = pair.paths(Node::second).new_data;
    const std::string source =
        "host=127.0.0.1 user=x port=" + std::to_string(ntohs(address.sin_port));
    const std::string program = "/usr/lib/postgresql/15/bin/pg_basebackup";
    // An operator's backup of these data has their name in its own.
    const std::string backup = pair.paths(Node::second).folder + "/.." + target;
    const auto begin = [&](const std::string& folder) {
        const pid_t child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            ::execl(program.c_str(), "pg_basebackup", "-D", folder.c_str(), "-d", source.c_str(),
                    nullptr);
            ::_exit(1);
        }
        REQUIRE(::accept(silent, nullptr, nullptr) >= 0);  // it is at work
        return child;
    };
    const pid_t others = begin(backup);
    const pid_t child = begin(target);
    pair.open(Node::second);
    CHECK(::waitpid(others, nullptr, WNOHANG) == 0);
    ::kill(others, SIGKILL);
    CHECK(::waitpid(others, nullptr, 0) == others);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status));
    CHECK(pair.data(Node::second).epoch == 1);
    ::close(silent);
}
