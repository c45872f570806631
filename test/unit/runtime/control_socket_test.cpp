#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <cstring>
#include <future>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "agent/runtime/control_client.hpp"
#include "agent/runtime/control_server.hpp"
#include "agent/runtime/descriptor.hpp"
#include "temporary_folder.hpp"
#include "test/support/catch.hpp"

using namespace agent::runtime;
using agent::core::Duration;
using nlohmann::json;

namespace {

constexpr Duration patience{10'000};

// A daemon with a control socket, on a thread of its own; the test is the client.
class Daemon {
  public:
    explicit Daemon(ControlServerOptions options = {})
        : work_(asio::make_work_guard(loop)), pause_(loop) {
        options.path = folder.file("control.sock");
        server.emplace(loop, options);
        server->on("echo.params",
                   [](const json& params, const Caller&) -> ControlAnswer { return params; });
        server->on("caller.show", [](const json&, const Caller& caller) -> ControlAnswer {
            return json{{"uid", caller.uid}, {"pid", caller.pid}, {"text", to_text(caller)}};
        });
        server->on("drive.offline", [](const json& params, const Caller&) -> ControlAnswer {
            const auto serial = text_parameter(params, "serial");
            if (!serial.ok())
                return ControlError{ControlErrorCode::invalid_params, serial.error().message};
            return ControlError{ControlErrorCode::state_differs,
                                "drive " + *serial + " is offline already"};
        });
        server->on("bad.handler", [](const json& params, const Caller&) -> ControlAnswer {
            return params.at("missing");
        });
        server->on("big.answer", [](const json& params, const Caller&) -> ControlAnswer {
            return json(std::string(params.value("bytes", std::size_t{0}), 'x'));
        });
        server->on_async("slow.answer",
                         [this](const json&, const Caller&, ControlServer::Answerer answer) {
                             pause_.expires_after(std::chrono::milliseconds(20));
                             pause_.async_wait([answer](const std::error_code&) {
                                 answer(json("late"));
                                 answer(json("twice"));
                             });
                         });
        listening = server->listen().ok();
        thread_ = std::thread([this] { loop.run(); });
    }
    ~Daemon() {
        on_loop([this] {
            server.reset();
            work_.reset();
        });
        thread_.join();
    }

    // Runs `body` on the daemon's thread and waits for it.
    void on_loop(const std::function<void()>& body) {
        std::promise<void> done;
        asio::post(loop, [&] {
            body();
            done.set_value();
        });
        done.get_future().wait();
    }

    [[nodiscard]] ControlClient client() const {
        auto connected = ControlClient::connect(folder.file("control.sock"), patience);
        REQUIRE(connected.ok());
        return std::move(connected).value();
    }

    TemporaryFolder folder;
    asio::io_context loop;
    std::optional<ControlServer> server;
    bool listening = false;

  private:
    asio::executor_work_guard<asio::io_context::executor_type> work_;
    asio::steady_timer pause_;
    std::thread thread_;
};

ControlError error_in(const ControlAnswer& answer) {
    REQUIRE(std::holds_alternative<ControlError>(answer));
    return std::get<ControlError>(answer);
}

json result_in(const ControlAnswer& answer) {
    if (const auto* error = std::get_if<ControlError>(&answer)) FAIL(error->message);
    return std::get<json>(answer);
}

Descriptor raw_connection(const std::string& path) {
    Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    REQUIRE(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) ==
            0);
    return socket;
}

void say(const Descriptor& socket, const std::string& text) {
    std::size_t sent = 0;
    while (sent < text.size()) {
        const ssize_t count =
            ::send(socket.get(), text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
        if (count <= 0) return;
        sent += static_cast<std::size_t>(count);
    }
}

// Everything until the other end closes.
std::string heard_until_closed(const Descriptor& socket) {
    std::string text;
    std::array<char, 65'536> chunk{};
    while (true) {
        const ssize_t count = ::recv(socket.get(), chunk.data(), chunk.size(), 0);
        if (count <= 0) return text;
        text.append(chunk.data(), static_cast<std::size_t>(count));
    }
}

// A process of user 65534 in 3,000 groups, and in `wanted` too if it is to be a member. It is there
// before any thread is.
class GroupMember {
  public:
    GroupMember(gid_t wanted, bool member) {
        REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends_.data()) == 0);
        pid_ = ::fork();
        REQUIRE(pid_ >= 0);
        if (pid_ == 0) ask(wanted, member);
    }
    ~GroupMember() {
        ::close(ends_[0]);
        ::close(ends_[1]);
        ::waitpid(pid_, nullptr, 0);
    }
    GroupMember(const GroupMember&) = delete;
    GroupMember& operator=(const GroupMember&) = delete;

