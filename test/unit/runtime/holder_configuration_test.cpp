// What lrad.json and dsad.json say about holders of drives that do not say: docs/HOLDER.md.

#include "agent/runtime/dsad_configuration.hpp"
#include "agent/runtime/lrad_configuration.hpp"
#include "sample_configurations.hpp"
#include "test/support/catch.hpp"

using namespace agent::runtime;
using nlohmann::json;

namespace {

struct HolderPlace {
    TemporaryFolder folder;
    HolderPlace() { folder.write("key", "correct horse\n"); }
    Configured<LradConfiguration> lrad(const json& patch) const {
        json content = sample_lrad();
        json library = content["snmp"]["users"][0];
        library["name"] = "silo";
        content["snmp"]["users"].push_back(library);
        content.merge_patch(patch);
        return read_lrad_configuration(folder.write("lrad.json", content.dump(1)));
    }
    Configured<DsadConfiguration> dsad(const json& patch) const {
        json content = sample_dsad();
        content.merge_patch(patch);
        return read_dsad_configuration(folder.write("dsad.json", content.dump(1)));
    }
    std::string lrad_error(const json& patch) const {
        const auto result = lrad(patch);
        INFO(patch);
        REQUIRE(result.errors.size() == 1);
        return result.errors[0];
    }
};

json with_keys(const std::vector<json>& keys) {
    return {{"reservation", {{"keys", json(keys)}}}};
}
json with_hints(const std::vector<json>& hints) {
    return {{"snmp", {{"hints", json(hints)}}}};
}
json key_of(const std::string& key, const std::vector<std::string>& ports) {
    return {{"key", key}, {"ports", ports}};
}

}  // namespace

TEST_CASE("the question to the hosts has its times, and can be switched off") {
    const HolderPlace place;
    const auto usual = place.lrad(json::object());
    REQUIRE(usual.ok());
    CHECK(usual.value->sharing.holder_inquiry.ms == 2'000);
    CHECK(usual.value->sharing.holder_inquiry_repeat.ms == 30'000);
    CHECK(usual.value->drives[0].conflict_list);
    const auto off = place.lrad({{"reservation", {{"holder_inquiry_ms", 0}}}});
    REQUIRE(off.ok());
    CHECK(off.value->sharing.holder_inquiry.ms == 0);
}

TEST_CASE("a reservation key belongs to one host") {
    const HolderPlace place;
    const json key = key_of("00000000ABCDEF01", {"fc:2100000e1e09a1b0"});
    const auto result = place.lrad(with_keys(std::vector<json>{key}));
    REQUIRE(result.errors == ConfigurationErrors{});
    REQUIRE(result.value->drives[0].keys.size() == 1);
    CHECK(result.value->drives[0].keys[0].key == 0xabcdef01);
    CHECK_THAT(place.lrad_error(with_keys(std::vector<json>{key, key})),
               ContainsSubstring("reservation.keys[1].key: stands twice"));
    const auto wrong = [&](const std::string& text, const std::vector<std::string>& ports) {
        return place.lrad_error(with_keys(std::vector<json>{key_of(text, ports)}));
    };
    CHECK_THAT(wrong("abc", {"fc:2100000e1e09a1b0"}), ContainsSubstring("is no reservation key"));
    CHECK_THAT(wrong("0000000000000000", {"fc:2100000e1e09a1b0"}),
               ContainsSubstring("is no reservation key"));
    CHECK_THAT(wrong("00000000abcdef01", {"fc:2100000e1e09a1b0", "fc:2100000e1e09a1ff"}),
               ContainsSubstring("reservation.keys[0].ports: are of different domains"));
}

TEST_CASE("a library whose traps are taken is known by its address and a secret") {
    const HolderPlace place;
    const json v3{{"library", "scalar"}, {"address", "192.0.2.60"}, {"user", "silo"}};
    const json v2c{{"library", "old"},
                   {"address", "2001:db8::1"},
                   {"version", "2c"},
                   {"community", "silo"},
                   {"allow_insecure", true}};
    const auto result = place.lrad(with_hints(std::vector<json>{v3, v2c}));
    REQUIRE(result.errors == ConfigurationErrors{});
    REQUIRE(result.value->snmp.hints.size() == 2);
    CHECK(result.value->snmp.hints[0].version == SnmpVersion::v3);
    CHECK(result.value->snmp.hints[1].community == "silo");

    const auto changed = [](json hint, const std::string& key, const json& value) {
        hint[key] = value;
        return with_hints(std::vector<json>{hint});
    };
    CHECK_THAT(place.lrad_error(changed(v3, "address", "scalar.example")),
               ContainsSubstring("snmp.hints[0].address: must be the library's IP address"));
    CHECK_THAT(place.lrad_error(changed(v3, "user", "nobody")),
               ContainsSubstring("\"nobody\" is not one of snmp.users"));
    CHECK_THAT(place.lrad_error(changed(v3, "user", "host1")),
               ContainsSubstring("snmp.hints[0].user: \"host1\" is the user of agent host1"));
    CHECK_THAT(place.lrad_error(changed(v3, "community", "x")),
               ContainsSubstring("has no meaning with version 3"));
    CHECK_THAT(place.lrad_error(changed(v2c, "allow_insecure", false)),
               ContainsSubstring("anybody on the network can forge version 2c"));
    auto v1 = v2c;
    v1["version"] = "v1";
    REQUIRE(place.lrad(with_hints(std::vector<json>{v1})).errors == ConfigurationErrors{});
    CHECK_THAT(place.lrad_error(changed(v1, "allow_insecure", false)),
               ContainsSubstring("anybody on the network can forge version 1"));
    CHECK_THAT(place.lrad_error(with_hints(std::vector<json>{v3, v3})),
               ContainsSubstring("stands twice"));
}

TEST_CASE("how a host knows that it holds a drive is read, and a wrong pattern is found") {
    const HolderPlace place;
    const auto usual = place.dsad(json::object());
    REQUIRE(usual.ok());
    CHECK(usual.value->application.open_files);
    CHECK(usual.value->application.open_files_ignore.size() == 3);
    CHECK(usual.value->application.holder_probe.empty());
    CHECK(usual.value->application.release.empty());
    const auto set = place.dsad({{"application",
                                  {{"in_use", json::array({"^{drive} busy"})},
                                   {"holder_probe", {"/usr/bin/probe", "{device}"}},
                                   {"release", {"/usr/bin/give-back", "{serial}"}}}}});
    REQUIRE(set.errors == ConfigurationErrors{});
    CHECK(set.value->application.in_use.size() == 1);
    CHECK(set.value->application.release.size() == 2);
    const auto wrong =
        place.dsad({{"application",
                     {{"in_use", json::array({"(", "(x)\\1"})}, {"release", json::array({"x"})}}}});
    REQUIRE(wrong.errors.size() == 3);
    const auto blind = place.dsad(
        {{"application", {{"open_files", false}, {"holder_probe", {"/usr/bin/probe"}}}}});
    REQUIRE(blind.errors.size() == 1);
    CHECK_THAT(blind.errors[0], ContainsSubstring("while a program here has the drive open"));
}
