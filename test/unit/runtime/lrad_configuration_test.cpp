#include "agent/runtime/lrad_configuration.hpp"

#include "sample_configurations.hpp"
#include "test/support/catch.hpp"

using namespace agent::runtime;
using nlohmann::json;
namespace core = agent::core;

namespace {

struct Place {
    TemporaryFolder folder;
    Place() { folder.write("key", "correct horse\n"); }

    Configured<LradConfiguration> read(const json& content) const {
        return read_lrad_configuration(folder.write("lrad.json", content.dump(1)));
    }
    // The one error of a sample with `value` at `pointer` (null: removed), without file and line.
    std::string error(const std::string& pointer, const json& value) const {
        json content = sample_lrad();
        if (value.is_discarded()) {
            const json::json_pointer at(pointer);
            content[at.parent_pointer()].erase(at.back());
        } else {
            content[json::json_pointer(pointer)] = value;
        }
        const auto result = read(content);
        INFO(pointer << " = " << value);
        REQUIRE(result.errors.size() == 1);
        const std::string& line = result.errors[0];
        REQUIRE(line.find("lrad.json:") != std::string::npos);
        return line.substr(line.find(": ") + 2);
    }
};

const json removed = json(json::value_t::discarded);

}  // namespace

TEST_CASE("every key of lrad.json arrives where it belongs") {
    const Place place;
    const auto result = place.read(sample_lrad());
    REQUIRE(result.errors == ConfigurationErrors{});
    const LradConfiguration& lrad = *result.value;
    CHECK(lrad.sharing.controller == "lra-a");
    CHECK(lrad.state_dir == place.folder.file("state"));
    CHECK(lrad.control_socket == place.folder.file("lrad.sock"));
    CHECK(lrad.events_listen->path == place.folder.file("events.sock"));
    REQUIRE(lrad.drives.size() == 3);
    CHECK(lrad.drives[0].interface ==
          DriveInterface{DriveInterface::Type::iscsi, "",
                         "iscsi://127.0.0.1:3260/iqn.2026-01.example:drive-VT00000001/0",
                         "iqn.2026-01.example:lra"});
    CHECK(lrad.drives[0].element_address == 256U);
    CHECK(lrad.drives[0].poll == core::Duration{200});
    CHECK(lrad.drives[0].actuator == OfflineActuator::drive);
    CHECK(lrad.drives[1].interface->device == "/dev/sg3");
    CHECK(lrad.drives[1].poll == core::Duration{1'000});
    CHECK(lrad.drives[1].actuator_argv.size() == 3);
    CHECK_FALSE(lrad.drives[2].interface);
    CHECK(lrad.drives[2].events);
    REQUIRE(lrad.sharing.drives.size() == 3);
    CHECK(lrad.sharing.drives[0].shared);
    CHECK_FALSE(lrad.sharing.drives[1].shared);
    REQUIRE(lrad.agents.size() == 2);
    CHECK(lrad.agents[0].address == AddressText{AddressText::Kind::udp, "127.0.0.1", 1163, ""});
    CHECK(lrad.sharing.agents[0].domain == "bareos");
    REQUIRE(lrad.sharing.domains.size() == 1);
    CHECK(lrad.sharing.domains[0].ports[0].name == "2100000e1e09a1b0");
    CHECK(lrad.sharing.handshake_timeout == core::Duration{2'000});
    CHECK(lrad.sharing.handshake_retries == 2);
    CHECK(lrad.sharing.on_missing == core::SharingConfiguration::OnMissing::alarm);
    CHECK(lrad.sharing.debounce == core::Duration{5});
    CHECK(lrad.sharing.release_hold_down == core::Duration{10});
    CHECK(lrad.sharing.unknown_holder == core::SharingConfiguration::UnknownHolder::notify);
    CHECK(lrad.snmp.engine_id ==
          std::vector<std::uint8_t>{0x80, 0x00, 0x1f, 0x88, 0x03, 0x6c, 0x72, 0x61});
    CHECK(lrad.snmp.delivery == SnmpDelivery::trap);
    REQUIRE(lrad.snmp.users.size() == 2);
    CHECK(lrad.snmp.users[0].authentication == SnmpAuthentication::sha512);
    CHECK(lrad.snmp.users[1].authentication == SnmpAuthentication::sha256);
    CHECK(lrad.snmp.users[0].privacy == SnmpPrivacy::aes256);
    CHECK(lrad.snmp.users[1].privacy == SnmpPrivacy::aes128);
    CHECK(lrad.snmp.users[0].authentication_key == "correct horse");
    REQUIRE(lrad.snmp.consumers.size() == 2);
    CHECK(lrad.snmp.consumers[0].delivery == SnmpDelivery::trap);
    CHECK(lrad.snmp.consumers[1].version == SnmpVersion::v2c);
    CHECK(lrad.snmp.consumers[1].delivery == SnmpDelivery::inform);
}

TEST_CASE("the least lrad.json gets the documented defaults") {
    const Place place;
    const auto result =
        place.read({{"drives",
                     {{{"serial", "A"},
                       {"interface", {{"type", "sg"}, {"device", "/dev/sg0"}}},
                       {"offline", {{"actuator", "alarm"}}}}}},
                    {"snmp", {{"listen", "udp:0.0.0.0:1162"}, {"users", {sample_user("u")}}}}});
    REQUIRE(result.errors == ConfigurationErrors{});
    CHECK(result.value->sharing.controller == "lra");
    CHECK(result.value->state_dir == "/var/lib/lra");
    CHECK(result.value->control_socket == "/run/lra/lrad.sock");
    CHECK(result.value->sharing.handshake_timeout == core::Duration{10'000});
    CHECK(result.value->sharing.handshake_retries == 1);
    CHECK_FALSE(result.value->events_listen);
}

TEST_CASE("without an event channel no drive can be known or told by it") {
    const Place place;
    json content = sample_lrad();
    content.erase("events");
    const auto result = place.read(content);
    REQUIRE(result.errors.size() == 2);
    CHECK_THAT(result.errors[0],
               ContainsSubstring("drives[0].offline.actuator: drive is told to go offline on"));
    CHECK_THAT(result.errors[1],
               ContainsSubstring("drives[2]: nothing would ever be known of this drive"));
}

TEST_CASE("what a schema can not say about lrad.json is checked too") {
    const Place place;
    const auto wrong = [&](const std::string& pointer, const json& value,
                           const std::string& expected) {
        const std::string error = place.error(pointer, value);
        INFO(error);
        CHECK_THAT(error, ContainsSubstring(expected));
    };
    wrong("/drives/1/serial", "VT00000001", "drives[1].serial: \"VT00000001\" stands twice");
    wrong("/drives/1/serial", " VT2", "drives[1].serial: is not a unit serial number");
    wrong("/drives/1/element_address", 256, "drives[1].element_address: another drive");
    wrong("/drives/0/interface/url", removed, "drives[0].interface.url: is missing");
    wrong("/drives/0/interface/url", "iscsi://h/", "drives[0].interface.url: is not of the form");
    wrong("/drives/0/interface/device", "/dev/sg0", "drives[0].interface.device: has no meaning");
    wrong("/drives/0/interface/initiator_name", "IQN.x", "is not an iSCSI name");
    wrong("/drives/1/interface/initiator_name", "iqn.a:b", "have no meaning with type sg");
    wrong("/drives/1/offline/argv", json::array(), "drives[1].offline.argv: is missing");
    wrong("/drives/1/offline/argv/0", "offline",
          "drives[1].offline.argv[0]: must be the program's full path");
    wrong("/drives/1/offline/actuator", "drive", "only actuator command runs a program");
    wrong("/drives/2/offline/actuator", "fence",
          "drives[2].offline.actuator: fence is a reservation, and without an interface");
    wrong("/drives/2/events", false, "drives[2]: nothing would ever be known of this drive");
    wrong("/events/listen", "udp:h:1", "events.listen: \"udp:h:1\" is not an address");
    wrong("/events/listen", "tcp:192.0.2.1:1", "events.listen: without events.tls only this");
    const json tls = {
        {"certificate_file", "a"}, {"certificate_key_file", "b"}, {"authority_file", "c"}};
    wrong("/events", {{"listen", "unix:/run/x"}, {"tls", tls}}, "events.tls: has no meaning");
    json keyless = tls;
    keyless.erase("certificate_key_file");
    wrong("/events", {{"listen", "tcp:192.0.2.1:1"}, {"tls", keyless}},
          "events.tls.certificate_key_file");
    wrong("/agents/1/name", "host1", "agents[1].name: \"host1\" stands twice");
    wrong("/agents/1/user", "host1", "agents[1].user: \"host1\" stands twice");
    wrong("/agents/1/user", "host9", "agents[1].user: \"host9\" is not one of snmp.users");
    wrong("/agents/1/address", "127.0.0.1:1163",
          "agents[1].address: \"127.0.0.1:1163\" is not an address");
    wrong("/agents/1/address", "udp:127.0.0.1:0", "port 0 can not be sent to");
    wrong("/agents/0/domain", "bacula",
          "agents[0].domain: \"bacula\" is not one of domains[].name");
    wrong("/domains/0/ports/0", "2100000e1e09a1b0", "domains[0].ports[0]: is not a host port");
    wrong("/domains/0/ports/1", "fc:2100000e1e09a1b0", "domains[0].ports[1]: stands twice");
    wrong("/domains/1", {{"name", "other"}, {"ports", {"fc:2100000E1E09A1B0"}}},
          "belongs to domain \"bareos\" already");
    wrong("/snmp/users/2", sample_user("host1"), "snmp.users[2].name: user \"host1\" stands twice");
    wrong("/snmp/users/0/auth/key_file", "nokey", "snmp.users[0].auth.key_file: key file");
    wrong("/snmp/users/0/auth/protocol", "MD5", "snmp.users[0].auth.protocol: is \"MD5\"");
    wrong("/snmp/users/0/auth/key", "secret", "this key is not known");
    wrong("/snmp/engine_id", "12345", "snmp.engine_id: is not an SNMP engine ID");
    wrong("/snmp/consumers/0/user", removed, "snmp.consumers[0].user: is missing");
    wrong("/snmp/consumers/0/user", "nobody", "snmp.consumers[0].user: \"nobody\" is not one of");
    wrong("/snmp/consumers/0/community", "public", "has no meaning with version 3");
    wrong("/snmp/consumers/1/community", removed, "snmp.consumers[1].community: is missing");
    wrong("/snmp/consumers/1/address", sample_lrad()["snmp"]["consumers"][0]["address"],
          "\" stands twice; each must be different");
    wrong("/snmp/consumers/1/allow_insecure", false,
          "snmp.consumers[1].community: version 2c sends alarms readable");
    wrong("/handshake/timeout_ms", 5,
          "handshake.timeout_ms: is 5; it must be a whole number from 100 to 600000");
    wrong("/reservation/unknown_holder", "ignore", "reservation.unknown_holder: is \"ignore\"");
}

TEST_CASE("each missing part of the demo's shape is found, and all of them at once") {
    const Place place;
    json content = sample_lrad();
    content["drives"][1]["serial"] = "VT00000001";
    content["agents"][0]["user"] = "nobody";
    content["snmp"]["users"][1]["priv"]["key_file"] = "nokey";
    const auto result = place.read(content);
    CHECK(result.errors.size() == 3);
    CHECK_FALSE(result.ok());
}

TEST_CASE("an iSCSI initiator name is made from the controller's name") {
    const Place place;
    json content = sample_lrad();
    content["controller"]["id"] = "Lib_1";
    content["drives"][0]["interface"].erase("initiator_name");
    const auto result = place.read(content);
    REQUIRE(result.ok());
    CHECK(result.value->drives[0].interface->initiator_name == "iqn.2026-01.invalid.lra:lib-1");
}

TEST_CASE("a pace that contradicts poll_ms is an error, not rounded to something else") {
    const Place place;
    CHECK_THAT(place.error("/drives/0/poll_fast_ms", 20),
               ContainsSubstring("drives[0].poll_fast_ms: must be 0, or 50 to poll_ms"));
    CHECK_THAT(place.error("/drives/0/poll_fast_ms", 59'000),
               ContainsSubstring("drives[0].poll_fast_ms: must be 0, or 50 to poll_ms"));
    CHECK_THAT(place.error("/drives/0/poll_busy_ms", 1),
               ContainsSubstring("drives[0].poll_busy_ms: must be 0, or at least poll_ms"));
}

TEST_CASE("metrics are served at an address of this machine, or it is an error") {
    const Place place;
    for (const char* wrong : {"udp:127.0.0.1:9469", "tcp:localhost:9469", "tcp:127.0.0.1:70000",
                              "unix:/run/lra/metrics", "9469", ""}) {
        CHECK_THAT(place.error("/metrics", {{"listen", wrong}}),
                   ContainsSubstring("metrics.listen"));
    }
    CHECK_THAT(place.error("/metrics", {{"lisen", "tcp:127.0.0.1:9469"}}),
               ContainsSubstring("listen"));
    json content = sample_lrad();
    CHECK(place.read(content).value->metrics.listen->port == 9469);
    CHECK(place.read(content).value->metrics.by_default);
    content["metrics"] = {{"listen", "off"}};
    CHECK_FALSE(place.read(content).value->metrics.listen);
    content["metrics"] = {{"listen", "tcp:[::1]:9469"}};
    const auto served = place.read(content);
    REQUIRE(served.ok());
    CHECK(served.value->metrics.listen->host == "::1");
    CHECK_FALSE(served.value->metrics.by_default);
}
