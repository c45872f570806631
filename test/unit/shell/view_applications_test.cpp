#include <nlohmann/json.hpp>

#include "agent/shell/view_parts.hpp"
#include "test/support/catch.hpp"

using namespace agent::shell;
using nlohmann::json;

TEST_CASE("a dry run is told step by step") {
    const Screen page{100, false, {}};
    const json report{
        {"ok", false},
        {"observe_only", true},
        {"profile",
         {{"name", "cta"},
          {"file", "/p/cta.json"},
          {"description", "CTA"},
          {"unverified", {"this"}}}},
        {"programs",
         {{{"path", "/usr/bin/cta-admin"},
           {"ok", true},
           {"owner", "root"},
           {"mode", "0755"},
           {"trouble", nullptr}},
          {{"path", "/x"}, {"ok", false}, {"owner", nullptr}, {"trouble", "No such file"}}}},
        {"drives",
         {{{"serial", "VT1"},
           {"application_name", "D1"},
           {"ok", true},
           {"query", "[\"/usr/bin/cta-admin\"] exit status 0"},
           {"application_state", "online"},
           {"understood_from", "\"desiredDriveState=UP\""},
           {"offline_would_run", "[\"a\"] < [\"b\"], then [\"c\"]"},
           {"online_would_run", "[\"d\"]"}}}}};
    CHECK(application_check_view(report, page) ==
          "profile cta\n"
          "  file        /p/cta.json\n"
          "  about       CTA\n"
          "  unverified  this\n"
          "  program     /usr/bin/cta-admin, of root, mode 0755\n"
          "  NO PROGRAM  /x: No such file\n"
          "  mode        observe_only: nothing is ever run to change a drive\n"
          "\n"
          "drive VT1, in the application D1: online\n"
          "  asked       [\"/usr/bin/cta-admin\"] exit status 0\n"
          "  understood  \"desiredDriveState=UP\"\n"
          "  offline     would run [\"a\"] < [\"b\"], then [\"c\"]\n"
          "  online      would run [\"d\"]\n");
    CHECK(application_check_view(json::array(), page) == facts_view(json::array(), page));
}

TEST_CASE("profiles are listed with what they want filled in") {
    const Screen page{100, false, {}};
    const json profiles{
        {{"name", "sp"},
         {"file", "/p/sp.json"},
         {"description", "SP"},
         {"verified", false},
         {"trouble", nullptr},
         {"drive", "its name"},
         {"parameters",
          {{{"name", "server"},
            {"of", "application"},
            {"default", nullptr},
            {"description", "stanza"}},
           {{"name", "index"}, {"of", "drive"}, {"default", "0"}, {"description", "number"}}}},
         {"credentials", {{{"name", "password"}, {"description", "secret"}}}}},
        {{"name", "bad"}, {"file", "/p/bad.json"}, {"trouble", "bad.json:1: no"}}};
    CHECK(profiles_view(profiles, page) ==
          "sp  (not verified in every part)\n"
          "  file        /p/sp.json\n"
          "  about       SP\n"
          "  {drive}     its name\n"
          "  parameter   server: stanza\n"
          "  parameter   index (each drive) = 0: number\n"
          "  credential  password: secret\n"
          "\n"
          "bad  (not verified in every part)\n"
          "  file        /p/bad.json\n"
          "  MISTAKE     bad.json:1: no\n");
    CHECK(profiles_view(json::array(), page) == "none\n");
}
