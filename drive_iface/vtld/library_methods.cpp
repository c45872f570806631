#include <nlohmann/json.hpp>

#include "drive_iface/vtld/audited_methods.hpp"
#include "drive_iface/vtld/control_methods.hpp"
#include "drive_iface/vtld/control_parameters.hpp"
#include "drive_iface/vtld/event_channels.hpp"
#include "drive_iface/web/web_server.hpp"

namespace drive_iface::vtld {

using agent::runtime::Caller;
using agent::runtime::ControlAnswer;
using agent::runtime::ControlError;
using agent::runtime::ControlErrorCode;
using nlohmann::json;

namespace {

json status_text_or_null(const std::string& text) {
    return text.empty() ? json() : json(text);
}

json port_json(const agent::core::InitiatorPort& port) {
    return {{"transport", agent::core::to_text(port.transport)},
            {"name", port.name},
            {"isid", status_text_or_null(port.isid)},
            {"address", status_text_or_null(port.address)}};
}

// In the form of lrad's drive.list; a virtual drive knows its holder itself.
json reservation_json(const agent::core::Reservation& reservation) {
    json holders = json::array();
    for (const auto& holder : reservation.holders) {
        auto one = port_json(holder);
        one["host"] = nullptr;
        one["domain"] = nullptr;
        holders.push_back(std::move(one));
    }
    const bool reserved = reservation.state == agent::core::ReservationState::reserved;
    json result = {{"state", agent::core::to_text(reservation.state)},
                   {"kind", agent::core::to_text(reservation.kind)},
                   {"evidence", reserved ? "drive_event" : "none"},
                   {"since", nullptr},
                   {"holders", std::move(holders)}};
    if (reservation.persistent) {
        result["persistent"] = {
            {"type", reservation.persistent->type},
            {"key", agent::core::reservation_key_text(reservation.persistent->key)}};
    }
    return result;
}

json drive_json(const virtual_library::Library::DriveStatus& drive, const Running& running) {
    json logged_in = json::array();
    for (const auto& port : drive.logged_in)
        logged_in.push_back(port_json(port));
    return {{"serial", drive.serial},
            {"vendor", drive.vendor},
            {"product", drive.product},
            {"element_address", drive.element_address},
            {"operational_state", drive.forced_offline ? "forced_offline" : "online"},
            {"offline_reason", status_text_or_null(drive.forced_offline_reason)},
            {"reservation", reservation_json(drive.reservation)},
            {"registrations", drive.registrations},
            {"logged_in", std::move(logged_in)},
            {"target", running.server->target_name(drive.serial)},
            {"address", running.server->address()},
            {"url", "iscsi://" + running.server->address() + "/" +
                        running.server->target_name(drive.serial) + "/0"}};
}

json drives_json(const Running& running) {
    json drives = json::array();
    for (const auto& drive : running.bay->drives())
        drives.push_back(drive_json(drive, running));
    return drives;
}

json events_json(const Running& running) {
    json channels = json::array();
    if (!running.events) return channels;
    for (const auto& [connect, client] : running.events->channels()) {
        const auto& counters = client->counters();
        channels.push_back({{"connect", connect},
                            {"connected", client->is_connected()},
                            {"unacknowledged", client->unacknowledged()},
                            {"sent", counters.sent},
                            {"acknowledged", counters.acknowledged},
                            {"refused", counters.refused},
                            {"superseded", counters.superseded},
                            {"commands", counters.commands}});
    }
    return channels;
}

json iscsi_json(const Running& running) {
    const auto& counters = running.server->counters();
    return {{"address", running.server->address()},
            {"port", running.server->port()},
            {"target_prefix", running.configuration->iscsi.target_prefix},
            {"chap", running.configuration->iscsi.chap.has_value()},
            {"connections", counters.connections},
            {"connections_refused", counters.connections_refused},
            {"logins", counters.logins},
            {"logins_refused", counters.logins_refused},
            {"garbage", counters.garbage},
            {"timeouts", counters.timeouts}};
}

json web_json(const Running& running) {
    if (!running.web) return nullptr;
    const auto& counters = running.web->counters();
    return {{"address", web::to_text(running.web->address())},
            {"port", running.web->address().port},
            {"url", running.web->url()},
            {"connections", counters.connections},
            {"connections_refused", counters.connections_refused},
            {"requests", counters.requests},
            {"requests_wrong", counters.requests_wrong},
            {"timeouts", counters.timeouts}};
}

json library_status_json(const Running& running) {
    const auto& library = running.configuration->library;
    return {{"vendor", library.vendor},       {"product", library.product},
            {"serial", library.serial},       {"iscsi", iscsi_json(running)},
            {"events", events_json(running)}, {"web", web_json(running)},
            {"drives", drives_json(running)}};
}

json nexus_json(const iscsi::SessionDescription& session) {
    const auto digest = [](bool used) { return used ? "CRC32C" : "None"; };
    return {{"id", session.id},
            {"type", session.discovery ? "discovery" : "normal"},
            {"serial", status_text_or_null(session.device)},
            {"target", status_text_or_null(session.target)},
            {"port", port_json(session.port)},
            {"header_digest", digest(session.parameters.digests.header)},
            {"data_digest", digest(session.parameters.digests.data)},
            {"commands", session.commands},
            {"commands_waiting", session.commands_waiting}};
}

ControlAnswer show_drive(const json& params, const Running& running) {
    if (auto known = check_known(params, {"drive", "serial"}); !known)
        return invalid(known.error());
    std::set<std::string> serials;
    for (const auto& serial : running.bay->drive_serials())
        serials.insert(serial);
    const auto serial = drive_parameter(params, serials);
    if (!serial) return invalid(serial.error());
    for (const auto& drive : running.bay->drives()) {
        if (drive.serial == serial.value()) return drive_json(drive, running);
    }
    return ControlError{ControlErrorCode::internal_error, "the drive is gone"};
}

ControlAnswer drop_session(const json& params, const Running& running) {
    if (auto known = check_known(params, {"id"}); !known) return invalid(known.error());
    const auto id = optional_number(params, "id", 1, INT64_MAX);
    if (!id) return invalid(id.error());
    if (!id->has_value()) {
        return ControlError{ControlErrorCode::invalid_params,
                            "id: is missing; session.list has it"};
    }
    const auto dropped = running.server->drop_session(static_cast<std::uint64_t>(**id));
    if (dropped == 0) {
        return ControlError{ControlErrorCode::failed,
                            "there is no session " + std::to_string(**id)};
    }
    return json{{"dropped", dropped}};
}

using Answer = std::function<json()>;

void add_question(agent::runtime::ControlServer& control, const std::string& method,
                  Answer answer) {
    control.on(method,
               [answer = std::move(answer)](const json& params, const Caller&) -> ControlAnswer {
                   if (auto known = check_known(params, {}); !known) return invalid(known.error());
                   return answer();
               });
}

}  // namespace

void add_library_methods(agent::runtime::ControlServer& control, const Running& running) {
    add_question(control, "library.status", [running] { return library_status_json(running); });
    add_question(control, "drive.list", [running] { return drives_json(running); });
    add_question(control, "session.list", [running] {
        json sessions = json::array();
        for (const auto& session : running.server->sessions())
            sessions.push_back(nexus_json(session));
        return sessions;
    });
    add_question(control, "status.show", [running]() -> json {
        return {{"program", "vtld"},
                {"version", LRA_VERSION},
                {"uptime_ms", running.uptime_ms()},
                {"iscsi", iscsi_json(running)},
                {"events", events_json(running)},
                {"faults", running.bay->faults().all().size()},
                {"delayed_commands", running.bay->delayed_commands()}};
    });
    control.on("drive.show", [running](const json& params, const Caller&) {
        return show_drive(params, running);
    });
    on_change(control, "session.drop", [running](const json& params, const Caller&) {
        return drop_session(params, running);
    });
}

}  // namespace drive_iface::vtld
