#include "drive_iface/rmt/rmt_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <asio/io_context.hpp>
#include <chrono>
#include <string>

#include "test/support/catch.hpp"
#include "test/unit/rmt/memory_drives.hpp"

using namespace rmt_test;

namespace {

// A server on a free port; the loop runs while somebody waits.
struct Server {
    explicit Server(RmtServerOptions options = {}) {
        options.listen = "tcp:127.0.0.1:0";
        auto listening = RmtServer::listen(loop, options, drives,
                                           [this](const std::string& line) { log += line + "\n"; });
        REQUIRE(listening.ok());
        server = std::move(listening).value();
        const auto address = server->address();
        port = static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
    }

    asio::io_context loop;
    MemoryDrives drives;
    std::string log;
    std::unique_ptr<RmtServer> server;
    std::uint16_t port = 0;
};

struct Caller {
    explicit Caller(Server& called) : at(&called) {
        number = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(called.port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        REQUIRE(::connect(number, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
    }
    ~Caller() { hang_up(); }
    Caller(const Caller&) = delete;
    Caller& operator=(const Caller&) = delete;

    void say(std::string_view text) {
        REQUIRE(::send(number, text.data(), text.size(), MSG_NOSIGNAL) ==
                static_cast<ssize_t>(text.size()));
    }
    // What comes until it is as long as this, or the connection ends.
    std::string hear(std::size_t size) {
        std::string heard;
        const auto latest = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        while (heard.size() < size && std::chrono::steady_clock::now() < latest) {
            at->loop.run_for(std::chrono::milliseconds(1));
            char buffer[4096];
            const auto count = ::recv(number, buffer, sizeof(buffer), MSG_DONTWAIT);
            if (count == 0) return heard + "<end>";
            if (count > 0) heard.append(buffer, static_cast<std::size_t>(count));
        }
        return heard;
    }
    std::string ask(std::string_view text, std::string_view expected) {
        say(text);
        return hear(expected.size());
    }
    void hang_up() {
        if (number >= 0) ::close(number);
        number = -1;
    }

    Server* at;
    int number = -1;
};

#define CHECK_ANSWER(caller, said, expected) CHECK((caller).ask(said, expected) == (expected))

}  // namespace

TEST_CASE("a client writes and reads records over a socket") {
    Server server;
    Caller caller(server);
    CHECK_ANSWER(caller, "On0/VOL001L8\n2\n", "A0\n");
    CHECK_ANSWER(caller, "W5\nhello", "A5\n");
    CHECK_ANSWER(caller, "I6\n1\nR100\nR100\n", "A1\nA5\nhelloA0\n");
    CHECK(server.server->connections().at(0).device == "n0/VOL001L8");
    CHECK_ANSWER(caller, "C\n", "A0\n");
    CHECK(server.server->connections().at(0).device.empty());
}

TEST_CASE("a server with a token talks to nobody who does not say it first") {
    RmtServerOptions options;
    options.token = "correct-horse";
    Server server(options);
    Caller silent(server), wrong(server), right(server);
    CHECK(silent.ask("O0\n2\n", std::string(200, '.')).starts_with("F13\n"));
    CHECK(wrong.ask("lra-rmt 1 correct-hors operator\nO0\n2\n", std::string(200, '.'))
              .starts_with("F13\n"));
    CHECK_ANSWER(right, "lra-rmt 1 correct-horse operator\nO0\n2\n", "A0\n");
    CHECK(server.drives.opened_by == std::vector<std::string>{"rmt:operator"});
}

TEST_CASE("garbage ends the connection and nobody else's") {
    Server server;
    Caller bad(server), good(server);
    CHECK_ANSWER(good, "O0\n0\n", "A0\n");
    const auto heard = bad.ask("GET / HTTP/1.1\n\n", std::string(200, '.'));
    CHECK(heard.starts_with("F22\n"));
    CHECK(heard.ends_with("<end>"));
    CHECK_ANSWER(good, "C\n", "A0\n");
}

TEST_CASE(
    "why a tape could not be opened is in the log: clients print the name of the error only") {
    Server server;
    Caller caller(server);
    CHECK(caller.ask("O7/VOL001L8\n2\n", "E19\nxx").starts_with("E19\n"));
    CHECK_THAT(server.log, ContainsSubstring("(connection 1): 7/VOL001L8 could not be opened: "));
    server.log.clear();
    CHECK_ANSWER(caller, "O0/VOL001L8\n2\n", "A0\n");
    CHECK(server.log.empty());
}

TEST_CASE("one client too many is told so") {
    RmtServerOptions options;
    options.connections_max = 1;
    Server server(options);
    Caller first(server);
    CHECK_ANSWER(first, "v\n", "A1\n");
    Caller second(server);
    CHECK(second.hear(200).starts_with("F11\n"));
    first.hang_up();
    while (!server.server->connections().empty())
        server.loop.run_for(std::chrono::milliseconds(1));
    Caller third(server);
    CHECK_ANSWER(third, "v\n", "A1\n");
}

TEST_CASE("a client that says nothing is disconnected and its tape closed") {
    RmtServerOptions options;
    options.idle_after = {50};
    Server server(options);
    Caller caller(server);
    CHECK_ANSWER(caller, "On0\n1\nW1\na", "A0\nA1\n");
    CHECK(caller.hear(1) == "<end>");
    CHECK(server.drives.medium().objects().size() == 2);
    CHECK(server.drives.open_count == 0);
}
