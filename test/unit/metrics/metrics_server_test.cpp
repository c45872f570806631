#include "agent/metrics/metrics_server.hpp"

#include <future>
#include <thread>

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/post.hpp>
#include <asio/read.hpp>
#include <asio/read_until.hpp>
#include <asio/write.hpp>

#include "test/support/catch.hpp"

using agent::metrics::MetricsServer;
using Catch::Matchers::EndsWith;
using Catch::Matchers::StartsWith;

namespace {

// A daemon's loop on a thread of its own, with a metrics server on any free port.
struct Served {
    explicit Served(std::optional<std::string> trouble = std::nullopt) {
        agent::runtime::MetricsConfiguration configuration;
        configuration.listen = agent::runtime::address_from_text("tcp:127.0.0.1:0");
        auto opened = MetricsServer::open(loop, configuration,
                                          {[] { return std::string("lra_test 1\n"); },
                                           [this, trouble] {
                                               if (hang_when_asked.valid()) hang_when_asked.wait();
                                               return trouble;
                                           }});
        REQUIRE(opened.ok());
        server = std::move(opened).value();
        runner = std::thread([this] { loop.run(); });
    }
    ~Served() {
        asio::post(loop, [this] {
            server.reset();
            work.reset();
        });
        runner.join();
    }
    // All of it; or only its head, which a worker sends without the loop.
    std::string get(const std::string& path, bool head_only = false) const {
        asio::io_context own;
        asio::ip::tcp::socket socket(own);
        socket.connect({asio::ip::address_v4::loopback(), server->port()});
        asio::write(socket, asio::buffer("GET " + path +
                                         " HTTP/1.1\r\nHost: monitor.example:9469\r\n"
                                         "Connection: close\r\n\r\n"));
        std::string answer;
        asio::error_code end;
        if (head_only) {
            asio::read_until(socket, asio::dynamic_buffer(answer), "\r\n\r\n");
            return answer;
        }
        asio::read(socket, asio::dynamic_buffer(answer), end);
        return answer;
    }
    std::future<void> hang_when_asked;  // what the loop waits for when health is asked
    asio::io_context loop;
    asio::executor_work_guard<asio::io_context::executor_type> work{loop.get_executor()};
    std::unique_ptr<MetricsServer> server;
    std::thread runner;
};

}  // namespace

TEST_CASE("metrics may be served to another machine: that is where monitoring is") {
    asio::io_context loop;
    agent::runtime::MetricsConfiguration configuration;
    configuration.listen = agent::runtime::address_from_text("tcp:[2001:db8::1]:0");
    const auto opened = MetricsServer::open(
        loop, configuration, {[] { return std::string(); }, [] { return std::nullopt; }});
    REQUIRE_FALSE(opened.ok());  // this machine does not have the address
    CHECK_THAT(opened.error().message, ContainsSubstring("can not listen on"));
}

TEST_CASE("metrics are answered as Prometheus reads them, whatever name the host has") {
    const Served served;
    const std::string answer = served.get("/metrics");
    CHECK_THAT(answer, StartsWith("HTTP/1.1 200"));
    CHECK_THAT(answer, ContainsSubstring("text/plain; version=0.0.4"));
    CHECK_THAT(answer, EndsWith("lra_test 1\n"));
    CHECK_THAT(served.get("/nothing"), StartsWith("HTTP/1.1 404"));
}

TEST_CASE("health is 200 as long as the loop answers and nothing is wrong") {
    CHECK_THAT(Served().get("/healthz"), EndsWith("ok\n"));
    const std::string ill = Served("the disk is full").get("/healthz");
    CHECK_THAT(ill, StartsWith("HTTP/1.1 503"));
    CHECK_THAT(ill, EndsWith("the disk is full\n"));
}

TEST_CASE("a loop that hangs is not healthy") {
    Served served;
    std::promise<void> go_on;
    served.hang_when_asked = go_on.get_future();
    CHECK_THAT(served.get("/healthz", true), StartsWith("HTTP/1.1 503"));
    go_on.set_value();
}

TEST_CASE("a port by default that another daemon has is no error, one that was given is") {
    const Served first;
    asio::io_context loop;
    agent::runtime::MetricsConfiguration second;
    second.listen =
        agent::runtime::address_from_text("tcp:127.0.0.1:" + std::to_string(first.server->port()));
    const MetricsServer::Source nothing{[] { return std::string(); },
                                        []() -> std::optional<std::string> { return {}; }};
    const auto refused = MetricsServer::open(loop, second, nothing);
    REQUIRE_FALSE(refused.ok());
    CHECK_THAT(refused.error().message, StartsWith("metrics.listen"));
    second.by_default = true;
    const auto without = MetricsServer::open(loop, second, nothing);
    REQUIRE(without.ok());
    CHECK(without.value() == nullptr);
    CHECK(MetricsServer::open(loop, {}, nothing).value() == nullptr);
}
