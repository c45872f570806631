// What this host has, completed and corrected through the control socket of a real dsad.

#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "scene.hpp"
#include "test/support/catch.hpp"

using namespace test_dsad;
using agent::runtime::ControlError;
using agent::runtime::ControlErrorCode;
using nlohmann::json;

namespace {

constexpr const char* second_serial = "VT00000002";
const std::string second_port = "iscsi:iqn.2026-01.example:second";

std::string refusal_of(Scene& host, const std::string& method, const json& params) {
    const auto answer = host.ask(method, params);
    const auto* error = std::get_if<ControlError>(&answer);
    REQUIRE(error != nullptr);
    return error->message;
}

json known_drive(Scene& host, const std::string& wanted) {
    const json shown = host.answer("host.show");
    for (const json& drive : shown["drives"]) {
        if (drive["serial"] == wanted) return drive;
    }
    return nullptr;
}

}  // namespace

TEST_CASE("a drive added by hand is the host's at once, and after a kill -9 and a reload too") {
    Scene host;
    host.start();
    host.application({"drive", "add", "LTO 2"});
    auto& controller = Controller::instance();
    auto told = controller.next_confirmation(
        controller.tell(host.agent(), second_serial, reserved_by(foreign_port), "theirs"));
    REQUIRE(told);
    CHECK(told->result == agent::core::ConfirmationResult::not_connected);

    const json added = host.answer(
        "drive.add", {{"serial", second_serial}, {"name", "LTO 2"}, {"device", "/dev/nst63"}});
    CHECK(added["source"] == "by_hand");
    CHECK(added["name_from"] == "by_hand");
    CHECK(added["device"] == "/dev/nst63");
    CHECK(host.answer("drive.list").size() == 2);
    told = controller.next_confirmation(
        controller.tell(host.agent(), second_serial, reserved_by(foreign_port), "theirs"));
    REQUIRE(told);
    CHECK(told->result == agent::core::ConfirmationResult::set_offline);
    CHECK(host.application({"drive", "status", "LTO 2"}).output == "drive LTO 2 is offline\n");
    CHECK_THAT(refusal_of(host, "drive.forget", {{"serial", second_serial}}),
               ContainsSubstring("was taken offline in the application by dsad"));

    host.signal(SIGHUP);
    CHECK(known_drive(host, second_serial)["source"] == "by_hand");
    host.signal(SIGKILL);
    host.wait_for_end();
    host.start();
    CHECK(known_drive(host, second_serial)["by"] == added["by"]);
    CHECK(known_drive(host, second_serial)["since"] == added["since"]);
    CHECK(known_drive(host, serial)["source"] == "configuration");

    host.answer("application.online", {{"serial", second_serial}});
    host.answer("drive.forget", {{"serial", second_serial}});
    CHECK(host.answer("drive.list").size() == 1);
    std::string said;
    const json events = host.answer("event.list");
    for (const json& event : events)
        said += event["text"].get<std::string>() + "\n";
    CHECK_THAT(said, ContainsSubstring(": drive VT00000002 added, \"LTO 2\", at /dev/nst63"));
    CHECK_THAT(said, ContainsSubstring(": drive VT00000002 forgotten"));
}

TEST_CASE("a port added by hand makes its holder this host, at once") {
    Scene host;
    host.start();
    auto& controller = Controller::instance();
    const auto theirs = reserved_by("iqn.2026-01.example:second");
    auto told = controller.next_confirmation(controller.tell(host.agent(), serial, theirs));
    REQUIRE(told);
    CHECK(told->result == agent::core::ConfirmationResult::set_offline);
    const json ports = host.answer("port.add", {{"port", second_port}});
    REQUIRE(ports.size() == 2);
    CHECK(ports[1]["port"] == second_port);
    CHECK(ports[1]["source"] == "by_hand");
    CHECK(host.answer("port.list") == ports);
    // Decided anew without a new notice: the host itself holds it.
    told = controller.next_confirmation(controller.tell(host.agent(), serial, theirs));
    REQUIRE(told);
    CHECK(told->result == agent::core::ConfirmationResult::holder_is_mine);
    CHECK(host.drive_state() == "drive LTO 1 is online\n");

    CHECK(host.answer("port.remove", {{"port", second_port}}).size() == 1);
    told = controller.next_confirmation(controller.tell(host.agent(), serial, theirs));
    REQUIRE(told);
    CHECK(told->result == agent::core::ConfirmationResult::set_offline);
    CHECK_THAT(refusal_of(host, "port.remove", {{"port", "iscsi:" + std::string(own_port)}}),
               ContainsSubstring("stands in dsad.json"));
}

