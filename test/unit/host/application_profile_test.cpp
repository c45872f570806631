#include "agent/host/application_profile.hpp"

#include "test/support/catch.hpp"

using namespace agent::host;
using agent::core::ApplicationAction;
using agent::core::DriveSerial;
using State = agent::core::ApplicationDriveState;

namespace {

ProfileDescription description() {
    return {.offline = {{.argv = {"/opt/app", "offline", "{drive}"}}},
            .online = {{.argv = {"/opt/app", "online", "{drive}"}}},
            .query = {.argv = {"/opt/app", "status", "{drive}"}},
            .states = StateRules{.online = {"online"}, .offline = {"offline"}}};
}
const std::vector<DriveNames> profile_drives{{"LTO 1", "VT1", ""}, {"LTO 2", "VT2", ""}};

CommandOutcome answered(const std::string& output) {
    CommandOutcome outcome;
    outcome.end = CommandOutcome::End::exited;
    outcome.output = output;
    return outcome;
}

std::string profile_mistake(const ProfileDescription& bad) {
    const auto profile = ApplicationProfile::compile(bad, profile_drives);
    return profile.ok() ? "accepted" : profile.error().message;
}

}  // namespace

TEST_CASE("a profile knows every command of every drive beforehand") {
    const auto profile = ApplicationProfile::compile(description(), profile_drives);
    REQUIRE(profile.ok());
    const Command* offline = profile->command(DriveSerial{"VT2"}, ApplicationAction::set_offline);
    REQUIRE(offline != nullptr);
    CHECK(offline->argv == std::vector<std::string>{"/opt/app", "offline", "LTO 2"});
    CHECK(offline->environment == default_environment());
    CHECK(profile->command(DriveSerial{"VT1"}, ApplicationAction::set_online)->argv[1] == "online");
    CHECK(profile->command(DriveSerial{"VT1"}, ApplicationAction::query)->argv[1] == "status");
    CHECK(profile->read(DriveSerial{"VT1"}, answered("LTO 1 online")).state == State::online);
    CHECK(profile->command(DriveSerial{"VT3"}, ApplicationAction::query) == nullptr);
    CHECK(profile->steps(DriveSerial{"VT3"}, ApplicationAction::query).empty());
    CHECK(profile->read(DriveSerial{"VT3"}, answered("online")).state == State::unknown);
}

TEST_CASE("only the exit statuses that are listed are accepted") {
    auto lenient = description();
    lenient.offline[0].answers.accepted_statuses = {0, 4};
    const auto profile = ApplicationProfile::compile(lenient, profile_drives);
    REQUIRE(profile.ok());
    const auto& step = profile->steps(DriveSerial{"VT1"}, ApplicationAction::set_offline).at(0);
    for (const int status : {0, 4, 1}) {
        CommandOutcome outcome = answered("");
        outcome.exit_status = status;
        CHECK((step.answers.read(outcome).kind == AnswerKind::done) == (status != 1));
    }
}

TEST_CASE("a mistake in a profile says which key it is in") {
    auto bad = description();
    bad.query.argv = {""};
    CHECK_THAT(profile_mistake(bad), ContainsSubstring("query: no program is named"));
    bad = description();
    bad.offline[0].argv = {"/opt/app", "{what}"};
    CHECK_THAT(profile_mistake(bad), ContainsSubstring("offline: {what} is not known"));
    bad = description();
    bad.online[0].argv = {"opt/app"};
    CHECK_THAT(profile_mistake(bad), ContainsSubstring("online: opt/app is a relative path"));
    bad = description();
    std::get<StateRules>(bad.states).offline = {"["};
    CHECK_THAT(profile_mistake(bad), ContainsSubstring("states.offline[0]"));
    bad = description();
    bad.offline[0].answers.accepted_statuses = {};
    CHECK_THAT(profile_mistake(bad), ContainsSubstring("accepted_exit_codes"));
}

TEST_CASE("an agent that only observes needs no commands") {
    const auto profile = ApplicationProfile::compile({}, profile_drives);
    REQUIRE(profile.ok());
    CHECK(profile->command(DriveSerial{"VT1"}, ApplicationAction::query) == nullptr);
    CHECK(profile->read(DriveSerial{"VT1"}, answered("online")).state == State::unknown);
}

TEST_CASE("a line that says that the drive is used is told for each drive, with its settings") {
    auto with_use = description();
    with_use.in_use = {"^{library},{drive},busy"};
    std::vector<DriveNames> drives{{"D1", "VT1", "", {{"library", "L.1"}}, {}},
                                   {"D2", "VT2", "", {{"library", "L.1"}}, {}}};
    const auto profile = ApplicationProfile::compile(with_use, drives);
    REQUIRE(profile.ok());
    CHECK(profile->tells_use(DriveSerial{"VT1"}));
    CHECK_FALSE(profile->tells_use(DriveSerial{"VT3"}));
    const auto printed = answered("L.1,D1,busy\nL.2,D2,busy\nLx1,D2,busy\n");
    CHECK(profile->line_in_use(DriveSerial{"VT1"}, printed) == "\"L.1,D1,busy\"");
    CHECK_FALSE(profile->line_in_use(DriveSerial{"VT2"}, printed));
    CommandOutcome killed = printed;
    killed.end = CommandOutcome::End::timed_out;
    CHECK_FALSE(profile->line_in_use(DriveSerial{"VT1"}, killed));
    with_use.in_use = {"{nothing}"};
    CHECK_THAT(profile_mistake(with_use), ContainsSubstring("in_use[0]"));
}
