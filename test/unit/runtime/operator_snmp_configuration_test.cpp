// What lrad.json says about SNMP for operators: docs/SNMP.md.

#include "agent/runtime/lrad_configuration.hpp"
#include "sample_configurations.hpp"
#include "test/support/catch.hpp"

using namespace agent::runtime;
using nlohmann::json;

namespace {

struct OperatorPlace {
    TemporaryFolder folder;
    OperatorPlace() { folder.write("key", "correct horse\n"); }
    // The sample, with one user more that is no agent's.
    Configured<LradConfiguration> lrad(const json& snmp) const {
        json content = sample_lrad();
        json noc = content["snmp"]["users"][0];
        noc["name"] = "noc";
        content["snmp"]["users"].push_back(noc);
        content["snmp"].merge_patch(snmp);
        return read_lrad_configuration(folder.write("lrad.json", content.dump(1)));
    }
    std::string error(const json& snmp) const {
        const auto result = lrad(snmp);
        INFO(snmp);
        REQUIRE(result.errors.size() == 1);
        return result.errors[0];
    }
};

}  // namespace

TEST_CASE("nobody writes the MIB, snmpd is not asked and heartbeats come, when nothing is said") {
    const auto usual = OperatorPlace().lrad(json::object());
    REQUIRE(usual.ok());
    CHECK(usual.value->snmp.mib_writers.empty());
    CHECK(usual.value->snmp.agentx.empty());
    CHECK(usual.value->snmp.heartbeat_s == 300);
    CHECK(usual.value->snmp.refused_per_minute == 60);
}

TEST_CASE("who writes the MIB is a user, no agent's, and needs a port to do so") {
    const OperatorPlace place;
    const std::string listen = "udp:127.0.0.1:1161";
    const auto set = place.lrad({{"mib_listen", listen}, {"mib_writers", {"noc"}}});
    REQUIRE(set.errors == ConfigurationErrors{});
    CHECK(set.value->snmp.mib_writers == std::vector<std::string>{"noc"});
    CHECK_THAT(place.error({{"mib_listen", listen}, {"mib_writers", {"nobody"}}}),
               ContainsSubstring("snmp.mib_writers[0]: \"nobody\" is not one of snmp.users"));
    CHECK_THAT(place.error({{"mib_listen", listen}, {"mib_writers", {"host1"}}}),
               ContainsSubstring("a backup host must not be able to clear drives"));
    CHECK_THAT(place.error({{"mib_writers", {"noc"}}}),
               ContainsSubstring("has no meaning without snmp.mib_listen"));
}

TEST_CASE("snmpd is found by a path or by tcp, and by nothing else") {
    const OperatorPlace place;
    for (const char* socket : {"/var/agentx/master", "unix:/run/agentx", "tcp:127.0.0.1:705"}) {
        const auto set = place.lrad({{"agentx", socket}});
        REQUIRE(set.ok());
        CHECK(set.value->snmp.agentx == socket);
    }
    for (const char* socket : {"master", "udp:127.0.0.1:705", ""})
        CHECK_THAT(place.error({{"agentx", socket}}), ContainsSubstring("snmp.agentx"));
}