TEST_CASE("a name by hand is the one that the application's commands are run with") {
    Scene host;
    host.configuration["drives"][0].erase("application_name");
    host.start();
    CHECK(host.answer("application.list")[0]["application_name"] == serial);
    host.answer("drive.map", {{"serial", serial}, {"name", "LTO 1"}});
    CHECK(host.answer("application.query", {{"serial", serial}})["application_state"] == "online");
    auto& controller = Controller::instance();
    REQUIRE(controller.next_confirmation(
        controller.tell(host.agent(), serial, reserved_by(foreign_port), "theirs")));
    CHECK_THAT(refusal_of(host, "drive.map", {{"serial", serial}, {"name", "LTO 2"}}),
               ContainsSubstring("`application online VT00000001` first"));
    CHECK(host.drive_state() == "drive LTO 1 is offline\n");
    REQUIRE(controller.next_confirmation(controller.tell(host.agent(), serial, nobody())));
    host.answer("drive.forget", {{"serial", serial}});
    CHECK(host.answer("application.list")[0]["application_name"] == serial);
}

TEST_CASE("a word that is wrong or makes no sense changes nothing and says why") {
    Scene host;
    host.start();
    const json before = host.answer("host.show");
    CHECK_THAT(refusal_of(host, "drive.add", {{"serial", serial}}), ContainsSubstring("drive map"));
    CHECK_THAT(refusal_of(host, "drive.map", {{"serial", serial}, {"name", "other"}}),
               ContainsSubstring("dsad.json calls it \"LTO 1\""));
    CHECK_THAT(refusal_of(host, "drive.map", {{"serial", serial}}), ContainsSubstring("give one"));
    CHECK_THAT(refusal_of(host, "drive.add", {{"serial", "X"}, {"device", "nst0"}}),
               ContainsSubstring("beginning with /dev/"));
    CHECK_THAT(refusal_of(host, "drive.add", {{"serial", "X"}, {"name", "LTO 1"}}),
               ContainsSubstring("two drives can not have one name"));
    CHECK_THAT(refusal_of(host, "drive.add", {{"serial", "X\n"}}), ContainsSubstring("serial: "));
    CHECK_THAT(refusal_of(host, "drive.add", {{"serial", "X"}, {"name", "a\tb"}}),
               ContainsSubstring("control characters"));
    CHECK_THAT(refusal_of(host, "drive.add", {{"serial", "X"}, {"name", "-rf"}}),
               ContainsSubstring("would be taken for an option"));
    CHECK_THAT(refusal_of(host, "drive.forget", {{"serial", "X"}}),
               ContainsSubstring("no drive X"));
    CHECK_THAT(refusal_of(host, "port.add", {{"port", "fc:nonsense"}}),
               ContainsSubstring("is no host port"));
    CHECK_THAT(refusal_of(host, "port.remove", {{"port", second_port}}),
               ContainsSubstring("is none of this host"));
    CHECK(host.answer("host.show") == before);
}

TEST_CASE("damaged facts end the start with words, and nothing is overwritten") {
    Scene host;
    host.write_configuration();
    const auto folder = host.configuration["agent"]["state_dir"].get<std::string>();
    std::filesystem::create_directories(folder);
    std::ofstream(folder + "/host-facts.json") << "{";
    const auto ended = run_program({LRA_BIN_DIR "/dsad", "--config", host.configuration_file()});
    CHECK(ended.exit_status == 42);
    CHECK_THAT(ended.error_output, ContainsSubstring("host-facts.json: is no JSON object; "));
}
