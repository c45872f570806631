#include "agent/host/command_application_runner.hpp"

#include <unistd.h>

#include <chrono>
#include <optional>

#include <asio/io_context.hpp>
#include <asio/post.hpp>

#include "test/support/catch.hpp"

using namespace agent::host;
using agent::core::ApplicationAction;
using agent::core::ApplicationAnswered;
using agent::core::DriveSerial;
using State = agent::core::ApplicationDriveState;

namespace {

const std::vector<DriveNames> drives{{"one", "VT1", ""}, {"two", "VT2", ""}};

ApplicationProfile shell_profile(const std::string& query, const std::string& offline = "exit 0") {
    auto profile = ApplicationProfile::compile(
        {.offline = {{.argv = {"/bin/sh", "-c", offline, "sh", "{drive}"}}},
         .online = {{.argv = {"/bin/sh", "-c", "exit 0", "sh", "{drive}"}}},
         .query = {.argv = {"/bin/sh", "-c", query, "sh", "{drive}"}},
         .states = StateRules{.online = {"online"}, .offline = {"offline"}},
         .timeout = {5'000}},
        drives);
    REQUIRE(profile.ok());
    return std::move(profile).value();
}

struct Application {
    explicit Application(ApplicationProfile profile, std::size_t waiting_max = 16)
        : runner(
              loop, std::move(profile), [this](const ProgramCall& call) { calls.push_back(call); },
              waiting_max) {}

    void ask(const std::string& serial, ApplicationAction action) {
        runner.run(DriveSerial{serial}, action,
                   [this](const ApplicationAnswered& answered) { answers.push_back(answered); });
    }
    void settle() {
        loop.restart();
        loop.run_for(std::chrono::seconds(20));
    }

    asio::io_context loop;
    std::vector<ProgramCall> calls;
    std::vector<ApplicationAnswered> answers;
    CommandApplicationRunner runner;
};

}  // namespace

TEST_CASE("a query answers what the application says about the drive") {
    Application application(shell_profile("[ $1 = one ] && echo online || echo offline"));
    application.ask("VT1", ApplicationAction::query);
    application.ask("VT2", ApplicationAction::query);
    application.settle();
    REQUIRE(application.answers.size() == 2);
    CHECK(application.answers[0].drive == DriveSerial{"VT1"});
    CHECK(application.answers[0].succeeded);
    CHECK(application.answers[0].state == State::online);
    CHECK(application.answers[1].state == State::offline);
    CHECK(application.calls[0].argv.back() == "one");
}

TEST_CASE("an answer nobody understands is not a success") {
    Application application(shell_profile("echo gibberish"));
    application.ask("VT1", ApplicationAction::query);
    application.settle();
    REQUIRE(application.answers.size() == 1);
    CHECK_FALSE(application.answers[0].succeeded);
    CHECK(application.answers[0].state == State::unknown);
    CHECK_THAT(application.answers[0].detail, ContainsSubstring("gibberish"));
}

TEST_CASE("a failing command says with which words") {
    Application application(
        shell_profile("echo online", "echo >&2; echo 'no licence for drive' >&2; exit 9"));
    application.ask("VT1", ApplicationAction::set_offline);
    application.settle();
    REQUIRE(application.answers.size() == 1);
    CHECK_FALSE(application.answers[0].succeeded);
    CHECK(application.answers[0].detail == "/bin/sh: exit status 9: no licence for drive");
}

TEST_CASE(
    "programs of one application never run at the same time, and run in the order asked for") {
    // Each one would notice a neighbour by the folder it can not make.
    const std::string lock = "/tmp/lra-host-test-lock-" + std::to_string(::getpid());
    Application application(
        shell_profile("mkdir " + lock + " && sleep 0.02 && rmdir " + lock + " && echo online"));
    for (int i = 0; i < 5; ++i) {
        application.ask("VT1", ApplicationAction::query);
        application.ask("VT2", ApplicationAction::query);
    }
    application.settle();
    REQUIRE(application.answers.size() == 10);
    for (std::size_t i = 0; i < 10; ++i) {
        CHECK(application.answers[i].succeeded);
        CHECK(application.answers[i].drive.text == (i % 2 == 0 ? "VT1" : "VT2"));
    }
}

TEST_CASE("when too many calls wait the next ones fail at once and the others are answered") {
    Application application(shell_profile("echo online"), 3);
    for (int i = 0; i < 5; ++i)
        application.ask("VT1", ApplicationAction::query);
    application.settle();
    REQUIRE(application.answers.size() == 5);
    CHECK_FALSE(application.answers[0].succeeded);
    CHECK_THAT(application.answers[0].detail, ContainsSubstring("waiting already"));
    CHECK_FALSE(application.answers[1].succeeded);
    for (std::size_t i = 2; i < 5; ++i)
        CHECK(application.answers[i].succeeded);
}

TEST_CASE("a drive that is not configured is answered, and nothing is run") {
    Application application(shell_profile("echo online"));
    application.ask("VT9", ApplicationAction::set_offline);
    CHECK(application.answers.empty());
    application.settle();
    REQUIRE(application.answers.size() == 1);
    CHECK_FALSE(application.answers[0].succeeded);
    CHECK(application.calls[0].argv.empty());
}

TEST_CASE("a program that hangs does not hold up the next one for ever") {
    auto profile = ApplicationProfile::compile(
        {.offline = {{.argv = {"/bin/sleep", "1000"}}},
         .online = {{.argv = {"/bin/true"}}},
         .query = {.argv = {"/bin/echo", "online"}},
         .states = StateRules{.online = {"online"}, .offline = {"offline"}},
         .timeout = {200}},
        drives);
    REQUIRE(profile.ok());
    Application application(std::move(profile).value());
    application.ask("VT1", ApplicationAction::set_offline);
    application.ask("VT1", ApplicationAction::query);
    application.settle();
    REQUIRE(application.answers.size() == 2);
    CHECK_FALSE(application.answers[0].succeeded);
    CHECK_THAT(application.answers[0].detail, ContainsSubstring("not ended in time"));
    CHECK(application.answers[1].state == State::online);
}

TEST_CASE("a new profile counts for what is asked from then on") {
    Application application(shell_profile("echo online"));
    application.ask("VT1", ApplicationAction::query);
    application.runner.set_profile(shell_profile("echo offline"));
    application.ask("VT1", ApplicationAction::query);
    application.settle();
    REQUIRE(application.answers.size() == 2);
    CHECK(application.answers[0].state == State::online);
    CHECK(application.answers[1].state == State::offline);
}

namespace {

StepDescription shell_step(const std::string& script) {
    StepDescription step;
    step.argv = {"/bin/sh", "-c", script, "sh", "{drive}"};
    step.answers.busy = {"^busy"};
    step.answers.already = {"^already"};
    return step;
}

ApplicationProfile steps_profile(const std::vector<StepDescription>& offline) {
    auto profile = ApplicationProfile::compile(
        {.offline = offline,
         .online = {shell_step("true")},
         .query = shell_step("echo online"),
         .states = StateRules{.online = {"online"}, .offline = {"offline"}}},
        {{"one", "VT1", "", {}, {{"password", "open sesame"}}}});
    INFO((profile.ok() ? "" : profile.error().message));
    REQUIRE(profile.ok());
    return std::move(profile).value();
}

}  // namespace

TEST_CASE("the steps of an action follow each other, and the first that is not done ends it") {
    Application application(steps_profile(
        {shell_step("echo one"), shell_step("echo two >&2; exit 3"), shell_step("echo three")}));
    application.ask("VT1", ApplicationAction::set_offline);
    application.ask("VT1", ApplicationAction::query);
    application.settle();
    REQUIRE(application.calls.size() == 3);
    CHECK(application.calls[0].outcome.output == "one\n");
    CHECK(application.calls[1].step == 1);
    CHECK(application.calls[2].action == ApplicationAction::query);
    REQUIRE(application.answers.size() == 2);
    CHECK_FALSE(application.answers[0].succeeded);
    CHECK_THAT(application.answers[0].detail, ContainsSubstring("exit status 3: two"));
    CHECK_THAT(audit_line(application.calls[1]), ContainsSubstring("set_offline VT1 (2 of 3): "));
}

TEST_CASE("offline before any step did something is somebody else's") {
    Application application(
        steps_profile({shell_step("echo already"), shell_step("echo already")}));
    application.ask("VT1", ApplicationAction::set_offline);
    application.settle();
    CHECK(application.answers.at(0).succeeded);
    CHECK(application.answers[0].by_somebody_else);
    Application partly(steps_profile({shell_step("true"), shell_step("echo already")}));
    partly.ask("VT1", ApplicationAction::set_offline);
    partly.settle();
    CHECK(partly.answers.at(0).succeeded);
    CHECK_FALSE(partly.answers[0].by_somebody_else);
}

TEST_CASE("a drive that is busy drains, and is to be told again") {
    Application application(steps_profile({shell_step("echo busy with job 7")}));
    application.ask("VT1", ApplicationAction::set_offline);
    application.ask("VT1", ApplicationAction::query);
    application.settle();
    CHECK_FALSE(application.answers.at(0).succeeded);
    CHECK(application.answers.at(1).succeeded);
    CHECK(application.answers[1].state == State::draining);
    CHECK(application.answers[1].say_again);
    // Asked again at once: answered from the last look, and nothing is run.
    const std::size_t before = application.calls.size();
    application.ask("VT1", ApplicationAction::query);
    application.settle();
    CHECK(application.answers.at(2).state == State::draining);
    CHECK_FALSE(application.answers[2].say_again);
    CHECK(application.calls.size() == before);
}

TEST_CASE("a secret reaches the program and nobody else") {
    StepDescription step = shell_step("cat; echo $1");
    step.input = {"login {password}"};
    Application application(steps_profile({step}));
    application.ask("VT1", ApplicationAction::set_offline);
    application.settle();
    const ProgramCall& call = application.calls.at(0);
    CHECK(call.outcome.output == "login ***\none\n");
    CHECK(call.input == "login ***\n");
    CHECK(audit_line(call).find("sesame") == std::string::npos);
    CHECK_THAT(audit_line(call), ContainsSubstring("< [\"login ***\"]"));
}

namespace {

// Answers as a test wants it.
class ToldDoor final : public CommandDoor {
  public:
    ToldDoor(asio::io_context& loop, CommandOutcome outcome)
        : loop_(loop), outcome_(std::move(outcome)) {}
    void run(Command /*command*/, Done done) override {
        asio::post(loop_, [this, done = std::move(done)] { done(outcome_); });
    }

  private:
    asio::io_context& loop_;
    CommandOutcome outcome_;
};

ApplicationAnswered answer_when(CommandOutcome outcome, ApplicationAction action,
                                std::vector<ProgramCall>* calls = nullptr) {
    auto profile = ApplicationProfile::compile(
        {.offline = {{.argv = {"/opt/app"}, .input = {"{word}"}}},
         .online = {{.argv = {"/opt/app"}}},
         .query = {.argv = {"/opt/app"}},
         .states = StateRules{.online = {"online"}, .offline = {"offline"}},
         .timeout = {7'000}},
        {{"one", "VT1", "", {}, {{"word", "sesame-sesame"}}}});
    REQUIRE(profile.ok());
    asio::io_context loop;
    std::optional<ApplicationAnswered> told;
    CommandApplicationRunner runner(
        loop, std::move(profile).value(),
        [&](const ProgramCall& call) {
            if (calls != nullptr) calls->push_back(call);
        },
        std::make_unique<ToldDoor>(loop, std::move(outcome)));
    runner.run(DriveSerial{"VT1"}, action, [&](const ApplicationAnswered& one) { told = one; });
    loop.run_for(std::chrono::seconds(20));
    REQUIRE(told);
    return *told;
}

}  // namespace

TEST_CASE("a command that was cut off may still run, and its answer says for how long") {
    CommandOutcome cut;
    cut.end = CommandOutcome::End::cut_off;
    cut.why = "over ssh: client_loop: send disconnect";
    cut.may_run_for = {12'000};
    const auto offline = answer_when(cut, ApplicationAction::set_offline);
    CHECK(offline.may_run_for.ms == 12'000);
    CHECK_THAT(offline.detail, ContainsSubstring("was cut off; it may still be running"));
    // A query changes nothing, however long it runs.
    CHECK(answer_when(cut, ApplicationAction::query).may_run_for.ms == 0);
}

TEST_CASE("what a program that was killed has asked for may still be done for one limit more") {
    CommandOutcome killed;
    killed.end = CommandOutcome::End::timed_out;
    CHECK(answer_when(killed, ApplicationAction::set_online).may_run_for.ms == 7'000);
    CommandOutcome done;
    done.end = CommandOutcome::End::exited;
    CHECK(answer_when(done, ApplicationAction::set_online).may_run_for.ms == 0);
}

TEST_CASE("no secret stands in the reason of a failure") {
    CommandOutcome refused;
    refused.why = "over ssh: the answer was: echo sesame-sesame";
    std::vector<ProgramCall> calls;
    const auto answered = answer_when(refused, ApplicationAction::set_offline, &calls);
    CHECK_THAT(answered.detail, ContainsSubstring("echo ***"));
    CHECK(answered.detail.find("sesame") == std::string::npos);
    REQUIRE(calls.size() == 1);
    CHECK(audit_line(calls[0]).find("sesame") == std::string::npos);
}
