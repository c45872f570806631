#include "test/integration/lractl/scripted_daemon.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <cstring>

#include "agent/runtime/descriptor.hpp"
#include "agent/shell/command_table.hpp"
#include "test/support/catch.hpp"

namespace runtime = agent::runtime;
using nlohmann::json;

TemporaryFolder::TemporaryFolder() {
    std::string name = std::filesystem::temp_directory_path() / "lractl-XXXXXX";
    path = ::mkdtemp(name.data());
}

TemporaryFolder::~TemporaryFolder() {
    std::filesystem::remove_all(path);
}

class ScriptedDaemon::Loop {
  public:
    Loop(const std::string& socket, std::map<std::string, runtime::ControlAnswer> answers,
         std::optional<HeldAnswer> held)
        : server(context, {.path = socket}), answers_(std::move(answers)), held_(std::move(held)) {
        for (const agent::shell::Command& command : agent::shell::commands()) {
            const std::string method = agent::shell::method_of(command);
            if (held_ && method == held_->method) {
                hold(method);
            } else if (method != "event.follow") {
                add(method);
            }
        }
    }

    void hold(const std::string& method) {
        server.on_async(method, [this](const json&, const runtime::Caller&,
                                       runtime::ControlServer::Answerer answer) {
            waiting_.push_back(std::move(answer));
        });
    }

    void give_what_was_held() {
        for (const auto& answer : std::exchange(waiting_, {}))
            answer(held_->answer);
    }

    void add(const std::string& method) {
        server.on(method, [this, method](const json& params, const runtime::Caller&) {
            if (held_ && method == held_->until) give_what_was_held();
            const auto answer = answers_.find(method);
            if (answer != answers_.end()) return answer->second;
            return runtime::ControlAnswer{json{{"method", method}, {"params", params}}};
        });
    }

    void publish_again(const json& event) {
        server.publish_event(event);
        timer.expires_after(std::chrono::milliseconds(20));
        timer.async_wait([this, event](const asio::error_code& error) {
            if (!error) publish_again(event);
        });
    }

    asio::io_context context;
    runtime::ControlServer server;
    asio::steady_timer timer{context};

  private:
    std::map<std::string, runtime::ControlAnswer> answers_;
    std::optional<HeldAnswer> held_;
    std::vector<runtime::ControlServer::Answerer> waiting_;
};

ScriptedDaemon::ScriptedDaemon(const std::string& socket,
                               std::map<std::string, runtime::ControlAnswer> answers,
                               std::optional<HeldAnswer> held)
    : loop_(std::make_unique<Loop>(socket, std::move(answers), std::move(held))) {
    const auto listening = loop_->server.listen();
    INFO((listening ? "" : listening.error().message));
    REQUIRE(listening.ok());
    thread_ = std::thread([this] {
        const auto work = asio::make_work_guard(loop_->context);
        loop_->context.run();
    });
}

ScriptedDaemon::~ScriptedDaemon() {
    loop_->context.stop();
    thread_.join();
}

void ScriptedDaemon::publish(const json& event) {
    asio::post(loop_->context, [this, event] { loop_->publish_again(event); });
}

namespace {

int listening_socket(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    REQUIRE(::bind(listener, generic, sizeof address) == 0);
    REQUIRE(::listen(listener, 4) == 0);
    return listener;
}

}  // namespace

SilentDaemon::SilentDaemon(const std::string& socket) : listener_(listening_socket(socket)) {}
SilentDaemon::~SilentDaemon() {
    ::close(listener_);
}

BrokenDaemon::BrokenDaemon(const std::string& socket, std::string bytes)
    : listener_(listening_socket(socket)) {
    thread_ = std::thread([this, said = std::move(bytes)] {
        const runtime::Descriptor client(::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC));
        char request[4096];
        if (client && ::read(client.get(), request, sizeof request) > 0) {
            static_cast<void>(::send(client.get(), said.data(), said.size(), MSG_NOSIGNAL));
        }
    });
}

BrokenDaemon::~BrokenDaemon() {
    ::shutdown(listener_, SHUT_RDWR);  // wakes accept when nobody came
    thread_.join();
    ::close(listener_);
}
