// What lrad.json says about hosts without an agent: docs/AGENTLESS.md.

#include "agent/runtime/agentless_configuration.hpp"

#include "agent/runtime/lrad_configuration.hpp"
#include "sample_configurations.hpp"
#include "test/support/catch.hpp"

using namespace agent::runtime;
using nlohmann::json;

namespace {

struct AgentlessPlace {
    TemporaryFolder folder;
    AgentlessPlace() { folder.write("key", "correct horse\n"); }
    Configured<LradConfiguration> read(const json& patch) const {
        json agent = sample_agent_over_ssh();
        agent.merge_patch(patch);
        json content = sample_lrad();
        content["agents"].push_back(agent);
        return read_lrad_configuration(folder.write("lrad.json", content.dump(1)));
    }
    std::string error(const json& patch) const {
        const auto result = read(patch);
        INFO(patch);
        REQUIRE_FALSE(result.errors.empty());
        return result.errors[0];
    }
};

}  // namespace

TEST_CASE("an agent with ssh has what dsad.json would say on its host") {
    const AgentlessPlace place;
    const auto read = place.read(json::object());
    REQUIRE(read.errors == ConfigurationErrors{});
    const LradAgent& agent = read.value->agents.back();
    REQUIRE(agent.agentless);
    const auto& ssh = agent.agentless->ssh;
    CHECK(ssh.host == "backup3.example");
    CHECK(ssh.port == 22);
    CHECK(ssh.key_file.back() == '3');
    CHECK(ssh.key_file.front() == '/');  // counted from the folder of the configuration
    CHECK(ssh.system == RemoteSystem::linux_sysfs);
    const auto& host = agent.agentless->agent;
    CHECK(host.host.agent == "backup3");
    CHECK(host.host.controllers == std::vector<std::string>{read.value->sharing.controller});
    CHECK_FALSE(host.host.observe_only);
    REQUIRE(host.drives.size() == 1);
    CHECK(host.drives[0].application_name == "LTO 1");
    CHECK(host.host.ports.size() == 1);
    CHECK(host.state_dir == read.value->state_dir + "/agentless/agent-backup3");
    CHECK(read.value->sharing.agents.back().name == "backup3");
}

TEST_CASE("what is not said of a host's drives and ports is discovered") {
    const AgentlessPlace place;
    const auto read = place.read({{"drives", nullptr}, {"ports", nullptr}});
    REQUIRE(read.errors == ConfigurationErrors{});
    CHECK(read.value->agents.back().agentless->agent.discover_drives);
    CHECK(read.value->agents.back().agentless->agent.discover_ports);
}

TEST_CASE("equal texts are equal configurations, and every change is one") {
    const AgentlessPlace place;
    const auto one = place.read(json::object());
    const auto same = place.read(json::object());
    const auto other = place.read({{"ssh", {{"port", 2222}}}});
    CHECK(*one.value->agents.back().agentless == *same.value->agents.back().agentless);
    CHECK_FALSE(*one.value->agents.back().agentless == *other.value->agents.back().agentless);
}

TEST_CASE("mistakes in the part of the host are named with their whole path and line") {
    const AgentlessPlace place;
    const auto states = place.error({{"application", {{"states", {{"online", {"("}}}}}}});
    CHECK_THAT(states, ContainsSubstring("application.states.online[0]: is not an ECMAScript") &&
                           ContainsSubstring("agents["));
    CHECK_THAT(states, !ContainsSubstring("lrad.json:1:"));
    CHECK_THAT(place.error({{"application", {{"offline", {"app"}}}}}),
               ContainsSubstring("].application.offline[0]: must be the program's full path"));
    CHECK_THAT(place.error({{"application", nullptr}}),
               ContainsSubstring("].application: is missing"));
    CHECK_THAT(place.error({{"application", {{"queri", 1}}}}),
               ContainsSubstring("did you mean \"query\""));
}

TEST_CASE("an agent is reached by SNMP or over ssh, not both and not neither") {
    const AgentlessPlace place;
    CHECK_THAT(place.error({{"address", "udp:192.0.2.31:1162"}}),
               ContainsSubstring("].address: has no meaning together with ssh"));
    CHECK_THAT(place.error({{"ssh", nullptr}}), ContainsSubstring("].address: is missing"));
    CHECK_THAT(
        place.error({{"ssh", nullptr}, {"address", "udp:192.0.2.31:1162"}, {"user", "host1"}}),
        ContainsSubstring("].drives: stands in that host's dsad.json"));
}

TEST_CASE("nothing that ssh would read in its own way gets to it") {
    const AgentlessPlace place;
    const auto ssh = [&](const json& patch) { return place.error({{"ssh", patch}}); };
    for (const char* host : {"-oProxyCommand=x", "a b", "a;b", "a\nb", "$(id)", "a/b"}) {
        INFO(host);
        CHECK_THAT(ssh({{"host", host}}), ContainsSubstring("].ssh.host: is not"));
    }
    CHECK_THAT(ssh({{"user", "-lroot"}}), ContainsSubstring("].ssh.user: is not"));
    for (const char* file : {"/a b", "/%h", "/a\"b", "/$HOME", "/~x"}) {
        INFO(file);
        CHECK_THAT(ssh({{"key_file", file}}), ContainsSubstring("].ssh.key_file: "));
        CHECK_THAT(ssh({{"known_hosts_file", file}}),
                   ContainsSubstring("].ssh.known_hosts_file: "));
    }
    CHECK_THAT(ssh({{"port", 0}}), ContainsSubstring("].ssh.port: is 0"));
    CHECK(place.read({{"ssh", {{"host", "2001:db8::7"}}}}).ok());
}

TEST_CASE("a program that finds drives and ports belongs to os commands") {
    const AgentlessPlace place;
    const json discovering{{"ports", "discover"}, {"ssh", {{"os", "commands"}}}};
    CHECK_THAT(place.error(discovering), ContainsSubstring("].ssh.discover: is missing"));
    json complete = discovering;
    complete["ssh"]["discover"] = {"/usr/local/bin/tapes"};
    CHECK(place.read(complete).ok());
    CHECK_THAT(place.error({{"ssh", {{"discover", {"/usr/local/bin/tapes"}}}}}),
               ContainsSubstring("only run with os commands"));
    CHECK_THAT(place.error({{"ssh", {{"shell", "powershell"}}}}),
               ContainsSubstring("].ssh.os: hosts with PowerShell"));
}
