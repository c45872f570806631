#pragma once

// The single views that view.cpp chooses from.

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "agent/shell/screen.hpp"

namespace agent::shell {

[[nodiscard]] std::string drives_view(const nlohmann::json& drives, const Screen& screen);
[[nodiscard]] std::string agents_view(const nlohmann::json& agents, const Screen& screen);
[[nodiscard]] std::string host_ledgers_view(const nlohmann::json& rows, const Screen& screen);
[[nodiscard]] std::string handshakes_view(const nlohmann::json& handshakes, const Screen& screen);
[[nodiscard]] std::string alarms_view(const nlohmann::json& alarms, const Screen& screen);
[[nodiscard]] std::string sessions_view(const nlohmann::json& sessions, const Screen& screen);
[[nodiscard]] std::string write_sessions_view(const nlohmann::json& sessions, const Screen& screen);
[[nodiscard]] std::string records_view(const nlohmann::json& records, const Screen& screen);
[[nodiscard]] std::string trace_view(const nlohmann::json& commands, const Screen& screen);
[[nodiscard]] std::string cartridges_view(const nlohmann::json& cartridges, const Screen& screen);
[[nodiscard]] std::string inventory_view(const nlohmann::json& places, const Screen& screen);
[[nodiscard]] std::string data_set_view(const nlohmann::json& data_set, const Screen& screen);
[[nodiscard]] std::string snapshots_view(const nlohmann::json& snapshots, const Screen& screen);
[[nodiscard]] std::string snapshot_view(const nlohmann::json& snapshot, const Screen& screen);
[[nodiscard]] std::string snapshot_difference_view(const nlohmann::json& difference,
                                                   const Screen& screen);
[[nodiscard]] std::string snapshot_jobs_view(const nlohmann::json& jobs, const Screen& screen);
[[nodiscard]] std::string applications_view(const nlohmann::json& drives, const Screen& screen);
[[nodiscard]] std::string application_check_view(const nlohmann::json& report,
                                                 const Screen& screen);
[[nodiscard]] std::string consumers_view(const nlohmann::json& consumers, const Screen& screen);
[[nodiscard]] std::string profiles_view(const nlohmann::json& profiles, const Screen& screen);
[[nodiscard]] std::string host_view(const nlohmann::json& host, const Screen& screen);
[[nodiscard]] std::string events_view(const nlohmann::json& events, const Screen& screen);
[[nodiscard]] std::string drive_view(const nlohmann::json& drive, const Screen& screen);
[[nodiscard]] std::string discovered_drives_view(const nlohmann::json& found, const Screen& screen);
[[nodiscard]] std::string timeline_view(const nlohmann::json& why, const Screen& screen);
[[nodiscard]] std::string volumes_view(const nlohmann::json& volumes, const Screen& screen);
[[nodiscard]] std::string claims_view(const nlohmann::json& claims, const Screen& screen);
[[nodiscard]] std::string pair_view(const nlohmann::json& pair, const Screen& screen);
[[nodiscard]] std::string pair_votes_view(const nlohmann::json& votes, const Screen& screen);
[[nodiscard]] std::string pair_keys_view(const nlohmann::json& keys, const Screen& screen);
[[nodiscard]] std::string drive_table_view(const nlohmann::json& drives, const Screen& screen);
[[nodiscard]] std::string facts_view(const nlohmann::json& result, const Screen& screen);

}  // namespace agent::shell
