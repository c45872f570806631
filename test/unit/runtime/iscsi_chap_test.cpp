// CHAP of drives and portals in lrad.json: docs/DISCOVERY.md.

#include "agent/runtime/iscsi_chap.hpp"

#include "agent/runtime/lrad_configuration.hpp"
#include "sample_configurations.hpp"
#include "test/support/catch.hpp"

using namespace agent::runtime;
using nlohmann::json;

namespace {

struct ChapPlace {
    TemporaryFolder folder;
    ChapPlace() { folder.write("key", "correct horse\n"); }
    Configured<LradConfiguration> with(const json& interface, const json& discovery) const {
        json content = sample_lrad();
        content["drives"][0]["interface"] = interface;
        content["discovery"] = discovery;
        return read_lrad_configuration(folder.write("lrad.json", content.dump(1)));
    }
    std::string chap_error(const json& interface, const json& discovery = json::object()) const {
        const auto result = with(interface, discovery);
        INFO(interface << discovery);
        REQUIRE(result.errors.size() == 1);
        return result.errors[0];
    }
};

json iscsi_with(const json& chap, const std::string& before_host = "") {
    return {{"type", "iscsi"},
            {"url", "iscsi://" + before_host + "192.0.2.20:3260/iqn.2026-01.example:drive/0"},
            {"chap", chap}};
}

const json one_way{{"user", "lra"}, {"secret_file", "keys/chap"}};
const json both_ways{{"user", "lra"},
                     {"secret_file", "/etc/lra/keys/chap"},
                     {"mutual", {{"user", "silo"}, {"secret_file", "/etc/lra/keys/silo"}}}};

}  // namespace

TEST_CASE("a drive and a portal each have names and files for CHAP") {
    const ChapPlace place;
    const auto read = place.with(
        iscsi_with(both_ways),
        {{"portals",
          {{{"portal", "192.0.2.21"}, {"chap", one_way}}, {{"portal", "silo.example"}}}}});
    REQUIRE(read.errors == ConfigurationErrors{});
    CHECK(read.value->drives[0].interface->chap ==
          IscsiChap{"lra", "/etc/lra/keys/chap", "silo", "/etc/lra/keys/silo"});
    REQUIRE(read.value->discovery_portals.size() == 2);
    CHECK(read.value->discovery_portals[0].portal == "192.0.2.21");
    CHECK(read.value->discovery_portals[0].chap ==
          IscsiChap{"lra", place.folder.file("keys/chap"), "", ""});
    CHECK_FALSE(read.value->discovery_portals[1].chap);
    const auto without = place.with({{"type", "sg"}}, json::object());
    REQUIRE(without.ok());
    CHECK_FALSE(without.value->drives[0].interface->chap);
}

TEST_CASE("CHAP that can not be meant is refused in words") {
    const ChapPlace place;
    CHECK_THAT(place.chap_error({{"type", "sg"}, {"chap", one_way}}),
               ContainsSubstring("interface.chap: has no meaning with type sg"));
    CHECK_THAT(place.chap_error(iscsi_with(one_way, "user%secret@")),
               ContainsSubstring("interface.url: has a name and a secret too"));
    CHECK_THAT(place.chap_error(iscsi_with({{"user", "lra"}})), ContainsSubstring("secret_file"));
    json same = both_ways;
    same["mutual"]["secret_file"] = same["secret_file"];
    CHECK_THAT(place.chap_error(iscsi_with(same)),
               ContainsSubstring("chap.mutual.secret_file: is the file of the own secret"));
    CHECK_THAT(place.chap_error({{"type", "sg"}},
                                {{"portals", {{{"portal", "192.0.2.21"}, {"chap", same}}}}}),
               ContainsSubstring("discovery.portals[0].chap.mutual.secret_file"));
}

TEST_CASE("a portal is named once, and as one") {
    const ChapPlace place;
    const auto of = [&](const std::string& one, const std::string& other) {
        return place.chap_error({{"type", "sg"}},
                                {{"portals", {{{"portal", one}}, {{"portal", other}}}}});
    };
    CHECK_THAT(of("192.0.2.21", "192.0.2.21:3260"),
               ContainsSubstring("discovery.portals[1].portal: \"tcp:192.0.2.21:3260\" stands"));
    CHECK_THAT(of("[2001:db8::1]:3260", "[2001:db8::1]"), ContainsSubstring("stands twice"));
    for (const char* wrong : {"iscsi://192.0.2.21", "192.0.2.21:", "192.0.2.21:0", "a b", "h:1/t",
                              "2001:db8::1", "me%secret@h"}) {
        INFO(wrong);
        CHECK_THAT(of("192.0.2.21", wrong),
                   ContainsSubstring("is not of the form HOST or HOST:PORT"));
    }
}

TEST_CASE("a changer has CHAP of its own") {
    const ChapPlace place;
    const auto with_changer = [&](const json& changer) {
        json content = sample_lrad();
        content["mounts"] = {{"changer", changer}};
        return read_lrad_configuration(place.folder.write("lrad.json", content.dump(1)));
    };
    const auto read = with_changer(iscsi_with(one_way));
    REQUIRE(read.errors == ConfigurationErrors{});
    CHECK(read.value->mounts->changer.chap ==
          IscsiChap{"lra", place.folder.file("keys/chap"), "", ""});
    const auto both = with_changer(iscsi_with(one_way, "user%secret@"));
    REQUIRE(both.errors.size() == 1);
    CHECK_THAT(both.errors[0],
               ContainsSubstring("mounts.changer.url: has a name and a secret too"));
    const auto node = with_changer({{"type", "sg"}, {"device", "/dev/sg5"}, {"chap", one_way}});
    REQUIRE(node.errors.size() == 1);
    CHECK_THAT(node.errors[0], ContainsSubstring("mounts.changer.chap: has no meaning"));
}
