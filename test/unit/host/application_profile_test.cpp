#include "agent/host/application_profile.hpp"

#include "test/support/catch.hpp"

using namespace agent::host;
using agent::core::ApplicationAction;
using agent::core::DriveSerial;

namespace {

ProfileDescription description() {
    return {.offline = {"/opt/app", "offline", "{drive}"},
            .online = {"/opt/app", "online", "{drive}"},
            .query = {"/opt/app", "status", "{drive}"},
            .states = {.online = {"online"}, .offline = {"offline"}}};
}
const std::vector<DriveNames> profile_drives{{"LTO 1", "VT1", ""}, {"LTO 2", "VT2", ""}};

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
    CHECK(profile->reader(DriveSerial{"VT1"}) != nullptr);
    CHECK(profile->command(DriveSerial{"VT3"}, ApplicationAction::query) == nullptr);
    CHECK(profile->reader(DriveSerial{"VT3"}) == nullptr);
}

TEST_CASE("only the exit statuses that are listed are accepted") {
    auto lenient = description();
    lenient.accepted_statuses = {0, 4};
    const auto profile = ApplicationProfile::compile(lenient, profile_drives);
    REQUIRE(profile.ok());
    CHECK(profile->accepts(0));
    CHECK(profile->accepts(4));
    CHECK_FALSE(profile->accepts(1));
}

TEST_CASE("a mistake in a profile says which key it is in") {
    auto bad = description();
    bad.query = {""};
    CHECK_THAT(profile_mistake(bad), ContainsSubstring("query: no program is named"));
    bad = description();
    bad.offline = {"/opt/app", "{what}"};
    CHECK_THAT(profile_mistake(bad), ContainsSubstring("offline: {what} is not known"));
    bad = description();
    bad.online = {"opt/app"};
    CHECK_THAT(profile_mistake(bad), ContainsSubstring("online: opt/app is a relative path"));
    bad = description();
    bad.states.offline = {"["};
    CHECK_THAT(profile_mistake(bad), ContainsSubstring("states.offline[0]"));
    bad = description();
    bad.accepted_statuses = {};
    CHECK_THAT(profile_mistake(bad), ContainsSubstring("accepted_exit_codes"));
}

TEST_CASE("an agent that only observes needs no commands") {
    const auto profile = ApplicationProfile::compile({}, profile_drives);
    REQUIRE(profile.ok());
    CHECK(profile->command(DriveSerial{"VT1"}, ApplicationAction::query) == nullptr);
    CHECK(profile->reader(DriveSerial{"VT1"}) == nullptr);
}
