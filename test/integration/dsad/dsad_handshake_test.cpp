// What a notice does at a host, seen from the controller and from the backup application.

#include <csignal>

#include "scene.hpp"
#include "test/support/catch.hpp"

using namespace test_dsad;
using Result = agent::core::ConfirmationResult;

namespace {

Controller& controller() {
    return Controller::instance();
}

// The result of the notice's next confirmation; nothing when none comes.
std::optional<Result> result_of(agent::core::NoticeId id) {
    const auto confirmation = controller().next_confirmation(id);
    if (!confirmation) return std::nullopt;
    return confirmation->result;
}

}  // namespace

TEST_CASE(
    "a drive that somebody else reserves goes offline in the application, and comes back on "
    "release") {
    Scene host;
    host.start();
    const auto reserved =
        controller().tell(host.agent(), serial, reserved_by(foreign_port), "theirs");
    CHECK(result_of(reserved) == Result::set_offline);
    CHECK(host.drive_state() == "drive LTO 1 is offline\n");

    controller().repeat(host.agent());
    CHECK(result_of(reserved) == Result::set_offline);
    CHECK(host.history() == "offline LTO 1\n");

    const auto released = controller().tell(host.agent(), serial, nobody());
    CHECK(result_of(released) == Result::set_online);
    CHECK(host.drive_state() == "drive LTO 1 is online\n");
    CHECK(host.history() == "offline LTO 1\nonline LTO 1\n");
}

TEST_CASE("a drive that this host or its domain holds is left alone") {
    Scene host;
    host.start();
    CHECK(result_of(controller().tell(host.agent(), serial, reserved_by(own_port), "")) ==
          Result::holder_is_mine);
    CHECK(result_of(controller().tell(host.agent(), serial, reserved_by(foreign_port), "ours")) ==
          Result::holder_is_mine);
    CHECK(host.drive_state() == "drive LTO 1 is online\n");
    CHECK(host.history().empty());
}

TEST_CASE("what an operator took offline before is not brought back") {
    Scene host;
    host.application({"drive", "offline", "LTO 1"});
    host.start();
    CHECK(result_of(controller().tell(host.agent(), serial, reserved_by(foreign_port), "theirs")) ==
          Result::already_offline);
    CHECK(result_of(controller().tell(host.agent(), serial, nobody())) == Result::left_to_operator);
    CHECK(host.drive_state() == "drive LTO 1 is offline\n");
    CHECK(host.history() == "offline LTO 1\n");
}

TEST_CASE("an agent that is killed and started again brings back what it had taken offline") {
    Scene host;
    host.start();
    REQUIRE(result_of(controller().tell(host.agent(), serial, reserved_by(foreign_port),
                                        "theirs")) == Result::set_offline);
    host.signal(SIGKILL);
    CHECK(host.wait_for_end() == 128 + SIGKILL);
    CHECK_FALSE(controller().says_stopping(host.agent(), std::chrono::milliseconds(100)));

    host.start();
    CHECK(host.drive_state() == "drive LTO 1 is offline\n");
    CHECK(host.answer("drive.show", {{"serial", serial}})["ledger"].is_object());
    CHECK(result_of(controller().tell(host.agent(), serial, nobody())) == Result::set_online);
    CHECK(host.drive_state() == "drive LTO 1 is online\n");
}

TEST_CASE("an application that fails, lies or hangs is no confirmation, and is tried again") {
    Scene host;
    host.configuration["application"]["timeout_ms"] = 1000;
    host.start();
    std::vector<std::string> fault;
    SECTION("fails") {
        fault = {"fault", "set", "offline", "fail-with", "7"};
    }
    SECTION("lies") {
        fault = {"fault", "set", "offline", "lie"};
    }
    SECTION("hangs") {
        fault = {"fault", "set", "offline", "hang"};
    }
    SECTION("does not say in what state the drive is") {
        fault = {"fault", "set", "status", "lie"};
    }
    REQUIRE(host.application(fault).exit_status == 0);
    const auto reserved =
        controller().tell(host.agent(), serial, reserved_by(foreign_port), "theirs");
    const auto failed = controller().next_confirmation(reserved);
    REQUIRE(failed);
    CHECK(failed->result == Result::failed);
    CHECK_FALSE(failed->detail.empty());
    CHECK(failed->detail.size() <= 200);

    REQUIRE(host.application({"fault", "clear"}).exit_status == 0);
    CHECK(host.drive_state() == "drive LTO 1 is online\n");
    controller().repeat(host.agent());
    CHECK(result_of(reserved) == Result::set_offline);
    CHECK(host.drive_state() == "drive LTO 1 is offline\n");
}

TEST_CASE("while a job runs the drive drains, and is confirmed offline when the job has ended") {
    Scene host;
    host.application({"job", "start", "LTO 1"});
    host.start();
    const auto reserved =
        controller().tell(host.agent(), serial, reserved_by(foreign_port), "theirs");
    CHECK(result_of(reserved) == Result::draining);
    host.application({"job", "end", "LTO 1"});
    CHECK(result_of(reserved) == Result::set_offline);
}

TEST_CASE("a drive of another host is not connected here") {
    Scene host;
    host.start();
    CHECK(result_of(controller().tell(host.agent(), "VT99999999", reserved_by(foreign_port),
                                      "theirs")) == Result::not_connected);
}

TEST_CASE("an agent that only observes says so and touches nothing") {
    Scene host;
    host.configuration["application"] = {{"observe_only", true}};
    host.start();
    CHECK(result_of(controller().tell(host.agent(), serial, reserved_by(foreign_port), "theirs")) ==
          Result::observed_only);
    CHECK(host.history().empty());
}
