#include "agent/runtime/state_json.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "agent/runtime/clock.hpp"

namespace agent::runtime {

using nlohmann::json;

namespace {

json text_or_null(const std::string& text) {
    return text.empty() ? json() : json(text);
}

// Who a port belongs to, as far as the configuration says.
struct PortOwner {
    std::string domain;
    std::string host;  // the agent of that domain, when there is exactly one
};

PortOwner owner_of(const core::InitiatorPort& port, const core::SharingConfiguration& sharing) {
    for (const auto& domain : sharing.domains) {
        const bool listed = std::any_of(
            domain.ports.begin(), domain.ports.end(),
            [&](const core::InitiatorPort& known) { return core::same_host_port(known, port); });
        if (!listed) continue;
        PortOwner owner{domain.name, ""};
        std::size_t agents = 0;
        for (const auto& agent : sharing.agents) {
            if (agent.domain != domain.name) continue;
            owner.host = agent.name;
            ++agents;
        }
        if (agents != 1) owner.host.clear();
        return owner;
    }
    return {};
}

json persistent_json(const core::PersistentReservation& persistent) {
    return {{"type", persistent.type}, {"key", core::reservation_key_text(persistent.key)}};
}

std::string_view shown_state(core::AgentState state) {
    // Of those that are being told, only the words of the contract: does it owe or not?
    if (state == core::AgentState::starting) return core::to_text(core::AgentState::stopped);
    if (state == core::AgentState::returning) return core::to_text(core::AgentState::started);
    return core::to_text(state);
}

}  // namespace

json initiator_port_json(const core::InitiatorPort& port) {
    return {{"transport", core::to_text(port.transport)},
            {"name", port.name},
            {"isid", text_or_null(port.isid)},
            {"address", text_or_null(port.address)}};
}

json notice_id_json(const core::NoticeId& id) {
    return {{"epoch", id.epoch}, {"sequence", id.sequence}};
}

json reservation_json(const core::DriveRecord& record, const core::SharingConfiguration& sharing) {
    json holders = json::array();
    for (const core::InitiatorPort& port : record.reservation.holders) {
        json holder = initiator_port_json(port);
        const PortOwner owner = owner_of(port, sharing);
        holder["host"] = text_or_null(owner.host);
        holder["domain"] = text_or_null(owner.domain);
        holders.push_back(std::move(holder));
    }
    json reservation = {{"state", core::to_text(record.reservation.state)},
                        {"kind", core::to_text(record.reservation.kind)},
                        {"evidence", core::to_text(record.evidence)},
                        {"since", record.since.ms == 0 ? json() : json(to_text(record.since))},
                        {"holders", std::move(holders)}};
    if (record.reservation.persistent) {
        reservation["pr"] = persistent_json(*record.reservation.persistent);
    }
    return reservation;
}

// Null when there was nothing to find out.
static json holder_search_json(const core::HolderSearch& search) {
    if (search.candidates.empty() && search.rungs.empty()) return {};
    json candidates = json::array();
    for (const core::HolderCandidate& one : search.candidates) {
        candidates.push_back({{"evidence", core::to_text(one.evidence)},
                              {"sureness", core::to_text(one.sureness)},
                              {"port", one.port ? json(core::to_text(*one.port)) : json()},
                              {"words", one.words}});
    }
    json rungs = json::array();
    for (const core::HolderRung& one : search.rungs)
        rungs.push_back({{"rung", one.rung}, {"said", one.said}});
    return {{"candidates", std::move(candidates)}, {"rungs", std::move(rungs)}};
}

json drive_json(const core::DriveView& drive, const DriveDescription& description,
                const core::SharingConfiguration& sharing) {
    const core::DriveRecord& record = drive.record;
    const core::NoticeId newest = record.newest_notice.value_or(core::NoticeId{});
    return {{"serial", record.drive.text},
            {"vendor", description.vendor},
            {"product", description.product},
            {"element_address",
             description.element_address ? json(*description.element_address) : json()},
            {"shared", drive.shared},
            {"operational_state", core::to_text(drive.operational_state())},
            {"reservation", reservation_json(record, sharing)},
            {"holder_domain", text_or_null(drive.holder_domain)},
            {"holder_search", holder_search_json(drive.search)},
            {"epoch", newest.epoch},
            {"sequence", newest.sequence},
            {"offline_reason", text_or_null(record.offline_reason)},
            {"unreachable_why", text_or_null(drive.unreachable_why)}};
}

json agent_json(const core::AgentView& agent, const std::string& address) {
    return {{"name", agent.record.agent},
            {"address", address},
            {"state", shown_state(agent.record.state)},
            {"starting", core::is_being_told(agent.record.state)},
            {"domain", text_or_null(agent.domain)},
            {"last_seen", agent.last_seen ? json(to_text(*agent.last_seen)) : json()},
            {"missed", agent.record.missed}};
}

json handshake_json(const core::HandshakeView& handshake) {
    return {{"drive", handshake.drive.text},
            {"agent", handshake.agent},
            {"newest", notice_id_json(handshake.newest)},
            {"oldest_unconfirmed", notice_id_json(handshake.oldest_unconfirmed)},
            {"waiting_ms", handshake.waiting.ms},
            {"attempts", handshake.attempts},
            {"received", handshake.received},
            {"last_answer", text_or_null(handshake.last_answer)}};
}

json alarm_json(const core::Alarm& alarm) {
    return {{"kind", core::to_text(alarm.key.kind)},  {"drive", text_or_null(alarm.key.drive.text)},
            {"agent", text_or_null(alarm.key.agent)}, {"severity", core::to_text(alarm.severity)},
            {"raised_at", to_text(alarm.raised_at)},  {"text", alarm.text}};
}

json event_json(const core::EventRecord& record) {
    return {{"at", to_text(record.at)},
            {"severity", core::to_text(record.severity)},
            {"message", record.message},
            {"drive", text_or_null(record.drive.text)},
            {"agent", text_or_null(record.agent)},
            {"notice", record.notice ? notice_id_json(*record.notice) : json()},
            {"text", record.text}};
}

json event_json(const StoredEvent& event) {
    json value = event_json(event.record);
    value["number"] = event.number;
    return value;
}

json events_json(std::vector<StoredEvent> events) {
    std::sort(events.begin(), events.end(),
              [](const StoredEvent& a, const StoredEvent& b) { return a.number < b.number; });
    json list = json::array();
    for (const auto& event : events)
        list.push_back(event_json(event));
    return list;
}

json notice_json(const core::Notice& notice) {
    json holders = json::array();
    for (const core::InitiatorPort& port : notice.reservation.holders) {
        holders.push_back(initiator_port_json(port));
    }
    json reservation = {{"state", core::to_text(notice.reservation.state)},
                        {"kind", core::to_text(notice.reservation.kind)},
                        {"evidence", core::to_text(notice.evidence)},
                        {"holders", std::move(holders)}};
    if (notice.reservation.persistent) {
        reservation["pr"] = persistent_json(*notice.reservation.persistent);
    }
    return {{"id", notice_id_json(notice.id)},
            {"controller", notice.controller},
            {"drive", notice.drive.text},
            {"reservation", std::move(reservation)},
            {"holder_domain", text_or_null(notice.holder_domain)},
            {"operational_state", core::to_text(notice.operational_state)}};
}

namespace {

json ledger_json(const core::LedgerEntry& entry) {
    return {{"because", notice_id_json(entry.because)},
            {"controller", entry.controller},
            {"at", to_text(entry.at)},
            {"done", entry.done},
            {"reason", entry.reason}};
}

}  // namespace

json host_drive_json(const core::HostDriveView& drive, const std::string& application_name) {
    return {{"serial", drive.drive.text},
            {"application_name", application_name},
            {"application_state", core::to_text(drive.application_state)},
            {"busy", drive.busy},
            {"result", drive.result ? json(core::to_text(*drive.result)) : json()},
            {"newest", drive.newest ? notice_json(*drive.newest) : json()},
            {"ledger", drive.ledger ? ledger_json(*drive.ledger) : json()}};
}

core::Result<EventQuery> event_query_from_json(const json& params) {
    constexpr int limit_max = 10'000;
    EventQuery query;
    if (!params.is_object()) return core::Error{"params: must be an object"};
    for (const auto& [name, value] : params.items()) {
        if (value.is_null()) continue;
        if (name == "drive" && value.is_string()) {
            query.drive = core::DriveSerial{value.get<std::string>()};
        } else if (name == "since" && value.is_string()) {
            query.since = wall_time_from_text(value.get_ref<const std::string&>());
            if (!query.since) {
                return core::Error{
                    "since: must be a time such as \"2026-01-31T12:00:00Z\" (RFC 3339)"};
            }
        } else if (name == "limit" && value.is_number_integer()) {
            if (value < 1 || value > limit_max)
                return core::Error{"limit: must be a number from 1 to 10000"};
            query.limit = value.get<std::size_t>();
        } else if (name == "newest_first" && value.is_boolean()) {
            query.newest_first = value.get<bool>();
        } else {
            return core::Error{name +
                               ": not understood; known are drive (text), since (RFC 3339 time), "
                               "limit (1 to 10000) and newest_first (true, false)"};
        }
    }
    return query;
}

}  // namespace agent::runtime
