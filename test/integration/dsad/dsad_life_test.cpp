// Starting, reloading and stopping of the dsad process.

#include <sys/stat.h>

#include <csignal>
#include <fstream>

#include "scene.hpp"
#include "test/support/catch.hpp"

using namespace test_dsad;
using nlohmann::json;

namespace {

agent::host::CommandOutcome check(const Scene& host) {
    host.write_configuration();
    return run_program(
        {LRA_BIN_DIR "/dsad", "--config", host.configuration_file(), "--check-config"});
}

// Reloading is over when the log says the text; at most the test's patience.
bool log_says(const Scene& host, const std::string& text) {
    const auto until = std::chrono::steady_clock::now() + patience;
    while (std::chrono::steady_clock::now() < until) {
        if (host.log().find(text) != std::string::npos) return true;
        Controller::instance().run_for(std::chrono::milliseconds(10));
    }
    return false;
}

}  // namespace

TEST_CASE("an orderly stop is told to the controller, and the drives stay as they are") {
    Scene host;
    host.start();
    auto& controller = Controller::instance();
    REQUIRE(controller.next_confirmation(
        controller.tell(host.agent(), serial, reserved_by(foreign_port), "theirs")));
    host.signal(SIGTERM);
    CHECK(controller.says_stopping(host.agent()));
    CHECK(host.wait_for_end() == 0);
    CHECK(host.drive_state() == "drive LTO 1 is offline\n");
}

TEST_CASE("an orderly stop does not wait for ever for a controller that is gone") {
    Scene host;
    host.configuration["agent"]["stop_timeout_ms"] = 300;
    host.start();
    host.signal(SIGTERM);
    const auto began = std::chrono::steady_clock::now();
    CHECK(host.wait_for_end_without_controller() == 0);
    CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(10));
}

TEST_CASE("the state folder is private, and each life has a higher incarnation") {
    Scene host;
    host.start();
    struct stat status {};
    REQUIRE(::stat(host.configuration["agent"]["state_dir"].get<std::string>().c_str(), &status) ==
            0);
    CHECK((status.st_mode & 0777) == 0700);
    const auto first = host.answer("agent.show")["incarnation"].get<std::uint64_t>();
    host.signal(SIGKILL);
    host.wait_for_end();
    host.start();
    CHECK(host.answer("agent.show")["incarnation"].get<std::uint64_t>() > first);
}

TEST_CASE("a reload takes a good configuration and keeps the old one when the new one is bad") {
    Scene host;
    host.start();
    host.configuration["application"]["states"]["online"] = {"("};
    host.write_configuration();
    host.signal(SIGHUP);
    CHECK(log_says(host, "application.states.online[0]"));
    CHECK(host.answer("application.query", {{"serial", serial}})["application_state"] == "online");

    host.configuration["application"]["states"]["online"] = {"^drive {drive} is online$"};
    host.configuration["application"]["observe_only"] = true;
    host.write_configuration();
    host.signal(SIGHUP);
    const auto until = std::chrono::steady_clock::now() + patience;
    while (host.answer("agent.show")["observe_only"] != true &&
           std::chrono::steady_clock::now() < until) {
        Controller::instance().run_for(std::chrono::milliseconds(10));
    }
    CHECK(host.answer("agent.show")["observe_only"] == true);
}

TEST_CASE("a drive that dsad took offline keeps its name until it is online again") {
    Scene host;
    host.start();
    auto& controller = Controller::instance();
    REQUIRE(controller.next_confirmation(
        controller.tell(host.agent(), serial, reserved_by(foreign_port), "theirs")));
    host.configuration["drives"][0]["application_name"] = "LTO 2";
    host.write_configuration();
    host.signal(SIGHUP);
    CHECK(log_says(host, "dsad took it offline as \"LTO 1\", so its name can not change now"));
    CHECK(host.answer("drive.list")[0]["application_name"] == "LTO 1");
}

TEST_CASE("a configuration with mistakes is refused with file, line and path") {
    Scene host;
    CHECK(check(host).exit_status == 0);
    SECTION("a pattern that is none") {
        host.configuration["application"]["states"]["offline"] = {"[z-a]"};
        const auto refused = check(host);
        CHECK(refused.exit_status == 42);
        CHECK_THAT(refused.error_output, ContainsSubstring("application.states.offline[0]: "));
    }
    SECTION("a name that would be taken for an option") {
        host.configuration["drives"][0]["application_name"] = "-rf";
        const auto refused = check(host);
        CHECK(refused.exit_status == 42);
        CHECK_THAT(refused.error_output, ContainsSubstring("would be taken for an option"));
        CHECK_THAT(refused.error_output, ContainsSubstring(host.configuration_file() + ":"));
    }
    SECTION("a placeholder without a value") {
        host.configuration["application"]["query"].push_back("{device}");
        const auto refused = check(host);
        CHECK(refused.exit_status == 42);
        CHECK_THAT(refused.error_output,
                   ContainsSubstring("{device} has no value for drive VT00000001"));
    }
    SECTION("an unknown key") {
        host.configuration["agent"]["colour"] = "blue";
        CHECK(check(host).exit_status == 42);
    }
}

TEST_CASE("a second process on the same state is refused") {
    Scene host;
    host.start();
    const auto second = run_program({LRA_BIN_DIR "/dsad", "--config", host.configuration_file()});
    CHECK(second.exit_status == 1);
    CHECK(host.answer("status.show")["program"] == "dsad");
}
