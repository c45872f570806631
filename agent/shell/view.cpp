#include "agent/shell/view.hpp"

#include <nlohmann/json.hpp>

#include "agent/shell/view_parts.hpp"

namespace agent::shell {

std::string rendered(View view, const nlohmann::json& result, const Screen& screen) {
    switch (view) {
        case View::drives:
            return drives_view(result, screen);
        case View::drive:
            return drive_view(result, screen);
        case View::discovered_drives:
            return discovered_drives_view(result, screen);
        case View::drive_timeline:
            return timeline_view(result, screen);
        case View::agents:
            return agents_view(result, screen);
        case View::host_ledgers:
            return host_ledgers_view(result, screen);
        case View::handshakes:
            return handshakes_view(result, screen);
        case View::alarms:
            return alarms_view(result, screen);
        case View::events:
            return events_view(result, screen);
        case View::sessions:
            return sessions_view(result, screen);
        case View::write_sessions:
            return write_sessions_view(result, screen);
        case View::records:
            return records_view(result, screen);
        case View::trace:
            return trace_view(result, screen);
        case View::cartridges:
            return cartridges_view(result, screen);
        case View::inventory:
            return inventory_view(result, screen);
        case View::data_set:
            return data_set_view(result, screen);
        case View::snapshots:
            return snapshots_view(result, screen);
        case View::snapshot:
            return snapshot_view(result, screen);
        case View::snapshot_difference:
            return snapshot_difference_view(result, screen);
        case View::snapshot_jobs:
            return snapshot_jobs_view(result, screen);
        case View::applications:
            return applications_view(result, screen);
        case View::host:
            return host_view(result, screen);
        case View::application_check:
            return application_check_view(result, screen);
        case View::consumers:
            return consumers_view(result, screen);
        case View::profiles:
            return profiles_view(result, screen);
        case View::volumes:
            return volumes_view(result, screen);
        case View::claims:
            return claims_view(result, screen);
        case View::pair:
            return pair_view(result, screen);
        case View::pair_votes:
            return pair_votes_view(result, screen);
        case View::pair_keys:
            return pair_keys_view(result, screen);
        case View::drive_table:
            return drive_table_view(result, screen);
        case View::facts:
            return facts_view(result, screen);
        case View::none:
            return {};
    }
    return {};
}

std::string rendered_json(const nlohmann::json& result, bool indented) {
    return result.dump(indented ? 2 : -1, ' ', false, nlohmann::json::error_handler_t::replace) +
           "\n";
}

}  // namespace agent::shell
