#include <sys/stat.h>

#include <fstream>
#include <sstream>

#include "agent/shell/command_table.hpp"
#include "agent/shell/command_words.hpp"
#include "test/integration/lractl/scripted_daemon.hpp"
#include "test/integration/lractl/spawned_lractl.hpp"
#include "test/support/catch.hpp"

using agent::runtime::ControlAnswer;
using agent::runtime::ControlError;
using agent::runtime::ControlErrorCode;
using nlohmann::json;

namespace {

Words with_socket(const TemporaryFolder& folder, Words words) {
    words.insert(words.begin(), {"--socket", folder.file("s")});
    return words;
}

json one_drive() {
    return {{{"serial", "VT00000001"},
             {"operational_state", "online"},
             {"reservation", {{"state", "free"}, {"holders", json::array()}}}}};
}

}  // namespace

TEST_CASE("every verb reaches its method with its parameters, and the answer comes back") {
    const TemporaryFolder folder;
    const ScriptedDaemon daemon(folder.file("s"));
    for (const agent::shell::Command& command : agent::shell::commands()) {
        const std::string method = agent::shell::method_of(command);
        if (command.noun == "key" || command.noun == "support" || method == "event.follow")
            continue;
        // Made of several methods.
        if (method == "session.follow" || method == "library.fetch") continue;
        INFO(method);
        const Finished finished = run_lractl(with_socket(folder, [&] {
            Words words = *agent::shell::command_words(command.example);
            words.emplace_back("--json");
            return words;
        }()));
        CHECK(finished.exit_status == 0);
        CHECK(finished.err.empty());
        const json answer = json::parse(finished.out, nullptr, false);
        REQUIRE(answer.is_object());
        CHECK(answer["method"] == method);
        for (const auto& positional : command.positionals) {
            if (positional.presence == agent::shell::Presence::required) {
                CHECK(answer["params"].contains(std::string{positional.name}));
            }
        }
    }
}

TEST_CASE("what is printed to a pipe has no escape codes, and JSON is one line") {
    const TemporaryFolder folder;
    const ScriptedDaemon daemon(folder.file("s"), {{"drive.list", one_drive()}});
    const Finished people = run_lractl(with_socket(folder, {"drive", "list"}));
    CHECK_THAT(people.out, ContainsSubstring("VT00000001"));
    CHECK(people.out.find('\x1b') == std::string::npos);
    const Finished program = run_lractl(with_socket(folder, {"--json", "drive", "list"}));
    CHECK(program.out == one_drive().dump() + "\n");
}

TEST_CASE("an answer that the other node of a pair has given says so") {
    const TemporaryFolder folder;
    json drive = one_drive().front();
    drive["answered_by"] = "lra-a";
    const json released{{"serial", "X"}, {"result", "free"}, {"answered_by", "lra-a"}};
    const ScriptedDaemon daemon(folder.file("s"),
                                {{"drive.clear", drive}, {"drive.release", released}});
    const Finished cleared =
        run_lractl(with_socket(folder, {"drive", "clear", "X", "--reason", "y"}));
    CHECK_THAT(cleared.out, Catch::Matchers::EndsWith("answered by controller lra-a\n"));
    const Finished done =
        run_lractl(with_socket(folder, {"drive", "release", "X", "--reason", "y"}));
    CHECK_THAT(done.out, ContainsSubstring("lra-a") && !ContainsSubstring("by controller"));
    CHECK(run_lractl(with_socket(folder, {"--json", "drive", "clear", "X", "--reason", "y"})).out ==
          drive.dump() + "\n");
}

TEST_CASE("the environment names the socket when the command line does not") {
    const TemporaryFolder folder;
    const ScriptedDaemon daemon(folder.file("s"), {{"drive.list", one_drive()}});
    const Words environment{"LRACTL_SOCKET=" + folder.file("s")};
    CHECK(run_lractl({"drive", "list"}, {}, environment).exit_status == 0);
}

TEST_CASE("a daemon's judgement becomes the exit status") {
    const TemporaryFolder folder;
    const ScriptedDaemon daemon(
        folder.file("s"),
        {{"drive.show", ControlError{ControlErrorCode::failed, "there is no drive X"}},
         {"drive.clear", ControlError{ControlErrorCode::state_differs, "it is still offline"}},
         {"notice.test", ControlError{ControlErrorCode::partly_done, "1 of 2 consumers"}},
         {"drive.poll", ControlError{ControlErrorCode::busy, "being polled"}},
         {"agent.show", ControlError{ControlErrorCode::invalid_params, "no agent"}},
         {"status.show", ControlError{static_cast<ControlErrorCode>(77), "new"}}});
    const auto status = [&](const Words& words) {
        return run_lractl(with_socket(folder, words)).exit_status;
    };
    CHECK(status({"drive", "show", "X"}) == 1);
    CHECK(status({"drive", "clear", "X", "--reason", "y"}) == 3);
    CHECK(status({"notice", "test"}) == 4);
    CHECK(status({"drive", "poll", "X"}) == 5);
    CHECK(status({"agent", "show", "y"}) != 0);
    CHECK(status({"status", "show"}) != 0);
    CHECK(status({"drive", "clear", "X"}) == 2);
    const Finished shown = run_lractl(with_socket(folder, {"drive", "show", "X"}));
    CHECK(shown.out.empty());
    CHECK_THAT(shown.err, ContainsSubstring("drive show") && ContainsSubstring(folder.file("s")) &&
                              ContainsSubstring("there is no drive X"));
}

