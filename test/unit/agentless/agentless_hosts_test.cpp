#include "agent/agentless/agentless_hosts.hpp"

#include "test/unit/agentless/played_hosts.hpp"

using namespace agentless_test;

namespace {

std::string offline_argument(PlayedHosts& played) {
    return played.host()
        .application()
        .profile()
        .command({"VT1"}, core::ApplicationAction::set_offline)
        ->argv.back();
}

std::string reload(PlayedHosts& played) {
    const auto configuration = played.configuration();
    if (auto can = played.hosts->can_follow(configuration); !can) return can.error().message;
    REQUIRE(played.hosts->follow(configuration).ok());
    played.settle();
    return "";
}

}  // namespace

TEST_CASE("a profile that was edited counts after a reload though lrad.json is the same") {
    PlayedHosts played;
    played.use_profile();
    played.start();
    CHECK(offline_argument(played) == "off");
    const auto* before = &played.host();
    CHECK(reload(played).empty());
    CHECK(&played.host() == before);  // nothing has changed: it goes on
    played.folder.write("mine.json", PlayedHosts::profile_text("take-off"));
    CHECK(reload(played).empty());
    CHECK(offline_argument(played) == "take-off");
}

TEST_CASE("a credential that was exchanged counts after a reload") {
    PlayedHosts played;
    played.use_profile();
    played.start();
    played.folder.write("secret", "another-secret\n");
    CHECK(reload(played).empty());
    const auto* command = played.host().application().profile().command(
        {"VT1"}, core::ApplicationAction::set_offline);
    REQUIRE(command != nullptr);
    CHECK(command->secrets == std::vector<std::string>{"another-secret"});
}

TEST_CASE("a drive in the ledger keeps its name") {
    PlayedHosts played;
    played.remember_offline("VT1");
    played.start();
    REQUIRE(played.host().offline_by_us().size() == 1);
    played.agent["drives"][0]["application_name"] = "drive-2";
    const std::string refused = reload(played);
    for (const char* word : {"backup3", "VT1", "drive-1", "drive-2", "lractl drive show VT1"})
        CHECK_THAT(refused, ContainsSubstring(word));
    CHECK(played.host().completed().drives[0].application_name == "drive-1");
    // To leave it out is no new name, and other drives are free to have another.
    played.agent["drives"] =
        nlohmann::json::array({{{"serial", "VT2"}, {"application_name", "x"}}});
    CHECK(reload(played).empty());
}

TEST_CASE("a profile file that can not be used is a mistake of lrad.json, with its line") {
    PlayedHosts played;
    played.use_profile();
    played.folder.write("mine.json", "{}");
    const auto mistakes = agentless::AgentlessHosts::mistakes(played.configuration());
    REQUIRE(mistakes.size() == 1);
    CHECK_THAT(mistakes[0], ContainsSubstring("lrad.json:"));
    CHECK_THAT(mistakes[0], ContainsSubstring("agents[2].application.profile: "));
}

TEST_CASE("programs of a host with PowerShell have names that PowerShell finds") {
    PlayedHosts played;
    played.agent["ssh"]["shell"] = "powershell";
    auto& application = played.agent["application"];
    application["query"] = {"powershell", "-Command", "Get-X {drive}"};
    application["offline"] = {"C:\\Tools\\app.exe", "offline", "{drive}"};
    application["online"] = {"D:/Tools/app.exe", "online", "{drive}"};
    CHECK(played.read().ok());
    CHECK(agentless::AgentlessHosts::mistakes(played.configuration()).empty());
    application["query"][0] = "tools\\app.exe";
    CHECK_FALSE(played.read().ok());
    application["query"][0] = "powershell";
    played.agent["ssh"]["shell"] = "posix";
    CHECK_FALSE(played.read().ok());
}

TEST_CASE("the profile veeam calls PowerShell by its name on a Windows host") {
    PlayedHosts played;
    played.agent["ssh"]["shell"] = "powershell";
    auto& application = played.agent["application"];
    application = {{"profile", "veeam"},
                   {"profile_dirs", {std::string(LRA_SOURCE_DIR) + "/packaging/profiles"}}};
    played.start();
    const auto program = [&] {
        return played.host()
            .application()
            .profile()
            .command({"VT1"}, core::ApplicationAction::query)
            ->argv.front();
    };
    CHECK(program() == "powershell");
    application["programs"]["powershell"] = "C:\\Program Files\\PowerShell\\7\\pwsh.exe";
    CHECK(reload(played).empty());
    CHECK(program() == "C:\\Program Files\\PowerShell\\7\\pwsh.exe");
}
