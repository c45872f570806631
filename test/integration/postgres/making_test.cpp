// A pair made as an operator makes it, with TLS, and what is refused on the way.

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "agent/postgres/init_pair.hpp"
#include "agent/postgres/server_process.hpp"
#include "test/integration/postgres/two_servers.hpp"
#include "test/support/catch.hpp"

namespace {

using two_servers::DataSeen;
using two_servers::Node;
using two_servers::Step;
using two_servers::TwoServers;

struct Made {
    bool done = false;
    std::string said;  // the error too
};

Made init(TwoServers& pair, Node node, bool anew = false) {
    Made made;
    const auto outcome =
        agent::postgres::init_pair({pair.configuration(node), node, "tests", anew},
                                   [&](const std::string& line) { made.said += line + "\n"; });
    made.done = outcome.ok();
    if (!outcome) made.said += outcome.error().message;
    return made;
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a pair is made step by step, with TLS, and making it again changes nothing") {
    if (!two_servers::can_run()) return;
    TwoServers pair;
    const auto parent = std::filesystem::path(pair.paths(Node::first).folder).parent_path();
    const std::string certificate = (parent / "node.crt").string();
    const std::string key = (parent / "node.key").string();
    const std::string command =
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=lra "
        "-addext subjectAltName=IP:127.0.0.1 -keyout " +
        key + " -out " + certificate + " 2>/dev/null";
    REQUIRE(std::system(command.c_str()) == 0);
    for (const Node node : {Node::first, Node::second}) {
        auto& configuration = pair.configuration(node);
        configuration.sslmode = "verify-full";
        configuration.certificate_file = certificate;
        configuration.certificate_key_file = key;
        configuration.authority_file = certificate;
    }
    // Nobody serves yet.
    const auto early = init(pair, Node::second);
    CHECK_FALSE(early.done);
    CHECK(contains(early.said, "lrad has to run on the first node"));

    const auto first = init(pair, Node::first);
    INFO(first.said);
    REQUIRE(first.done);
    pair.open(Node::first);
    CHECK(pair.data(Node::first).epoch == 1);
    CHECK_FALSE(init(pair, Node::first).done);  // lrad runs
    REQUIRE(pair.done(Node::first, Step::start_alone));
    const auto second = init(pair, Node::second);
    INFO(second.said);
    REQUIRE(second.done);
    CHECK(contains(second.said, "it holds epoch 1"));
    const auto again = init(pair, Node::second);
    INFO(again.said);
    CHECK(again.done);
    CHECK(contains(again.said, "nothing to do"));

    pair.open(Node::second);
    REQUIRE(pair.take_in(Node::first, 2));
    CHECK(pair.ask(Node::first,
                   "SELECT ssl FROM pg_stat_ssl JOIN pg_stat_replication USING (pid)") == "t");
    // The password is nowhere in the log.
    const auto log = agent::postgres::ServerFolder::read(pair.paths(Node::first).log);
    REQUIRE(log);
    CHECK_FALSE(contains(*log, "a secret"));
}

TEST_CASE("data that nobody has made here are removed only when that is asked for") {
    if (!two_servers::can_run()) return;
    TwoServers pair;
    pair.make();
    const auto paths = pair.paths(Node::first);
    std::filesystem::remove(paths.state + "/identity");
    const auto refused = init(pair, Node::first);
    CHECK_FALSE(refused.done);
    CHECK(contains(refused.said, "--init-pair-anew"));
    CHECK(std::filesystem::exists(paths.data + "/PG_VERSION"));
    const auto anew = init(pair, Node::first, true);
    INFO(anew.said);
    REQUIRE(anew.done);
    // Another cluster by now: the second node's copy is not its.
    pair.open(Node::first);
    pair.open(Node::second);
    REQUIRE(pair.done(Node::first, Step::start_alone));
    CHECK_FALSE(pair.done(Node::second, Step::follow_peer));
    CHECK(pair.was_told(Node::second, two_servers::Message::database_foreign));
}

TEST_CASE("data whose version can not be read are neither replaced nor copied over") {
    if (!two_servers::can_run()) return;
    TwoServers pair;
    pair.make();
    for (const Node node : {Node::first, Node::second}) {
        std::filesystem::rename(pair.paths(node).data + "/PG_VERSION",
                                pair.paths(node).state + "/away");
    }
    const auto refused = init(pair, Node::first);
    CHECK_FALSE(refused.done);
    CHECK(contains(refused.said, "nobody can tell what is in"));
    std::filesystem::rename(pair.paths(Node::first).state + "/away",
                            pair.paths(Node::first).data + "/PG_VERSION");
    pair.open(Node::first);
    REQUIRE(pair.done(Node::first, Step::start_alone));
    pair.open(Node::second);
    CHECK(pair.data(Node::second).epoch == 0);
    CHECK_FALSE(pair.done(Node::second, Step::follow_peer));
    CHECK(contains(pair.told(Node::second), "nobody can tell what is in"));
    std::filesystem::rename(pair.paths(Node::second).state + "/away",
                            pair.paths(Node::second).data + "/PG_VERSION");
    REQUIRE(pair.take_in(Node::first, 2));
    CHECK_FALSE(pair.was_told(Node::second, two_servers::Message::database_copied));
}

TEST_CASE("a wrong password, and a secret that others may read, are said so") {
    if (!two_servers::can_run()) return;
    TwoServers pair;
    pair.make();
    pair.open(Node::first);
    REQUIRE(pair.done(Node::first, Step::start_alone));
    const std::string other = pair.configuration(Node::second).password_file + ".other";
    std::ofstream(other) << "another secret\n";
    ::chmod(other.c_str(), 0600);
    pair.configuration(Node::second).password_file = other;
    pair.open(Node::second);
    CHECK_FALSE(pair.done(Node::second, Step::follow_peer));
    CHECK(contains(pair.told(Node::second), "password authentication failed"));
    pair.close(Node::second);
    ::chmod(other.c_str(), 0644);
    pair.open(Node::second);
    CHECK_FALSE(pair.done(Node::second, Step::follow_peer));
    CHECK(contains(pair.told(Node::second), "chmod 600"));
    // Repaired, without starting anew.
    std::filesystem::copy_file(pair.configuration(Node::first).password_file, other,
                               std::filesystem::copy_options::overwrite_existing);
    ::chmod(other.c_str(), 0600);
    CHECK(pair.done(Node::second, Step::follow_peer));
}

TEST_CASE("the server ends with the one who looks after it") {
    if (!two_servers::can_run()) return;
    TwoServers pair;
    pair.make();
    const std::string data = pair.paths(Node::first).data;
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        pair.open(Node::first);
        static_cast<void>(pair.done(Node::first, Step::start_alone));
        for (;;)
            ::pause();
    }
    const bool ran =
        pair.until([&] { return pair.ask(Node::first, "SELECT NOT pg_is_in_recovery()") == "t"; });
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    REQUIRE(ran);
    CHECK(pair.until([&] { return agent::postgres::processes_in(data).empty(); }));
    pair.open(Node::first);
    CHECK(pair.data(Node::first).epoch == 1);
    CHECK_FALSE(pair.was_told(Node::first, two_servers::Message::database_found_running));
}