TEST_CASE("what a daemon finds missing in a command is told with how the command is written") {
    const TemporaryFolder folder;
    const ScriptedDaemon daemon(
        folder.file("s"),
        {{"drive.release", ControlError{ControlErrorCode::invalid_params, "reason: is missing"}}});
    const Finished finished = run_lractl(with_socket(folder, {"drive", "release", "X"}));
    CHECK(finished.exit_status == 2);
    CHECK_THAT(finished.err, ContainsSubstring("reason: is missing") &&
                                 ContainsSubstring("usage: lractl drive release SERIAL") &&
                                 ContainsSubstring("--reason TEXT"));
}

TEST_CASE("an error is JSON on stderr when JSON was asked for") {
    const TemporaryFolder folder;
    const Finished finished = run_lractl(with_socket(folder, {"--json", "drive", "list"}));
    CHECK(finished.exit_status == 1);
    CHECK(finished.out.empty());
    const json error = json::parse(finished.err, nullptr, false);
    REQUIRE(error.is_object());
    CHECK(error["error"]["socket"] == folder.file("s"));
    CHECK(error["error"]["command"] == "drive list");
    CHECK(error["error"]["exit_status"] == 1);
    CHECK(json::parse(run_lractl({"--json", "tape"}).err)["error"]["exit_status"] == 2);
}

TEST_CASE("a daemon that is not there is named with what helps") {
    const TemporaryFolder folder;
    const Finished finished = run_lractl(with_socket(folder, {"drive", "list"}));
    CHECK(finished.exit_status == 1);
    CHECK_THAT(finished.err,
               ContainsSubstring(folder.file("s")) && ContainsSubstring("systemctl status lrad"));
}

TEST_CASE("garbage, half a line and a closed connection are clear errors") {
    for (const std::string& bytes : {std::string{"HTTP/1.1 400 Bad Request\r\n\r\n"},
                                     std::string{"{\"jsonrpc\":\"2.0\",\"id\""}, std::string{},
                                     std::string{"[]\n"}, std::string{"\xff\xfe\n"}}) {
        const TemporaryFolder folder;
        const BrokenDaemon daemon(folder.file("s"), bytes);
        const Finished finished = run_lractl(with_socket(folder, {"drive", "list"}));
        CHECK(finished.exit_status == 1);
        CHECK(finished.out.empty());
        CHECK_THAT(finished.err, ContainsSubstring("lractl: drive list: ") &&
                                     ContainsSubstring(folder.file("s")));
    }
}

TEST_CASE("strange JSON from a daemon is shown or refused, never a crash") {
    for (const char* result : {"null", "5", "\"x\"", "[1,[2]]", "{\"serial\":{\"a\":[null]}}",
                               "[{\"reservation\":[],\"serial\":[1]}]"}) {
        const TemporaryFolder folder;
        const BrokenDaemon daemon(
            folder.file("s"), std::string{R"({"jsonrpc":"2.0","id":1,"result":)"} + result + "}\n");
        const Finished finished = run_lractl(with_socket(folder, {"drive", "list"}));
        CHECK(finished.exit_status == 0);
    }
}

TEST_CASE("a daemon that does not answer in time is busy") {
    const TemporaryFolder folder;
    const SilentDaemon daemon(folder.file("s"));
    const Finished finished =
        run_lractl(with_socket(folder, {"drive", "list", "--timeout", "0.2"}));
    CHECK(finished.exit_status == 5);
    CHECK_THAT(finished.err, ContainsSubstring("did not answer in time"));
}

TEST_CASE("a file of commands stops at the first failure and names its line") {
    const TemporaryFolder folder;
    const ScriptedDaemon daemon(
        folder.file("s"),
        {{"drive.list", one_drive()},
         {"drive.clear", ControlError{ControlErrorCode::state_differs, "still offline"}}});
    const std::string script =
        "# field service\n"
        "\n"
        "drive list   # first\n"
        "drive clear VT00000001 --reason 'tested today'\n"
        "agent list\n";
    std::ofstream(folder.file("script")) << script;
    const Finished file = run_lractl(with_socket(folder, {"-f", folder.file("script"), "--json"}));
    CHECK(file.exit_status == 3);
    CHECK(file.out == one_drive().dump() + "\n");
    CHECK_THAT(file.err, ContainsSubstring(folder.file("script") + ":4: stopped here"));
    const Finished input =
        run_lractl(with_socket(folder, {"-f", "-"}), "drive list\ndrive eject\n");
    CHECK(input.exit_status == 2);
    CHECK_THAT(input.err, ContainsSubstring("standard input:2: stopped here"));
    CHECK(run_lractl(with_socket(folder, {"-f", "-"}), "drive list\n").exit_status == 0);
    CHECK(run_lractl({"-f", folder.file("missing")}).exit_status == 1);
}

TEST_CASE("on a pipe the shell reads line by line and goes on after a failure") {
    const TemporaryFolder folder;
    const ScriptedDaemon daemon(folder.file("s"), {{"drive.list", one_drive()}});
    const Finished finished =
        run_lractl(with_socket(folder, {}), "drive eject\ndrive list\nquit\nagent list\n");
    CHECK(finished.exit_status == 2);
    CHECK_THAT(finished.out, ContainsSubstring("VT00000001"));
    CHECK(finished.out.find("agent.list") == std::string::npos);
    CHECK(finished.out.find("> ") == std::string::npos);
}
