#include <nlohmann/json.hpp>

#include "agent/shell/view.hpp"
#include "test/support/catch.hpp"

using namespace agent::shell;
using nlohmann::json;

namespace {

const json some_host = {{"ports",
                         {{{"port", "fc:2100000e1e09a1b0"},
                           {"own", true},
                           {"source", "discovered"},
                           {"since", "2026-01-31T12:00:00Z"},
                           {"by", nullptr},
                           {"found_at", "fc_host/host3"}},
                          {{"port", "iscsi:iqn.2001-04.com.example:copied"},
                           {"own", false},
                           {"source", "by_hand"},
                           {"since", "2026-01-31T12:00:00Z"},
                           {"by", "root (uid 0)"},
                           {"found_at", "/etc/iscsi/initiatorname.iscsi"}}}},
                        {"drives",
                         {{{"serial", "VT00000001"},
                           {"used", true},
                           {"source", "by_hand"},
                           {"since", "2026-01-31T12:00:00Z"},
                           {"by", "root (uid 0)"},
                           {"application_name", "LTO 1"},
                           {"name_from", "configuration"},
                           {"device", "/dev/nst0"},
                           {"device_from", "by_hand"},
                           {"vendor", "HPE"},
                           {"product", "Ultrium 9-SCSI"},
                           {"tape_nodes", {"/dev/nst0"}},
                           {"generic_nodes", {"/dev/sg3"}}},
                          {{"serial", "VT00000002"}, {"used", false}, {"source", "discovered"}}}},
                        {"troubles", {"/dev/nst7: it has no serial number"}}};

}  // namespace

TEST_CASE("what a host has is shown with where each fact comes from") {
    const std::string text = rendered(View::host, some_host, Screen{160, false, {0}});
    CHECK_THAT(text, ContainsSubstring("fc:2100000e1e09a1b0"));
    CHECK_THAT(text, ContainsSubstring("no   by hand, root (uid 0)"));
    CHECK_THAT(text, ContainsSubstring("LTO 1 (configuration)"));
    CHECK_THAT(text, ContainsSubstring("/dev/nst0 (by hand)"));
    CHECK_THAT(text, ContainsSubstring("/dev/nst0, /dev/sg3"));
    CHECK_THAT(text, ContainsSubstring("not used"));
    CHECK_THAT(text, ContainsSubstring("/dev/nst7: it has no serial number"));
}

TEST_CASE("a host with nothing, and an answer of another shape, are shown all the same") {
    CHECK(rendered(View::host, json::object(), Screen{80, false, {0}}) ==
          "no ports\n\nno tape drives\n");
    for (const json& odd : {json(), json(5), json::array({1}), json{{"ports", 3}, {"drives", {1}}}})
        CHECK_FALSE(rendered(View::host, odd, Screen{40, false, {0}}).empty());
}
