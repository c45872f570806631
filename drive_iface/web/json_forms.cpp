#include "drive_iface/web/json_forms.hpp"

#include <nlohmann/json.hpp>

#include "agent/core/time.hpp"
#include "agent/runtime/clock.hpp"

namespace drive_iface::web {

using sessions::Session;
using sessions::SessionRecord;
using snapshots::SessionDifference;
using snapshots::Snapshot;

namespace {

Json text_or_nothing(const std::string& text) {
    return text.empty() ? Json() : Json(text);
}

template <typename Number>
Json number_or_nothing(const std::optional<Number>& number) {
    return number ? Json(*number) : Json();
}

}  // namespace

std::string dumped(const Json& value) {
    return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string time_text(std::int64_t ms) {
    return agent::runtime::to_text(agent::core::WallTime{ms});
}

Json session_json(const Session& session) {
    return {{"id", session.identifier},
            {"host", session.host},
            {"address", text_or_nothing(session.address)},
            {"drive", session.drive},
            {"volume", session.volume},
            {"start_object", session.start_object},
            {"state", sessions::to_text(session.state)},
            {"reason", text_or_nothing(session.reason)},
            {"objects", session.objects},
            {"filemarks", session.filemarks},
            {"bytes", session.bytes},
            {"durable_objects", session.durable_objects},
            {"completion", number_or_nothing(session.completion)},
            {"volume_object", number_or_nothing(session.volume_object)},
            {"started", time_text(session.started_ms)},
            {"ended", session.ended_ms ? Json(time_text(*session.ended_ms)) : Json()},
            {"files", session.files},
            {"kept", session.kept}};
}

Json record_json(const SessionRecord& record) {
    using Kind = virtual_library::LogicalObject::Kind;
    return {{"number", record.number}, {"kind", record.kind == Kind::block ? "block" : "filemark"},
            {"length", record.length}, {"offsets", record.offsets},
            {"crc32c", record.crc32c}, {"durable", record.durable}};
}

Json snapshot_json(const Snapshot& snapshot) {
    return {{"number", snapshot.number},
            {"taken", time_text(snapshot.taken_ms)},
            {"cause", snapshots::to_text(snapshot.cause)},
            {"completed", number_or_nothing(snapshot.completed)},
            {"by", text_or_nothing(snapshot.by)},
            {"reason", text_or_nothing(snapshot.reason)},
            {"kept", snapshot.kept},
            {"kept_by", text_or_nothing(snapshot.kept_by)},
            {"kept_reason", text_or_nothing(snapshot.kept_reason)},
            {"sessions", snapshot.sessions},
            {"active", snapshot.active},
            {"objects", snapshot.objects},
            {"bytes", snapshot.bytes}};
}

Json difference_json(const SessionDifference& difference) {
    Json happened = Json::array();
    for (const auto one : difference.happened)
        happened.push_back(snapshots::to_text(one));
    return {{"id", difference.identifier},
            {"happened", std::move(happened)},
            {"words", snapshots::to_text(difference)},
            {"objects", difference.objects},
            {"bytes", difference.bytes},
            {"before", difference.before ? session_json(*difference.before) : Json()},
            {"after", difference.after ? session_json(*difference.after) : Json()}};
}

}  // namespace drive_iface::web
