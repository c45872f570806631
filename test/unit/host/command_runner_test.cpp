#include "agent/host/command_runner.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "run_to_end.hpp"
#include "test/support/catch.hpp"

using namespace agent::host;
using agent::core::Duration;
using End = CommandOutcome::End;

namespace {

class Folder {
  public:
    Folder() {
        std::string name = "/tmp/lra-host-test-XXXXXX";
        path_ = ::mkdtemp(name.data());
    }
    ~Folder() { std::filesystem::remove_all(path_); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    [[nodiscard]] std::string file(const std::string& name) const {
        return (path_ / name).string();
    }

  private:
    std::filesystem::path path_;
};

// A zombie that nobody reaps still has an entry; one that works does not have the state Z.
bool is_there(pid_t pid) {
    std::ifstream status("/proc/" + std::to_string(pid) + "/stat");
    std::string number;
    std::string name;
    std::string state;
    status >> number >> name >> state;
    return status && state != "Z";
}

// SIGKILL takes effect when the process is next scheduled; waits for that, at most ten seconds.
bool goes_away(pid_t pid) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (is_there(pid) && std::chrono::steady_clock::now() < until) {
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return !is_there(pid);
}

}  // namespace

TEST_CASE("a program's exit status and both outputs come back") {
    const auto outcome =
        run_to_end(command_of({"/bin/sh", "-c", "echo out; echo err >&2; exit 7"}));
    CHECK(outcome.end == End::exited);
    CHECK(outcome.exit_status == 7);
    CHECK(outcome.output == "out\n");
    CHECK(outcome.error_output == "err\n");
    CHECK_FALSE(outcome.output_cut);
}

TEST_CASE("arguments reach the program as they are, whatever a shell would make of them") {
    Folder folder;
    const std::string trap = folder.file("trap");
    const std::vector<std::string> names{"; rm -rf " + trap,
                                         "$(touch " + trap + ")",
                                         "`touch " + trap + "`",
                                         "a  b\tc",
                                         "*",
                                         "\"'\\",
                                         "> " + trap,
                                         "& touch " + trap,
                                         "",
                                         "\xff\xfe"};
    std::vector<std::string> argv{"printf", "%s\\n"};
    argv.insert(argv.end(), names.begin(), names.end());
    std::string expected;
    for (const auto& name : names)
        expected += name + "\n";
    const auto outcome = run_to_end(command_of(argv));
    CHECK(outcome.exit_status == 0);
    CHECK(outcome.output == expected);
    CHECK_FALSE(std::filesystem::exists(trap));
}

TEST_CASE("the environment is the one that is given and nothing else") {
    ::setenv("LRA_TEST_SECRET", "leaked", 1);
    auto command = command_of({"/usr/bin/env"});
    command.environment = {"PATH=/usr/bin:/bin", "ONLY=this"};
    CHECK(run_to_end(command).output == "PATH=/usr/bin:/bin\nONLY=this\n");
    ::unsetenv("LRA_TEST_SECRET");
}

TEST_CASE("stdin is empty, the working directory is /, and no descriptor of ours is inherited") {
    // A socket without close-on-exec, as a library might open one.
    const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
    const int leaky = ::fcntl(socket, F_DUPFD, 200);
    ::close(socket);
    REQUIRE(leaky >= 200);
    const auto outcome = run_to_end(command_of(
        {"/bin/sh", "-c", "cat; pwd; for f in /proc/self/fd/*; do echo ${f##*/}; done"}));
    ::close(leaky);
    CHECK_THAT(outcome.output, ContainsSubstring("/\n0\n1\n2\n"));
    CHECK(outcome.output.find("\n" + std::to_string(leaky) + "\n") == std::string::npos);
}

TEST_CASE("a program that can not be started is told apart from one that fails") {
    Folder folder;
    SECTION("it does not exist") {
        const auto outcome = run_to_end(command_of({"/nonexistent/program"}));
        CHECK(outcome.end == End::not_started);
        CHECK(describe(outcome) == "not started: /nonexistent/program: No such file or directory");
    }
    SECTION("it is not in the PATH") {
        const auto outcome = run_to_end(command_of({"lra-no-such-program"}));
        CHECK(outcome.end == End::not_started);
        CHECK_THAT(outcome.why, ContainsSubstring("no such program in the PATH"));
    }
    SECTION("it may not be executed") {
        std::ofstream(folder.file("text")) << "#!/bin/sh\n";
        const auto outcome = run_to_end(command_of({folder.file("text")}));
        CHECK(outcome.end == End::not_started);
        CHECK_THAT(outcome.why, ContainsSubstring("Permission denied"));
    }
    SECTION("its interpreter is missing") {
        std::ofstream(folder.file("script")) << "#!/nonexistent/interpreter\n";
        ::chmod(folder.file("script").c_str(), 0755);
        CHECK(run_to_end(command_of({folder.file("script")})).end == End::not_started);
    }
    SECTION("it is no program at all") {
        std::ofstream(folder.file("noise")) << "noise";
        ::chmod(folder.file("noise").c_str(), 0755);
        const auto outcome = run_to_end(command_of({folder.file("noise")}));
        CHECK(outcome.end == End::not_started);
        CHECK_THAT(outcome.why, ContainsSubstring("Exec format error"));
    }
    SECTION("its argument list is too long") {
        auto command = command_of({"/bin/true", std::string(4 * 1024 * 1024, 'x')});
        CHECK(run_to_end(command).end == End::not_started);
    }
    SECTION("nothing is named") {
        CHECK(run_to_end(command_of({})).end == End::not_started);
    }
}

TEST_CASE("the callback is never called before run returns") {
    asio::io_context loop;
    CommandRunner runner(loop);
    bool called = false;
    runner.run(command_of({"/nonexistent"}), [&](const CommandOutcome&) { called = true; });
    CHECK_FALSE(called);
    loop.run_for(std::chrono::seconds(10));
    CHECK(called);
}

TEST_CASE("a program that takes too long is ended together with the programs it started") {
    auto command = command_of({"/bin/sh", "-c", "sleep 1000 & echo $!; echo $$; wait"});
    command.timeout = {200};
    const auto outcome = run_to_end(command);
    CHECK(outcome.end == End::timed_out);
    CHECK(outcome.took.ms >= 200);
    CHECK(outcome.took.ms < 5'000);
    pid_t child = 0;
    pid_t leader = 0;
    REQUIRE(std::sscanf(outcome.output.c_str(), "%d\n%d", &child, &leader) == 2);
    CHECK(goes_away(child));
    CHECK(goes_away(leader));
}

TEST_CASE("a program that ignores SIGTERM is killed after the grace") {
    auto command =
        command_of({"/bin/sh", "-c", "trap '' TERM; echo started; while :; do sleep 1000; done"});
    command.timeout = {200};
    command.kill_grace = {200};
    const auto outcome = run_to_end(command);
    CHECK(outcome.end == End::timed_out);
    CHECK(outcome.output == "started\n");
    CHECK(outcome.took.ms >= 400);
    CHECK(outcome.took.ms < 5'000);
}

TEST_CASE("what a program leaves behind when it ends is killed, and is not waited for") {
    const auto outcome = run_to_end(command_of({"/bin/sh", "-c", "sleep 1000 & echo $!; exit 3"}));
    CHECK(outcome.end == End::exited);
    CHECK(outcome.exit_status == 3);
    CHECK(outcome.took.ms < 5'000);
    pid_t child = 0;
    REQUIRE(std::sscanf(outcome.output.c_str(), "%d", &child) == 1);
    CHECK(goes_away(child));
}

TEST_CASE("a program killed by a signal of its own says which") {
    const auto outcome = run_to_end(command_of({"/bin/sh", "-c", "kill -SEGV $$"}));
    CHECK(outcome.end == End::signalled);
    CHECK(outcome.signal == SIGSEGV);
}

TEST_CASE("endless output is read to its end, and only the begin is kept") {
    auto command = command_of(
        {"/bin/sh", "-c", "head -c 20000000 /dev/zero; head -c 5000 /dev/zero >&2; exit 4"});
    command.output_max = 1'000;
    const auto outcome = run_to_end(command);
    CHECK(outcome.exit_status == 4);
    CHECK(outcome.output.size() == 1'000);
    CHECK(outcome.error_output.size() == 1'000);
    CHECK(outcome.output_cut);
}

TEST_CASE("output of exactly the bound is not cut") {
    auto command = command_of({"/bin/sh", "-c", "head -c 1000 /dev/zero"});
    command.output_max = 1'000;
    const auto outcome = run_to_end(command);
    CHECK(outcome.output.size() == 1'000);
    CHECK_FALSE(outcome.output_cut);
}

TEST_CASE("a program that closes its outputs and works on is waited for") {
    const auto outcome =
        run_to_end(command_of({"/bin/sh", "-c", "exec >&- 2>&-; sleep 0.3; exit 6"}));
    CHECK(outcome.exit_status == 6);
    CHECK(outcome.took.ms >= 300);
}

TEST_CASE("the loop goes on while a program runs, and several run at a time") {
    asio::io_context loop;
    CommandRunner runner(loop);
    int ended = 0;
    for (int i = 0; i < 4; ++i) {
        runner.run(command_of({"/bin/sleep", "0.4"}), [&](const CommandOutcome&) { ++ended; });
    }
    CHECK(runner.running() == 4);
    const auto began = std::chrono::steady_clock::now();
    loop.run_for(std::chrono::seconds(20));
    CHECK(ended == 4);
    CHECK(runner.running() == 0);
    CHECK(std::chrono::steady_clock::now() - began < std::chrono::milliseconds(1'500));
}

TEST_CASE("a runner that goes away kills its programs and calls nobody") {
    asio::io_context loop;
    bool called = false;
    Folder folder;
    {
        CommandRunner runner(loop);
        runner.run(
            command_of({"/bin/sh", "-c", "echo $$ > " + folder.file("pid") + "; sleep 1000"}),
            [&](const CommandOutcome&) { called = true; });
        while (!std::filesystem::exists(folder.file("pid")) ||
               std::filesystem::is_empty(folder.file("pid"))) {
            loop.run_for(std::chrono::milliseconds(5));
        }
    }
    const auto began = std::chrono::steady_clock::now();
    loop.run_for(std::chrono::seconds(10));
    CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(5));
    CHECK_FALSE(called);
    pid_t pid = 0;
    std::ifstream(folder.file("pid")) >> pid;
    REQUIRE(pid > 0);
    CHECK(goes_away(pid));
}

TEST_CASE("a hundred programs one after the other leave no descriptor and no zombie") {
    const auto descriptors = [] {
        return std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                             std::filesystem::directory_iterator());
    };
    run_to_end(command_of({"/bin/true"}));
    const auto before = descriptors();
    for (int i = 0; i < 100; ++i)
        CHECK(run_to_end(command_of({"/bin/true"})).exit_status == 0);
    CHECK(descriptors() == before);
    CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
    CHECK(errno == ECHILD);
}

TEST_CASE("a program reads what it is given, then the end of it") {
    Command command = command_of({"/bin/cat"});
    command.input = "unmount\nquit\n";
    CHECK(run_to_end(command).output == "unmount\nquit\n");
    command.input = std::string(60'000, 'x');
    CHECK(run_to_end(command).output.size() == 60'000);
    command.argv = {"/bin/true"};  // does not read it
    CHECK(run_to_end(command).exit_status == 0);
}
