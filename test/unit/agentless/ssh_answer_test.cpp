#include "agent/agentless/ssh_answer.hpp"

#include "test/support/catch.hpp"

using namespace agent;
using namespace agent::agentless;
using End = host::CommandOutcome::End;
using State = core::HostContact::State;

namespace {

constexpr core::Duration ten_seconds{10'000};

host::CommandOutcome exited(int status, std::string output, std::string error_output = "") {
    host::CommandOutcome outcome;
    outcome.end = End::exited;
    outcome.exit_status = status;
    outcome.output = std::move(output);
    outcome.error_output = std::move(error_output);
    return outcome;
}

SshAnswer read_answer(host::CommandOutcome outcome) {
    return read_ssh_answer(std::move(outcome), "lra-end-7", ten_seconds);
}

}  // namespace

TEST_CASE("the line with the marker gives the command's own status and is cut off") {
    const auto answer = read_answer(exited(3, "drive is online\n\nlra-end-7 3\n"));
    CHECK(answer.contact == State::reached);
    CHECK(answer.outcome.exit_status == 3);
    CHECK(answer.outcome.output == "drive is online\n");
    CHECK(read_answer(exited(0, "\nlra-end-7 0\n")).outcome.output.empty());
    CHECK(read_answer(exited(0, "x\r\n\r\nlra-end-7 0\r\n")).outcome.output == "x\r\n");
}

TEST_CASE("255 with the marker is the command's, without it the connection's") {
    CHECK(read_answer(exited(255, "\nlra-end-7 255\n")).outcome.exit_status == 255);
    const auto cut = read_answer(exited(255, "drive is onl", "client_loop: send disconnect\n"));
    CHECK(cut.contact == State::unreachable);
    CHECK(cut.outcome.end == End::cut_off);
}

TEST_CASE("a command whose end nobody saw may run until the far side's limit and a little longer") {
    const auto may_run = [](const host::CommandOutcome& outcome) {
        return read_answer(outcome).outcome.may_run_for.ms;
    };
    const auto at_least = ten_seconds.ms + 2'000;  // where its KILL comes
    CHECK(may_run(exited(255, "")) >= at_least);
    CHECK(may_run(exited(255, "", "client_loop: send disconnect: Broken pipe\r\n")) >= at_least);
    CHECK(may_run(exited(255, "",
                         "mux_client_request_session: read from master failed\r\nssh: "
                         "connect to host h port 22: Connection refused\r\n")) >= at_least);
    CHECK(may_run(exited(0, "This account is currently not available.\n")) >= at_least);
    for (const End end : {End::timed_out, End::not_ending, End::signalled, End::cancelled}) {
        host::CommandOutcome outcome;
        outcome.end = end;
        CHECK(may_run(outcome) >= at_least);
    }
    CHECK_THAT(describe(read_answer(exited(255, "")).outcome),
               Catch::Matchers::Contains("was cut off; it may still be running"));
}

TEST_CASE("a command that ended, or was certainly not sent, does not run any more") {
    host::CommandOutcome no_ssh;
    no_ssh.end = End::not_started;
    for (const auto& outcome :
         {exited(1, "\nlra-end-7 1\n"), no_ssh,
          exited(255, "", "ssh: connect to host h port 22: Connection refused\r\n"),
          exited(255, "", "ssh: Could not resolve hostname h: Name or service not known\r\n"),
          exited(255, "", "u@h: Permission denied (publickey).\r\n"),
          exited(255, "", "Host key verification failed.\r\n")}) {
        CHECK(read_answer(outcome).outcome.may_run_for.ms == 0);
        CHECK(read_answer(outcome).outcome.end != End::cut_off);
    }
}

TEST_CASE("a marker of another call, or one that is not the last line, is none") {
    CHECK(read_answer(exited(0, "\nlra-end-6 0\n")).contact == State::not_understood);
    CHECK(read_answer(exited(0, "\nlra-end-7 0\nmore\n")).contact == State::not_understood);
    CHECK(read_answer(exited(0, "\nlra-end-7 \n")).contact == State::not_understood);
    CHECK(read_answer(exited(0, "lra-end-7 0")).contact == State::not_understood);
}

TEST_CASE("without a marker no status is believed, 0 least of all") {
    const auto answer = read_answer(exited(0, "This account is currently not available.\n"));
    CHECK(answer.contact == State::not_understood);
    CHECK(answer.outcome.end != End::exited);
    CHECK(answer.words.find("not available") != std::string::npos);
}

TEST_CASE("what the client complains about is told apart") {
    const struct {
        const char* said;
        State state;
        const char* in_words;
    } cases[] = {
        {"ssh: connect to host h port 22: Connection refused\r\n", State::unreachable, "refused"},
        {"ssh: Could not resolve hostname h: Name or service not known\r\n", State::unreachable,
         "resolve"},
        {"@@@\n@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\n@@@\nThe fingerprint for the "
         "ED25519 key sent by the remote host is\nSHA256:abcdef.\nHost key verification failed.\n",
         State::key_changed, "SHA256:abcdef"},
        {"No ED25519 host key is known for h and you have requested strict checking.\nHost key "
         "verification failed.\n",
         State::key_changed, "is known for h"},
        {"u@h: Permission denied (publickey).\r\n", State::login_refused, "Permission denied"},
        {"", State::unreachable, "255"},
    };
    for (const auto& one : cases) {
        INFO(one.said);
        const auto answer = read_answer(exited(255, "", one.said));
        CHECK(answer.contact == one.state);
        CHECK(answer.words.find(one.in_words) != std::string::npos);
        CHECK(answer.outcome.why.rfind("over ssh: ", 0) == 0);
    }
}

TEST_CASE("a command that the far side or this side has ended was hanging") {
    for (const std::string status : {"124", "137", "143", "0"}) {
        const auto there = read_answer(exited(124, "x\n\nlra-end-7 " + status + " limit\n"));
        CHECK(there.contact == State::command_hung);
        CHECK(there.outcome.end == End::timed_out);
        CHECK(there.outcome.output == "x\n");
    }
    auto by_itself = exited(124, "\nlra-end-7 124\n");
    by_itself.took = {10'050};
    CHECK(read_answer(by_itself).contact == State::reached);
    CHECK(read_answer(by_itself).outcome.exit_status == 124);
    host::CommandOutcome here;
    here.end = End::timed_out;
    CHECK(read_answer(here).contact == State::command_hung);
}

TEST_CASE(
    "of output that was cut the marker stands in the tail, and without it nothing is believed") {
    auto cut = exited(0, std::string(64 * 1024, 'x'));
    cut.output_cut = true;
    CHECK(read_answer(cut).contact == State::not_understood);
    CHECK(read_answer(cut).outcome.end != End::exited);
    cut.output_tail = "xx\n\nlra-end-7 3\n";
    const auto answer = read_answer(cut);
    CHECK(answer.contact == State::reached);
    CHECK(answer.outcome.exit_status == 3);
    CHECK(answer.outcome.output_cut);
    CHECK(answer.outcome.output.size() == std::size_t{64} * 1024);
}

TEST_CASE("words for the operator are one printable line") {
    const auto answer = read_answer(exited(255, "", "\x1b[2Jbad\x80\xff\nlast \x07 line\n"));
    for (const char c : answer.words) {
        const bool printable = c >= 0x20 && c <= 0x7e;
        CHECK(printable);
    }
}
