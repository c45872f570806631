#include "agent/runtime/service.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "agent/runtime/descriptor.hpp"
#include "agent/runtime/service_manager.hpp"
#include "temporary_folder.hpp"
#include "test/support/catch.hpp"

using namespace agent::runtime;

namespace {

// The service manager's end of sd_notify(3).
class Manager {
  public:
    // At a path, or by a name in no file system, whose first byte is said as '@'.
    explicit Manager(bool named = false)
        : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)),
          filler_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        const std::string path = (named ? "@" : "") + folder_.file("notify");
        std::memcpy(address.sun_path, path.data(), path.size());
        if (named) address.sun_path[0] = '\0';
        const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
        const auto* name = reinterpret_cast<const sockaddr*>(&address);
        REQUIRE(::bind(socket_.get(), name, size) == 0);
        REQUIRE(::connect(filler_.get(), name, size) == 0);
        ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
    }
    ~Manager() {
        ::unsetenv("NOTIFY_SOCKET");
        ::unsetenv("WATCHDOG_USEC");
        ::unsetenv("WATCHDOG_PID");
    }

    // Whoever says something waits now until it was heard.
    void stop_listening() {
        while (::send(filler_.get(), "X=1", 3, MSG_DONTWAIT) > 0) {
        }
    }
    // Everything said so far.
    std::vector<std::string> heard() {
        std::vector<std::string> messages;
        std::array<char, 4'096> buffer{};
        while (true) {
            const ssize_t size = ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
            if (size < 0) return messages;
            messages.emplace_back(buffer.data(), static_cast<std::size_t>(size));
        }
    }

  private:
    TemporaryFolder folder_;
    Descriptor socket_;
    Descriptor filler_;
};

void run_at_most(asio::io_context& loop, std::chrono::seconds limit) {
    loop.run_for(limit);
}

}  // namespace

TEST_CASE("a daemon says ready, its status, and that it stops, and stops once") {
    Manager manager;
    asio::io_context loop;
    int stops = 0;
    Service* running = nullptr;
    Service service(loop, {[&] {
                               ++stops;
                               running->finish();
                           },
                           {}});
    running = &service;
    service.ready("watching 2 drives\nREADY=0");
    service.status("1 drive reserved");
    ::raise(SIGTERM);
    run_at_most(loop, std::chrono::seconds(10));
    CHECK(stops == 1);
    CHECK(loop.stopped());
    CHECK(manager.heard() == std::vector<std::string>{"READY=1\nSTATUS=watching 2 drives READY=0",
                                                      "STATUS=1 drive reserved",
                                                      "STOPPING=1\nSTATUS=stopping"});
}

TEST_CASE("SIGHUP reads the configuration again, and a bad one changes nothing but the log") {
    Manager manager;
    asio::io_context loop;
    int reloads = 0;
    Service* running = nullptr;
    Service service(loop, {{}, [&]() -> agent::core::Outcome {
                               if (++reloads < 2) {
                                   ::raise(SIGHUP);
                                   return agent::core::Nothing{};
                               }
                               running->finish();
                               return agent::core::Error{"lrad.json:1: x: is wrong"};
                           }});
    running = &service;
    ::raise(SIGHUP);
    run_at_most(loop, std::chrono::seconds(10));
    CHECK(reloads == 2);
    const auto heard = manager.heard();
    REQUIRE(heard.size() == 4);
    CHECK(heard[0].substr(0, 27) == "RELOADING=1\nMONOTONIC_USEC=");
    CHECK(heard[1] == "READY=1");
    CHECK(heard[3] == "READY=1");
}

TEST_CASE("the watchdog is answered from the event loop") {
    Manager manager;
    ::setenv("WATCHDOG_USEC", "100000", 1);
    asio::io_context loop;
    Service service(loop, {});
    service.ready("up");
    asio::steady_timer end(loop, std::chrono::milliseconds(250));
    end.async_wait([&](const std::error_code&) { service.finish(); });
    run_at_most(loop, std::chrono::seconds(10));
    std::size_t answers = 0;
    for (const std::string& message : manager.heard())
        answers += message == "WATCHDOG=1" ? 1U : 0U;
    CHECK(answers >= 3);
}

TEST_CASE("a service manager that listens at a name in no file system is heard, too") {
    Manager manager(true);
    tell_service_manager("STATUS=here");
    CHECK(manager.heard() == std::vector<std::string>{"STATUS=here"});
}

TEST_CASE("a signal takes nothing away from who waits for a service manager that is busy") {
    static std::atomic<int> caught = 0;
    struct sigaction before {};
    struct sigaction count {};
    count.sa_handler = [](int) { ++caught; };
    REQUIRE(::sigaction(SIGUSR2, &count, &before) == 0);
    Manager manager;
    manager.stop_listening();
    std::atomic<bool> done = false;
    std::thread teller([&] {
        tell_service_manager("READY=1");
        done = true;
    });
    while (caught < 50 && !done)
        ::pthread_kill(teller.native_handle(), SIGUSR2);
    auto heard = manager.heard();
    teller.join();
    const auto rest = manager.heard();
    heard.insert(heard.end(), rest.begin(), rest.end());
    CHECK(std::count(heard.begin(), heard.end(), "READY=1") == 1);
    REQUIRE(::sigaction(SIGUSR2, &before, nullptr) == 0);
}

TEST_CASE("a watchdog is answered by the process it was set for, and a wrong one by nobody") {
    Manager manager;
    CHECK(!watchdog_limit());
    ::setenv("WATCHDOG_USEC", "3000000", 1);
    CHECK(watchdog_limit() == std::chrono::seconds(3));
    ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
    CHECK(watchdog_limit() == std::chrono::seconds(3));
    ::setenv("WATCHDOG_PID", "1", 1);
    CHECK(!watchdog_limit());
    ::unsetenv("WATCHDOG_PID");
    for (const char* wrong : {"0", "", "soon", "3s", "-1", "18446744073709551616"}) {
        ::setenv("WATCHDOG_USEC", wrong, 1);
        CHECK(!watchdog_limit());
    }
}

TEST_CASE(
    "without a service manager, or with none that listens, nothing is told and nothing fails") {
    for (const char* socket : {"", "/", "relative/path", "/nowhere/at/all"}) {
        ::setenv("NOTIFY_SOCKET", socket, 1);
        tell_service_manager("READY=1");
    }
    ::setenv("NOTIFY_SOCKET", ("/" + std::string(200, 'x')).c_str(), 1);
    tell_service_manager("READY=1");
    ::unsetenv("NOTIFY_SOCKET");
    tell_service_manager("READY=1");
}

TEST_CASE("a second signal ends a daemon that does not get on with stopping") {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        asio::io_context loop;
        Service service(loop, {[] { ::raise(SIGINT); }, {}});
        ::raise(SIGTERM);
        loop.run_for(std::chrono::seconds(10));
        ::_exit(99);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 1);
}
