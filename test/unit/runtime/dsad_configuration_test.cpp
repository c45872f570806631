#include "agent/runtime/dsad_configuration.hpp"

#include "sample_configurations.hpp"
#include "test/support/catch.hpp"

using namespace agent::runtime;
using nlohmann::json;
namespace core = agent::core;

namespace {

struct Place {
    TemporaryFolder folder;
    Place() { folder.write("key", "correct horse\n"); }

    Configured<DsadConfiguration> read(const json& content) const {
        return read_dsad_configuration(folder.write("dsad.json", content.dump(1)));
    }
    std::string error(const std::string& pointer, const json& value) const {
        json content = sample_dsad();
        content[json::json_pointer(pointer)] = value;
        const auto result = read(content);
        INFO(pointer << " = " << value);
        REQUIRE(result.errors.size() == 1);
        return result.errors[0].substr(result.errors[0].find(": ") + 2);
    }
};

}  // namespace

TEST_CASE("every key of dsad.json arrives where it belongs") {
    const Place place;
    const auto result = place.read(sample_dsad());
    REQUIRE(result.errors == ConfigurationErrors{});
    const DsadConfiguration& dsad = *result.value;
    CHECK(dsad.host.agent == "host1");
    CHECK(dsad.host.domain == "bareos");
    CHECK_FALSE(dsad.host.observe_only);
    CHECK(dsad.state_dir == place.folder.file("state"));
    CHECK(dsad.control_socket == place.folder.file("dsad.sock"));
    CHECK(dsad.host.controllers == std::vector<std::string>{"lra-a"});
    CHECK(dsad.controllers[0] ==
          DsadController{"lra-a", {AddressText::Kind::udp, "127.0.0.1", 1162, ""}, "host1"});
    REQUIRE(dsad.drives.size() == 3);
    CHECK(dsad.drives[0] == DsadDrive{{"VT00000001"}, "drive-1", "/dev/nst0"});
    CHECK(dsad.drives[1] == DsadDrive{{"VT00000002"}, "drive-2", ""});
    CHECK(dsad.drives[2] == DsadDrive{{"VT00000003"}, "VT00000003", ""});
    CHECK(dsad.host.drives.size() == 3);
    CHECK(dsad.host.ports[0].transport == core::Transport::fc);
    CHECK(dsad.application.query.size() == 5);
    CHECK(dsad.application.timeout == core::Duration{5'000});
    CHECK(dsad.application.states.draining == std::vector<std::string>{"^busy"});
    CHECK(dsad.application.accepted_exit_statuses == std::vector<int>{0});
    CHECK(dsad.snmp.listen.port == 1163);
}

TEST_CASE("a dsad.json with the contract's least keys watches only") {
    const Place place;
    const auto result = place.read(
        {{"agent", {{"name", "host1"}}},
         {"controllers", {{{"address", "udp:127.0.0.1:1162"}, {"user", "host1"}}}},
         {"drives", {{{"serial", "VT00000001"}}}},
         {"ports", json::array()},
         {"snmp", {{"listen", "udp:127.0.0.1:1163"}, {"users", {sample_user("host1")}}}}});
    REQUIRE(result.errors == ConfigurationErrors{});
    CHECK(result.value->host.observe_only);
    CHECK(result.value->host.controllers == std::vector<std::string>{"lra"});
    CHECK(result.value->state_dir == "/var/lib/lra-dsa");
}

TEST_CASE("drives and ports of dsad.json may be left to the host") {
    const Place place;
    json content = sample_dsad();
    content["drives"] = "discover";
    content["ports"] = "discover";
    content["agent"]["discovery_interval_ms"] = 1'000;
    content["application"]["names"] = {{"VT00000001", "drive-1"}};  // of a drive not seen yet
    const auto result = place.read(content);
    REQUIRE(result.errors == ConfigurationErrors{});
    CHECK(result.value->discover_drives);
    CHECK(result.value->discover_ports);
    CHECK(result.value->discovery_interval == core::Duration{1'000});
    CHECK(result.value->application_names.at("VT00000001") == "drive-1");
    CHECK(result.value->host.drives.empty());
    CHECK(result.value->host.ports.empty());
}

TEST_CASE("what a schema can not say about dsad.json is checked too") {
    const Place place;
    const auto wrong = [&](const std::string& pointer, const json& value,
                           const std::string& expected) {
        const std::string error = place.error(pointer, value);
        INFO(error);
        CHECK_THAT(error, ContainsSubstring(expected));
    };
    wrong("/controllers/1", {{"name", "lra-a"}, {"address", "udp:h:1"}, {"user", "host1"}},
          "controllers[1].name: \"lra-a\" stands twice");
    wrong("/controllers/0/user", "other",
          "controllers[0].user: \"other\" is not one of snmp.users");
    wrong("/controllers/0/address", "udp:h:0", "port 0 can not be sent to");
    wrong("/drives/2/serial", "VT00000001", "drives[2].serial: \"VT00000001\" stands twice");
    wrong("/drives/1/application_name", "x",
          "drives[1].application_name: application.names has another name");
    wrong("/drives", "disover", "drives: is \"disover\"; it must be \"discover\"");
    wrong("/ports", "disover", "ports: is \"disover\"; it must be \"discover\"");
    wrong("/ports/0", "fc:12", "ports[0]: is not a host port");
    wrong("/application/names/VT9", "x",
          "application.names.VT9: no drive in drives[] has this serial");
    wrong("/application/offline", json::array(),
          "application.offline: is missing; with \"observe_only\": false");
    wrong("/application/offline/0", "app",
          "application.offline[0]: must be the program's full path");
    wrong("/application/query/3", "{serail}", "application.query[3]: {serail} is not known");
    wrong("/application/states/online/0", "(",
          "application.states.online[0]: is not an ECMAScript regular expression");
    wrong("/application/states", json::object(), "application: the state can not be read back");
    wrong("/application/exit_codes", {{"online", {0}}, {"offline", {1}}},
          "states and exit_codes stand side by side");
    wrong("/application/observe_only", "no",
          "application.observe_only: is \"no\"; it must be true or false");
    wrong("/snmp/consumers", json::array(), "snmp.consumers: this key is not known");
}

TEST_CASE("an exit status may mean one state only") {
    const Place place;
    json content = sample_dsad();
    content["application"].erase("states");
    content["application"]["exit_codes"] = {{"online", {0}}, {"offline", {1}}, {"draining", {2}}};
    CHECK(place.read(content).ok());
    content["application"]["exit_codes"]["draining"] = {1};
    REQUIRE(place.read(content).errors.size() == 1);
    CHECK_THAT(place.read(content).errors[0], ContainsSubstring("exit status 1 stands twice"));
}
