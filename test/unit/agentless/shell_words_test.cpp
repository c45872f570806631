#include "agent/agentless/shell_words.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>

#include <asio/io_context.hpp>

#include "agent/agentless/ssh_answer.hpp"
#include "agent/host/command_runner.hpp"
#include "test/support/catch.hpp"

using namespace agent;
using namespace agent::agentless;

namespace {

// What a login shell makes of a line: as sshd does, `SHELL -c LINE`.
host::CommandOutcome run_in(const std::string& shell, const std::string& line,
                            const std::string& input = "") {
    host::Command command;
    command.argv = {shell, "-c", line};
    command.environment = {"PATH=/usr/local/bin:/usr/bin:/bin", "SECRET_OF_THE_CALLER=1"};
    command.input = input;
    command.timeout = {20'000};
    asio::io_context loop;
    host::CommandRunner runner(loop);
    host::CommandOutcome ended;
    runner.run(std::move(command), [&](host::CommandOutcome outcome) {
        ended = std::move(outcome);
        loop.stop();
    });
    loop.run();
    return ended;
}

RemoteWrapping plain_wrapping() {
    return {"lra-end-42", 10, {"PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C"}, 0};
}

// Prints each of its arguments between brackets.
std::vector<std::string> printing(const std::vector<std::string>& words) {
    std::vector<std::string> argv{"printf", "[%s]"};
    argv.insert(argv.end(), words.begin(), words.end());
    return argv;
}

std::string decoded_base64_of_line(const std::string& line) {
    const std::string text = line.substr(line.rfind(' ') + 1);
    std::string bytes;
    std::uint32_t group = 0;
    int bits = 0;
    for (const char c : text) {
        if (c == '=') break;
        const std::string digits =
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        group = (group << 6U) | static_cast<std::uint32_t>(digits.find(c));
        bits += 6;
        if (bits < 8) continue;
        bits -= 8;
        bytes += static_cast<char>(group >> static_cast<unsigned>(bits) & 0xffU);
    }
    return bytes;
}

// Of UTF-16LE text that is ASCII.
std::string ascii_of(const std::string& utf16) {
    std::string text;
    for (std::size_t i = 0; i + 1 < utf16.size(); i += 2)
        text += utf16[i + 1] == 0 ? utf16[i] : '?';
    return text;
}

}  // namespace

TEST_CASE("words with every meaning a shell knows arrive as they are") {
    const std::vector<std::string> words{
        "it's", "$(id)", "`id`", "a;b|c&d", "*",  "~root",  "",        "\"x\" y",  "\\",
        "\\n",  "!!",    "#no",  "{a,b}",   "-n", "a\nb\n", "\t$HOME", "\x80\xff", "'"};
    std::string expected;
    for (const auto& word : words)
        expected += "[" + word + "]";
    for (const std::string shell : {"/bin/sh", "/bin/bash"}) {
        const auto line = remote_line_for_sh(printing(words), plain_wrapping());
        REQUIRE(line.ok());
        const auto answer = read_ssh_answer(run_in(shell, *line), "lra-end-42", {10'000});
        CHECK(answer.contact == core::HostContact::State::reached);
        CHECK(answer.outcome.exit_status == 0);
        CHECK(answer.outcome.output == expected);
    }
}

TEST_CASE("any bytes but NUL survive a real shell") {
    std::mt19937 draw(20'261'121);  // the engine's numbers are the same everywhere
    for (int round = 0; round < 40; ++round) {
        std::vector<std::string> words(1 + draw() % 4);
        std::string expected;
        for (auto& word : words) {
            word.resize(draw() % 40);
            for (char& c : word)
                c = static_cast<char>(1 + draw() % 255);
            expected += "[" + word + "]";
        }
        const auto line = remote_line_for_sh(printing(words), plain_wrapping());
        REQUIRE(line.ok());
        const auto answer = read_ssh_answer(run_in("/bin/sh", *line), "lra-end-42", {10'000});
        CHECK(answer.outcome.output == expected);
    }
}

TEST_CASE("a NUL byte and an empty command are refused") {
    using Catch::Matchers::Contains;
    CHECK_THAT(remote_line_for_sh({"a", std::string("b\0c", 3)}, plain_wrapping()).error().message,
               Contains("NUL"));
    CHECK_THAT(remote_line_for_sh({}, plain_wrapping()).error().message, Contains("no program"));
    CHECK_THAT(remote_line_for_powershell({""}, "", plain_wrapping()).error().message,
               Contains("no program"));
}

TEST_CASE("the command's environment is the one that was sent, and its status comes back") {
    const auto line = remote_line_for_sh({"sh", "-c", "env; exit 255"}, plain_wrapping());
    const auto answer = read_ssh_answer(run_in("/bin/sh", *line), "lra-end-42", {10'000});
    CHECK(answer.contact == core::HostContact::State::reached);
    CHECK(answer.outcome.end == host::CommandOutcome::End::exited);
    CHECK(answer.outcome.exit_status == 255);
    CHECK(answer.outcome.output.find("LC_ALL=C") != std::string::npos);
    CHECK(answer.outcome.output.find("SECRET_OF_THE_CALLER") == std::string::npos);
}

TEST_CASE("variables that no list of processes may show come by its input, before its own") {
    auto wrapping = plain_wrapping();
    wrapping.variables_on_input = 2;
    const auto line =
        remote_line_for_sh({"sh", "-c", "printf '%s\\n' \"$PASS/$WORD\"; cat"}, wrapping);
    REQUIRE(line.ok());
    const auto outcome =
        run_in("/bin/sh", *line, "PASS=a b$(id)\\n'x\nWORD=2\nfirst line\nsecond\n");
    const auto answer = read_ssh_answer(outcome, "lra-end-42", {10'000});
    CHECK(answer.outcome.output == "a b$(id)\\n'x/2\nfirst line\nsecond\n");
}

TEST_CASE("the far side ends a command that hangs, with timeout(1) and without") {
    for (const std::string path : {"/usr/local/bin:/usr/bin:/bin", "/nonexistent"}) {
        auto wrapping = plain_wrapping();
        wrapping.limit_s = 1;
        wrapping.environment = {"PATH=" + path};
        // Without timeout(1) there is no sleep either: they are named by their full paths.
        std::string line = *remote_line_for_sh({"/bin/sleep", "30"}, wrapping);
        if (path == "/nonexistent") {
            line.replace(line.find("sh -c"), 5, "/bin/sh -c");
            for (std::size_t at = line.find("sleep \"$t\""); at != std::string::npos;
                 at = line.find("sleep \"$t\"", at + 10))
                line.insert(at, "/bin/");
        }
        const auto outcome = run_in("/bin/sh", line);
        INFO(outcome.output << outcome.error_output << outcome.took.ms);
        CHECK(outcome.end == host::CommandOutcome::End::exited);
        CHECK(outcome.took.ms < 10'000);
        CHECK(read_ssh_answer(outcome, "lra-end-42", {1'000}).outcome.end ==
              host::CommandOutcome::End::timed_out);
    }
}

TEST_CASE("that the limit struck is told apart from a status that looks like it") {
    auto wrapping = plain_wrapping();
    const auto own = remote_line_for_sh({"sh", "-c", "exit 124"}, wrapping);
    const auto by_itself = read_ssh_answer(run_in("/bin/sh", *own), "lra-end-42", {1});
    CHECK(by_itself.outcome.end == host::CommandOutcome::End::exited);
    CHECK(by_itself.outcome.exit_status == 124);
    // Deaf to TERM, so that KILL has to come.
    wrapping.limit_s = 1;
    const auto deaf =
        remote_line_for_sh({"sh", "-c", "trap '' TERM; sleep 30; sleep 30"}, wrapping);
    const auto killed = read_ssh_answer(run_in("/bin/sh", *deaf), "lra-end-42", {1'000});
    CHECK(killed.outcome.end == host::CommandOutcome::End::timed_out);
    CHECK(killed.contact == core::HostContact::State::command_hung);
}

TEST_CASE("a program that is not there, or ends by a signal, is told by its status") {
    for (const auto& [argv, status] :
         {std::pair{std::vector<std::string>{"/no/such"}, 127},
          std::pair{std::vector<std::string>{"sh", "-c", "kill -9 $$"}, 137}}) {
        const auto line = remote_line_for_sh(argv, plain_wrapping());
        const auto answer = read_ssh_answer(run_in("/bin/sh", *line), "lra-end-42", {10'000});
        CHECK(answer.contact == core::HostContact::State::reached);
        CHECK(answer.outcome.end == host::CommandOutcome::End::exited);
        CHECK(answer.outcome.exit_status == status);
    }
}

TEST_CASE("PowerShell gets its words in single quotes and the whole as UTF-16") {
    CHECK(quoted_for_powershell("it's $x") == "'it''s $x'");
    CHECK(quoted_for_powershell("a\xe2\x80\x99z") == "'a\xe2\x80\x99\xe2\x80\x99z'");
    const auto line = remote_line_for_powershell({"Get-VBRTapeDrive", "-Name", "Drive 1's"}, "",
                                                 plain_wrapping());
    REQUIRE(line.ok());
    CHECK(line->rfind("powershell -NoProfile -NonInteractive -EncodedCommand ", 0) == 0);
    const std::string script = ascii_of(decoded_base64_of_line(*line));
    CHECK(script.find("& 'Get-VBRTapeDrive' '-Name' 'Drive 1''s'") != std::string::npos);
    CHECK(script.find("lra-end-42 ") != std::string::npos);
}

TEST_CASE("a script for PowerShell is taken as it is") {
    const auto line = remote_line_for_powershell(
        {"powershell.exe", "-NoProfile", "-Command", "Get-X | Disable-X"}, "", plain_wrapping());
    REQUIRE(line.ok());
    const std::string script = ascii_of(decoded_base64_of_line(*line));
    CHECK(script.find("\nGet-X | Disable-X\n") != std::string::npos);
    CHECK(script.find("& 'powershell.exe'") == std::string::npos);
}

TEST_CASE("what a program for PowerShell reads is a literal in front of it") {
    const auto line = remote_line_for_powershell({"powershell", "-NoProfile", "-Command", "-"},
                                                 "Get-X -Name 'a'\nexit\n", plain_wrapping());
    REQUIRE(line.ok());
    const std::string script = ascii_of(decoded_base64_of_line(*line));
    CHECK(script.find("\n'Get-X -Name ''a''\nexit\n' | & 'powershell' '-NoProfile' '-Command' "
                      "'-'\n") != std::string::npos);
}

TEST_CASE("text that is not UTF-8, and a line that Windows can not take, are refused") {
    CHECK_FALSE(remote_line_for_powershell({"x", "\xff"}, "", plain_wrapping()).ok());
    CHECK_FALSE(remote_line_for_powershell({"x", "\xed\xa0\x80"}, "", plain_wrapping()).ok());
    CHECK_FALSE(remote_line_for_powershell({"x", "\xe2\x80"}, "", plain_wrapping()).ok());
    CHECK(remote_line_for_powershell({"x", "\xf0\x9f\x98\x80"}, "", plain_wrapping()).ok());
    CHECK_FALSE(
        remote_line_for_powershell({"x", std::string(4'000, 'y')}, "", plain_wrapping()).ok());
}
