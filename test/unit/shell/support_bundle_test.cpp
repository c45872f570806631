#include "agent/shell/support_bundle.hpp"

#include <nlohmann/json.hpp>

#include "test/support/catch.hpp"

using agent::shell::without_configured_secrets;
using nlohmann::json;

TEST_CASE("no secret of a configuration gets into a support bundle") {
    const json configuration = {
        {"snmp",
         {{"users", {{{"name", "a"}, {"auth", {{"key_file", "a.key"}}}}}},
          {"consumers", {{{"address", "udp:192.0.2.1:162"}, {"community", "hush"}}}}}},
        {"drives",
         {{{"serial", "VT1"},
           {"interface", {{"url", "iscsi://user%hush@192.0.2.2:3260/iqn.2026-01.example:x/0"}}}},
          {{"serial", "VT2"},
           {"interface", {{"url", "iscsi://192.0.2.2/iqn.2026-01.example:x/0"}}}},
          {{"serial", "VT3"}, {"interface", {{"url", "iscsi://joe:hush@h:3260/t/0"}}}},
          {{"serial", "VT4"}, {"interface", {{"url", "iscsi://joe%se/hush@h:3260/t/0"}}}}}},
        {"mounts",
         {{"database",
           {"host=192.0.2.3 password=hush dbname=lra", "password = 'hu sh \\' hush' host=h",
            "postgresql://lra:hush@192.0.2.3/lra?password=hush&sslmode=require"}}}},
        {"application", {{"password", "hush"}, {"parameters", {{"secret", "hush"}}}}}};
    const json shown = without_configured_secrets(configuration);
    CHECK_THAT(shown.dump(), !ContainsSubstring("hush"));
    CHECK(shown["snmp"]["users"] == configuration["snmp"]["users"]);
    CHECK(shown["drives"][0]["interface"]["url"] ==
          "iscsi://***@192.0.2.2:3260/iqn.2026-01.example:x/0");
    CHECK(shown["drives"][1] == configuration["drives"][1]);
    CHECK(shown["mounts"]["database"] ==
          json({"host=192.0.2.3 password=*** dbname=lra", "password = *** host=h",
                "postgresql://***@192.0.2.3/lra?password=***&sslmode=require"}));
}
