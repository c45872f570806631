#include "agent/host/profile_file.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include <unistd.h>
#include <nlohmann/json.hpp>

#include "agent/host/profile_settings.hpp"
#include "test/support/catch.hpp"

using namespace agent::host;
using agent::core::ApplicationAction;
using nlohmann::json;

namespace {

const std::string shipped = LRA_SOURCE_DIR "/packaging/profiles";

// A folder of its own, gone with it.
struct ProfileFolder {
    ProfileFolder() {
        std::string name = std::filesystem::temp_directory_path() / "profile-XXXXXX";
        if (::mkdtemp(name.data()) == nullptr) FAIL("no folder");
        path = name;
    }
    ~ProfileFolder() { std::filesystem::remove_all(path); }
    ProfileFolder(const ProfileFolder&) = delete;
    ProfileFolder& operator=(const ProfileFolder&) = delete;

    std::string write(const std::string& name, const std::string& text) const {
        std::ofstream(path + "/" + name) << text;
        return path + "/" + name;
    }
    std::string path;
};

json sample_profile() {
    return json::parse(R"({
      "description": "sample",
      "drive": {"description": "its name", "matches": "[A-Z0-9]+"},
      "programs": {"app": {"description": "the application", "places": ["/bin/true"]}},
      "parameters": {"storage": {"description": "its storage", "matches": "[a-z]+"},
                     "number": {"description": "its number", "of": "drive", "default": "0"}},
      "credentials": {"password": {"description": "its password"}},
      "environment": {"APP_USER": "{storage}"},
      "offline": [{"argv": ["app", "{drive}", "{number}"], "input": ["login {password}", "off"],
                   "answers": {"busy": ["^{drive} busy"]}}],
      "online": [{"argv": ["app", "on"]}],
      "query": {"argv": ["app", "show", "{storage}"],
                "states": [{"state": "offline", "all": ["^off"]}, {"state": "online"}]}
    })");
}

ProfileSettings sample_settings() {
    ProfileSettings settings;
    settings.parameters = {{"storage", "tape"}};
    settings.credentials = {{"password", "open sesame"}};
    return settings;
}

ProfileFile read_sample(const json& profile) {
    const ProfileFolder folder;
    auto read = read_profile_file(folder.write("sample.json", profile.dump(1)));
    INFO((read.errors.empty() ? "" : read.errors.front()));
    REQUIRE(read.ok());
    return std::move(*read.value);
}

// What is wrong with the sample when a value in it is changed; the line number is left out.
std::string profile_error(const std::string& pointer, const json& value) {
    json changed = sample_profile();
    changed[json::json_pointer(pointer)] = value;
    const ProfileFolder folder;
    const auto read = read_profile_file(folder.write("sample.json", changed.dump(1)));
    if (read.ok()) return "accepted";
    const std::string& error = read.errors.front();
    CHECK(error.find(folder.path + "/sample.json:") == 0);
    return error.substr(error.find(": ") + 2);
}

std::string settings_error(const ProfileSettings& settings, const std::string& drive = "DRV1") {
    const auto filled =
        fill_in_profile(read_sample(sample_profile()), settings, {{drive, "VT1", "", {}, {}}});
    return filled.ok() ? "accepted" : filled.error().message;
}

}  // namespace

TEST_CASE("a profile's steps are filled in for each drive") {
    auto settings = sample_settings();
    settings.drive_parameters = {{"VT2", {{"number", "7"}}}};
    const auto filled = fill_in_profile(read_sample(sample_profile()), settings,
                                        {{"DRV1", "VT1", "", {}, {}}, {"DRV2", "VT2", "", {}, {}}});
    REQUIRE(filled.ok());
    const auto profile = ApplicationProfile::compile(filled->description, filled->drives);
    REQUIRE(profile.ok());
    const auto& step = profile->steps({"VT2"}, ApplicationAction::set_offline).at(0);
    CHECK(step.command.argv == std::vector<std::string>{"/bin/true", "DRV2", "7"});
    CHECK(step.command.input == "login open sesame\noff\n");
    CHECK(step.command.secrets == std::vector<std::string>{"open sesame"});
    const auto& environment = step.command.environment;
    CHECK(std::find(environment.begin(), environment.end(), "APP_USER=tape") != environment.end());
    CHECK(std::find(environment.begin(), environment.end(), "LC_ALL=C") != environment.end());
    CHECK(profile->command({"VT1"}, ApplicationAction::set_offline)->argv[2] == "0");
}

