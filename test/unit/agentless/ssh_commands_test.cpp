#include "agent/agentless/ssh_commands.hpp"

#include <chrono>
#include <optional>

#include <asio/io_context.hpp>

#include "test/support/catch.hpp"

using namespace agent;
using namespace agent::agentless;

TEST_CASE("a secret stands neither in the words nor in the outcome of a command over ssh") {
    asio::io_context loop;
    SshSlots slots(4, 4);
    runtime::SshConfiguration ssh;
    ssh.host = "backup3";
    ssh.user = "lra";
    ssh.key_file = "/no/such/sesame-sesame";  // what comes back has the secret in it
    ssh.known_hosts_file = "/dev/null";
    SshAnswer heard;
    SshCommands commands(loop, ssh, "", slots, [&](const SshAnswer& answer) { heard = answer; });
    host::Command command;
    command.argv = {"/bin/true"};
    command.secrets = {"sesame-sesame"};
    std::optional<host::CommandOutcome> ended;
    commands.run(command, [&](const host::CommandOutcome& outcome) { ended = outcome; });
    loop.run_for(std::chrono::seconds(20));
    REQUIRE(ended);
    CHECK(ended->end == host::CommandOutcome::End::not_started);
    CHECK_THAT(ended->why, ContainsSubstring("/no/such/***"));
    CHECK(ended->why.find("sesame") == std::string::npos);
    CHECK(heard.words.find("sesame") == std::string::npos);
    CHECK(heard.outcome.why.find("sesame") == std::string::npos);
}
