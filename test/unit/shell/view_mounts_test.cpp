#include <nlohmann/json.hpp>

#include "agent/shell/view_parts.hpp"
#include "test/support/catch.hpp"

using namespace agent::shell;
using nlohmann::json;

namespace {

const Screen mounts_page{120, false, {1'769'860'800'000}};  // now is 2026-01-31T12:00:00Z

}  // namespace

TEST_CASE("a missing volume, and a quarantined drive, are shown with their age") {
    const json volumes = json::array({{{"barcode", "VT0001L8"},
                                       {"state", "usable"},
                                       {"place", "missing"},
                                       {"since", "2026-01-31T09:00:00.000Z"}}});
    const auto shown = volumes_view(volumes, mounts_page);
    CHECK_THAT(shown, ContainsSubstring("SINCE"));
    CHECK_THAT(shown, ContainsSubstring("3 h"));
    const json drives = json::array(
        {{{"serial", "D1"}, {"state", "quarantined"}, {"since", "2026-01-31T11:57:00.000Z"}},
         {{"serial", "D2"}, {"state", "free"}, {"since", nullptr}}});
    const auto table = drive_table_view(drives, mounts_page);
    CHECK_THAT(table, ContainsSubstring("SINCE"));
    CHECK_THAT(table, ContainsSubstring("3 min"));
}