TEST_CASE("a mistake in a profile is told with its file, line and place") {
    CHECK(
        profile_error("/offline/0/argv/1", "{drvie}").find("offline[0].argv[1]: {drvie} is not") ==
        0);
    CHECK(profile_error("/offline/0/argv/0", "ap").find("offline[0].argv[0]: \"ap\" is not one") ==
          0);
    CHECK(profile_error("/offline/0/argv/1", "{password}")
              .find("offline[0].argv[1]: {password} is "
                    "a credential") == 0);
    CHECK(profile_error("/offline/0/input/1", "a\nb").find("offline[0].input[1]: has a line end") ==
          0);
    CHECK(profile_error("/offline/0/answers/busy/0", "(").find("offline[0].answers.busy[0]: ") ==
          0);
    CHECK(
        profile_error("/query/states/0/all", json::array()).find("query.states[0].all: is empty") ==
        0);
    CHECK(profile_error("/query/states/1/state", "offline").find("query.states[1].all: is empty") ==
          0);
    CHECK(profile_error("/query/states/1/say_again", true).find("query.states[1].say_again: ") ==
          0);
    CHECK(profile_error("/query/records", {{"match", {{"a", "b"}}}}).find("query.records: ") == 0);
    CHECK(
        profile_error("/query/find", {{"row", "x"}}).find("query: find.row: must have one group") ==
        0);
    CHECK(profile_error("/parameters/Storage", {{"description", "x"}})
              .find("parameters.Storage: can not be a placeholder") == 0);
    CHECK(profile_error("/parameters/password", {{"description", "x"}})
              .find("credentials.password: this name is taken") == 0);
    CHECK(profile_error("/parameters/storage/matches", "[").find("parameters.storage.matches: ") ==
          0);
    CHECK(profile_error("/programs/app/places/0", "true").find("programs.app.places[0]: ") == 0);
    CHECK_THAT(profile_error("/environment/A=B", "x"), ContainsSubstring("is no name of"));
    CHECK(profile_error("/ofline", 1).find("ofline: this key is not known; did you mean") == 0);
    CHECK(profile_error("/timeout_ms", 5).find("timeout_ms: is 5") == 0);
}

TEST_CASE("what is filled in wrongly is told by its key") {
    auto settings = sample_settings();
    CHECK(settings_error(settings) == "accepted");
    settings.parameters = {};
    CHECK(settings_error(settings).find("parameters.storage: is missing; the profile sample needs "
                                        "it: its storage") == 0);
    settings.parameters = {{"storage", "tape on=yes"}};
    CHECK(settings_error(settings).find("parameters.storage: \"tape on=yes\" is not of the form") ==
          0);
    settings.parameters = {{"storage", "tape"}, {"number", "1"}};
    CHECK(settings_error(settings).find("parameters.number: the profile sample has nothing of") ==
          0);
    settings = sample_settings();
    settings.drive_parameters = {{"VT1", {{"nmber", "1"}}}};
    CHECK(settings_error(settings).find("drive_parameters.VT1.nmber: ") == 0);
    settings = sample_settings();
    settings.credentials = {};
    CHECK(settings_error(settings).find("credentials.password: is missing") == 0);
    settings = sample_settings();
    settings.programs = {{"app", "bin/app"}};
    CHECK(settings_error(settings).find("programs.app: must be the program's full path") == 0);
    settings.programs = {{"ap", "/bin/app"}};
    CHECK(settings_error(settings).find("programs.ap: ") == 0);
    CHECK(
        settings_error(sample_settings(), "drv1").find("names.VT1: \"drv1\" is not of the form") ==
        0);
}

TEST_CASE("a credential that only fits into argv is refused unless somebody accepts that") {
    json profile = sample_profile();
    profile["credentials"]["password"]["given_in"] = "argv";
    profile["offline"][0]["argv"][2] = "-p={password}";
    profile["offline"][0]["input"] = json::array();
    const ProfileFile file = read_sample(profile);
    auto settings = sample_settings();
    const auto refused = fill_in_profile(file, settings, {{"DRV1", "VT1", "", {}, {}}});
    REQUIRE_FALSE(refused.ok());
    CHECK_THAT(refused.error().message, ContainsSubstring("as an argument only"));
    settings.credentials_in_argv = true;
    const auto filled = fill_in_profile(file, settings, {{"DRV1", "VT1", "", {}, {}}});
    REQUIRE(filled.ok());
    const auto compiled = ApplicationProfile::compile(filled->description, filled->drives);
    REQUIRE(compiled.ok());
    CHECK(compiled->command({"VT1"}, ApplicationAction::set_offline)->argv[2] == "-p=open sesame");
}

TEST_CASE("a profile is found by name in the first folder that has it, or by path") {
    const ProfileFolder own;
    const ProfileFolder usual;
    usual.write("a.json", "{}");
    usual.write("b.json", "{}");
    own.write("b.json", "{}");
    const std::vector<std::string> folders{own.path, usual.path, "/nowhere"};
    CHECK(*find_profile("a", folders) == usual.path + "/a.json");
    CHECK(*find_profile("b", folders) == own.path + "/b.json");
    CHECK(*find_profile(usual.path + "/b.json", folders) == usual.path + "/b.json");
    CHECK_THAT(find_profile("c", folders).error().message, ContainsSubstring("--list-profiles"));
    CHECK_FALSE(find_profile("./c.json", folders).ok());
    CHECK(profiles_in(folders) == std::map<std::string, std::string>{{"a", usual.path + "/a.json"},
                                                                     {"b", own.path + "/b.json"}});
}

TEST_CASE("every shipped profile is right, and says how sure it is") {
    std::size_t count = 0;
    for (const auto& [name, file] : profiles_in({shipped})) {
        INFO(name);
        const auto read = read_profile_file(file);
        CHECK(read.errors == std::vector<std::string>{});
        REQUIRE(read.ok());
        CHECK_FALSE(read.value->verified.empty());
        CHECK_FALSE(read.value->description.empty());
        ++count;
    }
    CHECK(count == 9);
}