    // What the daemon on the socket tells it.
    std::string heard_from(const std::string& socket) {
        ::send(ends_[0], socket.data(), socket.size(), MSG_NOSIGNAL);
        std::array<char, 4096> answer{};
        const ssize_t count = ::recv(ends_[0], answer.data(), answer.size(), 0);
        return {answer.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0))};
    }

  private:
    [[noreturn]] void ask(gid_t wanted, bool member) {
        ::close(ends_[0]);
        std::vector<gid_t> groups(member ? 1 : 0, wanted);
        while (groups.size() < 3'000)
            groups.push_back(100'000 + static_cast<gid_t>(groups.size()));
        const bool good = ::setgroups(groups.size(), groups.data()) == 0 &&
                          ::setresgid(65'534, 65'534, 65'534) == 0 &&
                          ::setresuid(65'534, 65'534, 65'534) == 0;
        std::array<char, 4096> text{};
        const ssize_t count = ::recv(ends_[1], text.data(), text.size(), 0);
        if (!good || count <= 0) ::_exit(1);
        const std::string path(text.data(), static_cast<std::size_t>(count));
        std::string heard = "not connected";
        if (auto connected = ControlClient::connect(path, patience)) {
            const auto answer = connected.value().call("caller.show", json::object(), patience);
            const auto* error = std::get_if<ControlError>(&answer);
            heard = error != nullptr ? error->message : std::get<json>(answer).dump();
        }
        ::send(ends_[1], heard.data(), heard.size(), MSG_NOSIGNAL);
        ::_exit(0);
    }

    std::array<int, 2> ends_{};
    pid_t pid_ = -1;
};

}  // namespace

TEST_CASE("a request on the control socket is answered") {
    const Daemon daemon;
    REQUIRE(daemon.listening);
    ControlClient client = daemon.client();
    CHECK(result_in(client.call("echo.params", {{"a", {1, "zwei"}}}, patience)) ==
          json{{"a", {1, "zwei"}}});
    CHECK(result_in(client.call("slow.answer", json::object(), patience)) == "late");
    CHECK(result_in(client.call("echo.params", json::object(), patience)) == json::object());
    CHECK(result_in(client.call("big.answer", {{"bytes", 3'000'000}}, patience))
              .get<std::string>()
              .size() == 3'000'000);
}

TEST_CASE("a handler knows who asks from the kernel") {
    const Daemon daemon;
    ControlClient client = daemon.client();
    const json caller = result_in(client.call("caller.show", json::object(), patience));
    CHECK(caller["uid"] == ::getuid());
    CHECK(caller["pid"] == ::getpid());
    CHECK_THAT(caller["text"].get<std::string>(),
               ContainsSubstring("(uid " + std::to_string(::getuid())));
}

TEST_CASE("each kind of failure comes back with its code") {
    using enum ControlErrorCode;
    const Daemon daemon;
    ControlClient client = daemon.client();
    CHECK(error_in(client.call("no.such", json::object(), patience)).code == method_not_found);
    CHECK(error_in(client.call("nonsense", json::object(), patience)).code == invalid_request);
    CHECK(error_in(client.call("drive.offline", json::object(), patience)).code == invalid_params);
    CHECK(error_in(client.call("drive.offline", {{"serial", "VT1"}}, patience)) ==
          ControlError{state_differs, "drive VT1 is offline already"});
    CHECK(error_in(client.call("bad.handler", json::object(), patience)).code == invalid_params);
    CHECK(error_in(client.call("big.answer", {{"bytes", 17'000'000}}, patience)).code == failed);
    CHECK(result_in(client.call("echo.params", json::object(), patience)) == json::object());
}

TEST_CASE(
    "an answer that does not come in time is an error, and the next call gets its own answer") {
    const Daemon daemon;
    ControlClient client = daemon.client();
    CHECK(error_in(client.call("slow.answer", json::object(), Duration{1})).code ==
          ControlErrorCode::busy);
    CHECK(result_in(client.call("echo.params", {{"n", 2}}, patience)) == json{{"n", 2}});
}

TEST_CASE("events reach those who follow, in order, and nobody else") {
    Daemon daemon;
    ControlClient follower = daemon.client();
    ControlClient other = daemon.client();
    CHECK(result_in(follower.call("event.follow", json::object(), patience)) ==
          json{{"following", true}});
    result_in(other.call("echo.params", json::object(), patience));
    daemon.on_loop([&] {
        for (int i = 0; i < 3; ++i)
            daemon.server->publish_event({{"number", i}});
    });
    CHECK(result_in(follower.call("echo.params", {{"between", true}}, patience)) ==
          json{{"between", true}});
    for (int i = 0; i < 3; ++i)
        CHECK(result_in(follower.next_event(patience))["number"] == i);
    CHECK(error_in(follower.next_event(Duration{1})).code == ControlErrorCode::busy);
    CHECK(error_in(other.next_event(Duration{1})).code == ControlErrorCode::busy);
}

TEST_CASE("bad lines are answered one by one and the connection stays") {
    const Daemon daemon;
    const Descriptor socket = raw_connection(daemon.folder.file("control.sock"));
    say(socket,
        "nonsense\n\n{}\n{\"jsonrpc\":\"2.0\",\"method\":\"echo.params\"}\n"
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo.params\",\"params\":{}}\n");
    ::shutdown(socket.get(), SHUT_WR);
    const std::string text = heard_until_closed(socket);
    CHECK(text ==
          "{\"error\":{\"code\":-32700,\"message\":\"the line is not "
          "JSON\"},\"id\":null,\"jsonrpc\":\"2.0\"}\n"
          "{\"error\":{\"code\":-32600,\"message\":\"\\\"jsonrpc\\\" must be "
          "\\\"2.0\\\"\"},\"id\":null,\"jsonrpc\":\"2.0\"}\n"
          "{\"id\":1,\"jsonrpc\":\"2.0\",\"result\":{}}\n");
}

TEST_CASE("a line of more than 64 KiB ends the connection, and others do not notice") {
    const Daemon daemon;
    ControlClient other = daemon.client();
    const Descriptor socket = raw_connection(daemon.folder.file("control.sock"));
    say(socket, std::string(200'000, 'x'));
    CHECK_THAT(heard_until_closed(socket), ContainsSubstring("longer than 64 KiB"));
    CHECK(result_in(other.call("echo.params", json::object(), patience)) == json::object());
}

TEST_CASE("a client that asks and never reads is dropped when its queue is full") {
    ControlServerOptions options;
    options.queue_bytes_max = 1'000'000;
    Daemon daemon(options);
    const Descriptor socket = raw_connection(daemon.folder.file("control.sock"));
    for (int i = 0; i < 40; ++i) {
        say(socket,
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"big.answer\",\"params\":{\"bytes\":100000}}"
            "\n");
    }
    ControlClient other = daemon.client();
    std::size_t clients = 2;
    for (int i = 0; i < 1'000 && clients > 1; ++i) {
        result_in(other.call("slow.answer", json::object(), patience));
        daemon.on_loop([&] { clients = daemon.server->client_count(); });
    }
    CHECK(clients == 1);
}

TEST_CASE("more clients than allowed are told so") {
    ControlServerOptions options;
    options.clients_max = 2;
    const Daemon daemon(options);
    ControlClient first = daemon.client();
    ControlClient second = daemon.client();
    result_in(first.call("echo.params", json::object(), patience));
    result_in(second.call("echo.params", json::object(), patience));
    ControlClient third = daemon.client();
    CHECK(error_in(third.call("echo.params", json::object(), patience)).code ==
          ControlErrorCode::busy);
    CHECK(result_in(first.call("echo.params", json::object(), patience)) == json::object());
}

TEST_CASE("a process of the socket's group is served, in however many other groups it is") {
    if (::geteuid() != 0) return;  // only root can give a process groups
    ControlServerOptions options;
    ::setgrent();
    for (const group* one = ::getgrent(); one != nullptr; one = ::getgrent())
        if (one->gr_gid != 0 && one->gr_gid != 65'534) options.group = one->gr_name;
    ::endgrent();
    const gid_t its_own = ::getgrnam(options.group.c_str())->gr_gid;
    const bool member = GENERATE(true, false);
    INFO(options.group << " " << member);
    GroupMember process(its_own, member);
    const Daemon daemon(options);
    REQUIRE(::chmod(daemon.folder.file("").c_str(), 0755) == 0);
    REQUIRE(::chmod(daemon.folder.file("control.sock").c_str(), 0666) == 0);
    const std::string answer = process.heard_from(daemon.folder.file("control.sock"));
    CHECK_THAT(answer, ContainsSubstring(member ? "(uid 65534"
                                                : "is not a member of group " + options.group));
}

TEST_CASE("the socket has mode 0660 and goes with its daemon") {
    TemporaryFolder folder;
    asio::io_context loop;
    const std::string path = folder.file("s");
    {
        ControlServer server(loop, {path});
        REQUIRE(server.listen().ok());
        struct stat status {};
        REQUIRE(::stat(path.c_str(), &status) == 0);
        CHECK((status.st_mode & 07777) == 0660);
    }
    CHECK(::access(path.c_str(), F_OK) != 0);
}

TEST_CASE("a dead process's socket is replaced, a living one's is not") {
    TemporaryFolder folder;
    asio::io_context loop;
    const std::string path = folder.file("s");
    {
        const Descriptor dead(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, path.data(), path.size());
        REQUIRE(::bind(dead.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) ==
                0);
    }
    ControlServer first(loop, {path});
    CHECK(first.listen().ok());
    ControlServer second(loop, {path});
    CHECK_THAT(second.listen().error().message, ContainsSubstring("another process answers on it"));
}

TEST_CASE("a socket path that can not be used is refused with the reason") {
    TemporaryFolder folder;
    asio::io_context loop;
    ControlServer in_the_way(loop, {folder.write("file", "precious")});
    CHECK_THAT(in_the_way.listen().error().message, ContainsSubstring("not a socket"));
    CHECK(::access(folder.file("file").c_str(), F_OK) == 0);
    ControlServer nowhere(loop, {folder.file("no/such/folder/s")});
    CHECK_THAT(nowhere.listen().error().message, ContainsSubstring("folder exists"));
    ControlServer too_long(loop, {folder.file(std::string(120, 'x'))});
    CHECK_THAT(too_long.listen().error().message, ContainsSubstring("107 bytes"));
}

TEST_CASE("a client without a daemon is told what to do") {
    TemporaryFolder folder;
    const auto missing = ControlClient::connect(folder.file("none"), patience);
    CHECK_THAT(missing.error().message, ContainsSubstring("is the daemon running"));
    CHECK_FALSE(ControlClient::connect("", patience).ok());
    CHECK_FALSE(ControlClient::connect(std::string(200, 'x'), patience).ok());
}

TEST_CASE("a daemon that goes away in a call is an error of the call") {
    std::optional<ControlClient> client;
    {
        const Daemon daemon;
        client.emplace(daemon.client());
        result_in(client->call("echo.params", json::object(), patience));
    }
    CHECK(error_in(client->call("echo.params", json::object(), patience)).code ==
          ControlErrorCode::no_connection);
}
