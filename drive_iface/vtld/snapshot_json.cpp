#include "drive_iface/vtld/snapshot_json.hpp"

#include <utility>

#include "agent/core/time.hpp"
#include "agent/runtime/clock.hpp"
#include "drive_iface/vtld/write_session_json.hpp"

namespace drive_iface::vtld {

using admin_volumes::number;
using admin_volumes::Record;
using admin_volumes::text_or_nothing;
using admin_volumes::Value;
using nlohmann::json;
using sessions::Session;
using snapshots::Snapshot;

namespace {

std::string moment_text(std::int64_t ms) {
    return agent::runtime::to_text(agent::core::WallTime{ms});
}

Value moment_or_nothing(std::optional<std::int64_t> ms) {
    if (!ms) return std::monostate{};
    return moment_text(*ms);
}

Value identifier_or_nothing(std::optional<std::uint64_t> value) {
    if (!value) return std::monostate{};
    return number(*value);
}

}  // namespace

json snapshot_json(const Snapshot& snapshot) {
    json result{{"number", snapshot.number},
                {"taken", moment_text(snapshot.taken_ms)},
                {"cause", snapshots::to_text(snapshot.cause)},
                {"sessions", snapshot.sessions},
                {"active", snapshot.active},
                {"objects", snapshot.objects},
                {"bytes", snapshot.bytes},
                {"kept", snapshot.kept}};
    if (snapshot.completed) result["completed"] = *snapshot.completed;
    if (!snapshot.by.empty()) result["by"] = snapshot.by;
    if (!snapshot.reason.empty()) result["reason"] = snapshot.reason;
    if (snapshot.kept) {
        result["kept_by"] = snapshot.kept_by;
        result["kept_reason"] = snapshot.kept_reason;
    }
    return result;
}

json snapshot_difference_json(const snapshots::SnapshotDifference& difference, std::size_t limit) {
    json all = json::array();
    for (const auto& one : difference.sessions) {
        if (all.size() == limit) break;
        const Session& shown = one.after ? *one.after : *one.before;
        json happened = json::array();
        for (const auto happening : one.happened)
            happened.push_back(snapshots::to_text(happening));
        all.push_back({{"id", one.identifier},
                       {"host", shown.host},
                       {"volume", shown.volume},
                       {"what", snapshots::to_text(one)},
                       {"happened", std::move(happened)},
                       {"objects", one.objects},
                       {"bytes", one.bytes},
                       {"before", one.before ? session_json(*one.before) : json()},
                       {"after", one.after ? session_json(*one.after) : json()}});
    }
    const auto shown = all.size();
    return {{"from", snapshot_json(difference.from)},
            {"to", snapshot_json(difference.to)},
            {"sessions", std::move(all)},
            {"left_out", difference.sessions.size() - shown}};
}

json exported_files_json(const std::vector<snapshots::ExportedFile>& files,
                         snapshots::ExportFormat format) {
    json all = json::array();
    for (const auto& file : files) {
        all.push_back({{"session", file.session},
                       {"file", file.path},
                       {"format", snapshots::to_text(format)},
                       {"objects", file.objects},
                       {"bytes", file.bytes},
                       {"damaged_blocks", file.damaged_blocks}});
    }
    return all;
}

json snapshot_event(const snapshots::SnapshotChange& change) {
    json event{{"event", "snapshot"},
               {"change", snapshots::to_text(change.kind)},
               {"snapshot", snapshot_json(change.snapshot)}};
    if (!change.by.empty()) event["by"] = change.by;
    if (!change.why.empty()) event["why"] = change.why;
    return event;
}

std::vector<Record> snapshot_records(const snapshots::Snapshots& snapshots) {
    std::vector<Record> records;
    const auto all = snapshots.list();
    records.reserve(all.size());
    for (const Snapshot& snapshot : all) {
        records.push_back({{"record", std::string("snapshot")},
                           {"snapshot", number(snapshot.number)},
                           {"taken", moment_or_nothing(snapshot.taken_ms)},
                           {"cause", std::string(snapshots::to_text(snapshot.cause))},
                           {"completed", identifier_or_nothing(snapshot.completed)},
                           {"by", text_or_nothing(snapshot.by)},
                           {"reason", text_or_nothing(snapshot.reason)},
                           {"kept", snapshot.kept},
                           {"kept_by", text_or_nothing(snapshot.kept_by)},
                           {"kept_reason", text_or_nothing(snapshot.kept_reason)},
                           {"sessions", number(snapshot.sessions)},
                           {"active", number(snapshot.active)},
                           {"objects", number(snapshot.objects)},
                           {"bytes", number(snapshot.bytes)}});
    }
    if (all.empty()) return records;
    const auto rows = snapshots.sessions(all.back().number);
    if (!rows) return records;
    for (const Session& session : *rows) {
        records.push_back({{"record", std::string("session")},
                           {"snapshot", number(all.back().number)},
                           {"session", number(session.identifier)},
                           {"host", session.host},
                           {"drive", session.drive},
                           {"volume", session.volume},
                           {"state", std::string(sessions::to_text(session.state))},
                           {"objects", number(session.objects)},
                           {"bytes", number(session.bytes)},
                           {"started", moment_or_nothing(session.started_ms)},
                           {"ended", moment_or_nothing(session.ended_ms)},
                           {"completion", identifier_or_nothing(session.completion)}});
    }
    return records;
}

}  // namespace drive_iface::vtld
