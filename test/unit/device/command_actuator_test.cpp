#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <asio/io_context.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>

#include "drive_iface/device/offline_actuator.hpp"
#include "test/support/catch.hpp"

using namespace agent::core;
using namespace drive_iface;

namespace {

// Runs the loop until the actuator has answered; the clock only bounds a broken test.
Outcome force(asio::io_context& loop, OfflineActuator& actuator,
              const std::string& reason = "no confirmation") {
    std::optional<Outcome> outcome;
    actuator.force({"VT00000001"}, reason, [&](Outcome result) { outcome = std::move(result); });
    CHECK_FALSE(outcome);  // never from within
    loop.restart();
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!outcome && loop.run_one_until(end) != 0) {
    }
    REQUIRE(outcome);
    return *outcome;
}

std::unique_ptr<OfflineActuator> command(asio::io_context& loop, std::vector<std::string> argv,
                                         Duration timeout = {10'000}) {
    auto actuator = make_command_actuator(loop, std::move(argv), timeout);
    REQUIRE(actuator.ok());
    return std::move(actuator).value();
}

}  // namespace

TEST_CASE("a program gets its arguments as they are, and no shell sees them") {
    const auto file =
        std::filesystem::temp_directory_path() / ("lra-actuator-" + std::to_string(::getpid()));
    asio::io_context loop;
    auto actuator = command(loop, {"/bin/sh", "-c", "printf '%s|' \"$@\" > " + file.string(), "sh",
                                   "drive={serial}", "{action}", "{reason}"});
    CHECK(force(loop, *actuator, "$(touch /nowhere); {serial} \"'").ok());
    std::ifstream in(file);
    std::string content;
    std::getline(in, content);
    CHECK(content == "drive=VT00000001|offline|$(touch /nowhere); {serial} \"'|");
    std::filesystem::remove(file);
}

TEST_CASE("exit code, signal, a missing program and time-out are told in words") {
    asio::io_context loop;
    CHECK_THAT(force(loop, *command(loop, {"/bin/sh", "-c", "exit 3"})).error().message,
               ContainsSubstring("ended with exit code 3"));
    CHECK_THAT(force(loop, *command(loop, {"/bin/sh", "-c", "kill -TERM $$"})).error().message,
               ContainsSubstring("signal 15"));
    CHECK_THAT(force(loop, *command(loop, {"/nonexistent/program"})).error().message,
               ContainsSubstring("can not be started"));
    CHECK_FALSE(make_command_actuator(loop, {}, {1'000}).ok());
}

TEST_CASE("a program that does not end is killed with everything it started") {
    asio::io_context loop;
    const auto fifo = (std::filesystem::temp_directory_path() /
                       ("lra-actuator-fifo-" + std::to_string(::getpid())))
                          .string();
    REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
    const int reading = ::open(fifo.c_str(), O_RDONLY | O_NONBLOCK);
    REQUIRE(reading >= 0);
    // Both the shell and what it started hold the writing end; reading ends when both are gone.
    auto actuator = command(
        loop, {"/bin/sh", "-c", "exec 9> " + fifo + "; printf x >&9; sleep 600 & wait"}, {1'000});
    CHECK_THAT(force(loop, *actuator).error().message,
               ContainsSubstring("did not end within 1000 ms"));
    ::fcntl(reading, F_SETFL, 0);
    char byte = 0;
    CHECK(::read(reading, &byte, 1) == 1);
    CHECK(byte == 'x');
    CHECK(::read(reading, &byte, 1) == 0);
    ::close(reading);
    std::filesystem::remove(fifo);
}

TEST_CASE("more drives than may run at a time are all answered") {
    asio::io_context loop;
    auto actuator = command(loop, {"/bin/true"});
    int answered = 0;
    for (int i = 0; i < 50; ++i) {
        actuator->lift({"D" + std::to_string(i)},
                       [&](Outcome outcome) { answered += outcome.ok(); });
    }
    loop.run_for(std::chrono::seconds(20));
    CHECK(answered == 50);
}

TEST_CASE("an actuator that is gone answers nobody") {
    asio::io_context loop;
    bool called = false;
    auto actuator = command(loop, {"/bin/sleep", "600"});
    actuator->force({"D"}, "", [&](Outcome) { called = true; });
    actuator.reset();
    loop.run_for(std::chrono::seconds(5));
    CHECK_FALSE(called);
}

TEST_CASE("the alarm actuator leaves the drive to people") {
    asio::io_context loop;
    auto actuator = make_alarm_actuator(loop);
    CHECK_THAT(force(loop, *actuator).error().message, ContainsSubstring("left to people"));
    std::optional<Outcome> lifted;
    actuator->lift({"D"}, [&](Outcome outcome) { lifted = std::move(outcome); });
    loop.restart();
    loop.run();
    CHECK((lifted && lifted->ok()));
}
