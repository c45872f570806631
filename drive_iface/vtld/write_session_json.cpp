#include "drive_iface/vtld/write_session_json.hpp"

#include <nlohmann/json.hpp>

#include "agent/core/time.hpp"
#include "agent/runtime/clock.hpp"

namespace drive_iface::vtld {

using nlohmann::json;

namespace {

std::string time_text(std::int64_t ms) {
    return agent::runtime::to_text(agent::core::WallTime{ms});
}

}  // namespace

json session_json(const sessions::Session& session) {
    json result{{"id", session.identifier},
                {"host", session.host},
                {"address", session.address},
                {"drive", session.drive},
                {"volume", session.volume},
                {"start_object", session.start_object},
                {"state", sessions::to_text(session.state)},
                {"objects", session.objects},
                {"filemarks", session.filemarks},
                {"bytes", session.bytes},
                {"durable_objects", session.durable_objects},
                {"started", time_text(session.started_ms)},
                {"files", session.files},
                {"kept", session.kept}};
    if (!session.reason.empty()) result["reason"] = session.reason;
    if (session.completion) result["completion"] = *session.completion;
    if (session.volume_object) result["volume_object"] = *session.volume_object;
    if (session.ended_ms) result["ended"] = time_text(*session.ended_ms);
    return result;
}

json record_json(const sessions::SessionRecord& record) {
    using Kind = virtual_library::LogicalObject::Kind;
    return {{"number", record.number}, {"kind", record.kind == Kind::block ? "block" : "filemark"},
            {"length", record.length}, {"offsets", record.offsets},
            {"crc32c", record.crc32c}, {"durable", record.durable}};
}

}  // namespace drive_iface::vtld
