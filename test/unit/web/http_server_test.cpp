// Over real sockets: what browsers, scripts and whoever means ill send.

#include "drive_iface/web/http_server.hpp"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>

#include "drive_iface/web/web_server.hpp"
#include "test/support/catch.hpp"
#include "test/unit/web/memory_library.hpp"

using namespace web_test;
using namespace std::chrono_literals;
using web::HttpServerOptions;

namespace {

class Client {
  public:
    explicit Client(std::uint16_t port, int receive_buffer = 0)
        : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
        if (receive_buffer != 0) {
            ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer));
        }
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const void* view = &address;
        REQUIRE(::connect(socket_, static_cast<const sockaddr*>(view), sizeof(address)) == 0);
    }
    ~Client() { ::close(socket_); }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    void send(const std::string& text) const {
        ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
    }
    // What comes until `end`, the end of the connection, or ten seconds.
    std::string receive(const std::string& end = {}) {
        std::string all;
        while (end.empty() || all.find(end) == std::string::npos) {
            pollfd waiting{.fd = socket_, .events = POLLIN, .revents = 0};
            if (::poll(&waiting, 1, 10'000) <= 0) {
                FAIL("nothing came, and the connection is open; so far: " << all);
            }
            std::string piece(65'536, '\0');
            const auto got = ::recv(socket_, piece.data(), piece.size(), 0);
            if (got <= 0) break;
            all.append(piece, 0, static_cast<std::size_t>(got));
        }
        return all;
    }
    std::string ask(const std::string& request) {
        send(request);
        return receive();
    }

  private:
    int socket_;
};

class Served {
  public:
    explicit Served(HttpServerOptions http = {}) {
        http.listen = {"127.0.0.1", 0};
        library.tracking.add(1, SessionState::complete, {"abc", "", "de"});
        library.snapshots.add(snapshots::Cause::completion);
        server = library.call([&] {
            auto made = web::WebServer::listen(library.loop, {.http = http}, library.shown());
            REQUIRE(made.ok());
            return std::move(made).value();
        });
    }
    ~Served() {
        library.call([this] {
            server.reset();
            return 0;
        });
    }
    std::uint16_t port() const { return server->address().port; }
    web::HttpServerCounters counters() {
        return library.call([this] { return server->counters(); });
    }
    std::string ask(const std::string& request) const { return Client(port()).ask(request); }
    std::string get(const std::string& path) const {
        return ask("GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    }

    MemoryLibrary library;
    std::unique_ptr<web::WebServer> server;
};

bool begins(const std::string& answer, const std::string& with) {
    return answer.starts_with(with);
}

std::string body_of(const std::string& answer) {
    return answer.substr(answer.find("\r\n\r\n") + 4);
}

}  // namespace

TEST_CASE("every answer carries the headers that defend it") {
    Served served;
    for (const auto* path :
         {"/", "/page.js", "/api/live", "/nothing", "/api/sessions/1/data.tap"}) {
        INFO(path);
        const auto answer = served.get(path);
        for (const auto* header :
             {"\r\nContent-Security-Policy: default-src 'none'; script-src 'self'; ",
              "\r\nX-Content-Type-Options: nosniff\r\n", "\r\nCache-Control: no-store\r\n",
              "\r\nReferrer-Policy: no-referrer\r\n", "\r\nX-Frame-Options: DENY\r\n",
              "\r\nCross-Origin-Resource-Policy: same-origin\r\n"}) {
            INFO(answer);
            CHECK(answer.find(header) != std::string::npos);
        }
        CHECK(answer.find("Access-Control") == std::string::npos);
        CHECK(answer.find("Keep-Alive") == std::string::npos);
    }
}

TEST_CASE("a connection serves several requests, also when they come at once") {
    Served served;
    Client client(served.port());
    const std::string request = "GET /favicon.svg HTTP/1.1\r\nHost: localhost\r\n\r\n";
    client.send(request);
    CHECK(begins(client.receive("</svg>"), "HTTP/1.1 200 OK\r\n"));
    client.send(request + request);
    auto both = client.receive("</svg>");
    if (both.find("</svg>") == both.rfind("</svg>")) both += client.receive("</svg>");
    CHECK(both.find("</svg>") != both.rfind("</svg>"));
    client.send("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    CHECK(client.receive().find("\r\nConnection: close\r\n") != std::string::npos);
    CHECK(served.counters().requests == 4);
    CHECK(served.counters().connections == 1);
}

TEST_CASE("a request that comes byte by byte is understood") {
    Served served;
    Client client(served.port());
    const std::string request =
        "GET /api/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    for (const char c : request)
        client.send(std::string(1, c));
    CHECK(begins(client.receive(), "HTTP/1.1 200 OK\r\n"));
}

TEST_CASE("HEAD has the headers of GET and no body") {
    Served served;
    const auto answer =
        served.ask("HEAD /api/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    CHECK(begins(answer, "HTTP/1.1 200 OK\r\n"));
    CHECK(answer.find("\r\nContent-Length: ") != std::string::npos);
    CHECK(body_of(answer).empty());
    const auto data = served.ask(
        "HEAD /api/sessions/1/data.bin HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    CHECK(data.find("\r\nContent-Length: 5\r\n") != std::string::npos);
    CHECK(body_of(data).empty());
}

TEST_CASE("downloads arrive byte by byte, with a name") {
    Served served;
    const auto joined = served.get("/api/snapshots/1/sessions/1/data.bin");
    CHECK(joined.find("\r\nContent-Disposition: attachment; "
                      "filename=\"snapshot-1-session-1.bin\"\r\n") != std::string::npos);
    CHECK(joined.find("\r\nContent-Length: 5\r\n") != std::string::npos);
    CHECK(joined.find("\r\nContent-Type: application/octet-stream\r\n") != std::string::npos);
    CHECK(body_of(joined) == "abcde");
    const auto tap = body_of(served.get("/api/sessions/1/data.tap"));
    // One chunk of 30 bytes, and the end.
    CHECK(tap.starts_with("1e\r\n"));
    CHECK(tap.ends_with("\xff\xff\xff\xff\r\n0\r\n\r\n"));
}

TEST_CASE("only GET and HEAD are allowed, whatever is asked with them") {
    Served served;
    for (const std::string method :
         {"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"}) {
        INFO(method);
        const auto answer = served.ask(method +
                                       " /api/snapshots/1 HTTP/1.1\r\nHost: localhost\r\n"
                                       "Content-Length: 5\r\n\r\nhello");
        CHECK(begins(answer, "HTTP/1.1 405 "));
        CHECK(answer.find("\r\nAllow: GET, HEAD\r\n") != std::string::npos);
        CHECK(answer.find("\r\nConnection: close\r\n") != std::string::npos);
    }
    CHECK(served.counters().requests_wrong == 7);
}

TEST_CASE("a body behind GET is not taken for the next request") {
    Served served;
    const auto answer = served.ask(
        "GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60\r\n\r\n"
        "GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n");
    CHECK(begins(answer, "HTTP/1.1 200 "));
    CHECK(answer.find("404") == std::string::npos);
    CHECK(served.counters().requests == 1);
}

TEST_CASE("names of elsewhere are refused, and heads without a name") {
    Served served;
    CHECK(begins(served.ask("GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"),
                 "HTTP/1.1 403 "));
    CHECK(begins(served.ask("GET / HTTP/1.1\r\n\r\n"), "HTTP/1.1 400 "));
}

TEST_CASE("what is no HTTP, or too much of it, is answered and closed") {
    Served served;
    CHECK(begins(served.ask("\x16\x03\x01 hello\r\n\r\n"), "HTTP/1.1 400 "));
    CHECK(begins(served.ask("\r\n\r\n"), "HTTP/1.1 400 "));
    CHECK(begins(
        served.ask("GET /" + std::string(3000, 'a') + " HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        "HTTP/1.1 414 "));
    CHECK(begins(served.ask("GET / HTTP/1.1\r\nHost: localhost\r\nA: " + std::string(9000, 'a') +
                            "\r\n\r\n"),
                 "HTTP/1.1 431 "));
    // Without a line end.
    CHECK(begins(served.ask(std::string(100'000, 'a')), "HTTP/1.1 431 "));
    CHECK(begins(served.ask("GET /%00%2e%2e/%ff?%=%&&=x HTTP/1.1\r\nHost: localhost\r\n"
                            "Connection: close\r\n\r\n"),
                 "HTTP/1.1 404 "));
    // Headers that the HTTP library would look into.
    std::string ranges = "Range: bytes=0-0";
    for (int i = 0; i < 900; ++i)
        ranges += ",0-0";
    CHECK(begins(served.ask("GET /page.js HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" +
                            ranges + "\r\nExpect: 100-continue\r\n\r\n"),
                 "HTTP/1.1 200 "));
    CHECK(begins(served.get("/api/live"), "HTTP/1.1 200 "));
}

TEST_CASE("who does not end his request is cut off, and who asks nothing too") {
    Served served({.head_within = 30ms, .idle_after = 50ms});
    Client slow(served.port());
    slow.send("GET / HT");
    CHECK(slow.receive().empty());
    Client silent(served.port());
    CHECK(silent.receive().empty());
    CHECK(served.counters().timeouts == 1);
}

TEST_CASE("one connection too many is told so, and a place that is free again is given") {
    Served served({.connections_max = 2});
    auto one = std::make_unique<Client>(served.port());
    Client two(served.port());
    two.send("GET /favicon.svg HTTP/1.1\r\nHost: localhost\r\n\r\n");
    two.receive("</svg>");
    CHECK(begins(Client(served.port()).receive(), "HTTP/1.1 503 "));
    one.reset();
    while (served.library.call([&] { return served.server->connections(); }) > 1)
        std::this_thread::yield();
    CHECK(begins(served.get("/api/live"), "HTTP/1.1 200 "));
    CHECK(served.counters().connections_refused == 1);
}

TEST_CASE("a user who is not listed is turned away before anything is read") {
    Served served({.users = {::getuid() + 1}});
    CHECK(begins(Client(served.port()).receive(), "HTTP/1.1 403 "));
    CHECK(served.counters().strangers_refused == 1);
    CHECK(served.counters().requests == 0);
    Served open({.users = {::getuid()}});
    CHECK(begins(open.get("/api/live"), "HTTP/1.1 200 "));
}

TEST_CASE("a slow reader holds up neither the library nor others, and is cut off") {
    Served served({.workers = 2, .piece_within = 100ms});
    served.library.call([&] {
        served.library.tracking.add(2, SessionState::complete,
                                    std::vector<std::string>(40, std::string(1'000'000, 'x')));
        return 0;
    });
    Client slow(served.port(), 4096);
    slow.send("GET /api/sessions/2/data.bin HTTP/1.1\r\nHost: localhost\r\n\r\n");
    CHECK(begins(slow.receive("\r\n\r\n"), "HTTP/1.1 200 "));
    CHECK(begins(served.get("/api/live"), "HTTP/1.1 200 "));
    while (served.library.call([&] { return served.server->connections(); }) > 0)
        std::this_thread::yield();
    CHECK(slow.receive().size() < 40'000'000);
}

TEST_CASE("an idle browser costs no worker") {
    Served served({.workers = 1});
    std::vector<std::unique_ptr<Client>> idle;
    for (int i = 0; i < 10; ++i)
        idle.push_back(std::make_unique<Client>(served.port()));
    CHECK(begins(served.get("/api/live"), "HTTP/1.1 200 "));
}

TEST_CASE("the end waits neither for readers nor for data that does not come") {
    auto served = std::make_unique<Served>();
    served->library.call([&] {
        served->library.tracking.add(2, SessionState::complete,
                                     std::vector<std::string>(40, std::string(1'000'000, 'x')));
        served->library.tracking.open_late = 0;
        return 0;
    });
    Client reader(served->port(), 4096);
    reader.send("GET /api/sessions/2/data.bin HTTP/1.1\r\nHost: localhost\r\n\r\n");
    reader.receive("\r\n\r\n");
    served->library.call([&] {
        served->library.tracking.open_late = SIZE_MAX;
        return 0;
    });
    Client waiting(served->port());
    waiting.send("GET /api/sessions/1/records/0 HTTP/1.1\r\nHost: localhost\r\n\r\n");
    while (served->counters().requests < 2)
        std::this_thread::yield();
    const auto began = std::chrono::steady_clock::now();
    const auto port = served->port();
    served->library.call([&] {
        served->server->stop();
        return 0;
    });
    CHECK(std::chrono::steady_clock::now() - began < 2s);
    CHECK(served->server->address().port == port);
    served.reset();
    reader.receive();
    waiting.receive();
}

TEST_CASE("an address that somebody else has is named") {
    Served served;
    const auto second = served.library.call([&] {
        web::WebServerOptions options;
        options.http.listen = {"127.0.0.1", served.port()};
        auto made = web::WebServer::listen(served.library.loop, options, served.library.shown());
        return made.ok() ? std::string() : made.error().message;
    });
    CHECK(second.find("127.0.0.1:" + std::to_string(served.port())) != std::string::npos);
    CHECK(second.find("in use") != std::string::npos);
}
