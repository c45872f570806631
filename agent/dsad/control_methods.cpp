#include "agent/dsad/control_methods.hpp"

#include <optional>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "agent/dsad/application_check.hpp"
#include "agent/dsad/drive_json.hpp"
#include "agent/dsad/host_methods.hpp"
#include "agent/dsad/profile_listing.hpp"
#include "agent/dsad/reconcile_method.hpp"
#include "agent/runtime/clock.hpp"
#include "agent/runtime/log.hpp"
#include "agent/runtime/state_json.hpp"
#include "agent/voting/voter_methods.hpp"

namespace agent::dsad {

using nlohmann::json;
using runtime::Caller;
using runtime::ControlAnswer;
using runtime::ControlError;
using runtime::ControlErrorCode;
using runtime::ControlServer;

namespace {

ControlError invalid(const std::string& message) {
    return {ControlErrorCode::invalid_params, message};
}

std::optional<core::HostDriveView> view_of(const Daemon& daemon, const std::string& serial) {
    for (auto& view : daemon.drives()) {
        if (view.drive.text == serial) return view;
    }
    return std::nullopt;
}

// The drive that params name; nothing with `error` set when they do not name one of this host.
std::optional<core::HostDriveView> named_drive(const Daemon& daemon, const json& params,
                                               ControlError& error) {
    const auto serial = runtime::text_parameter(params, "serial");
    if (!serial) {
        error = invalid(serial.error().message);
        return std::nullopt;
    }
    auto view = view_of(daemon, *serial);
    if (!view) {
        error = {ControlErrorCode::failed,
                 "no drive " + *serial + " on this host; `drive list` shows the ones there are"};
    }
    return view;
}

json agent_json(Daemon& daemon) {
    const auto& configuration = daemon.configuration();
    const auto& channel = daemon.channel();
    json controllers = json::array();
    for (const snmp_mib::PeerStatus& peer : channel.peers()) {
        if (peer.conversation == snmp_mib::Conversation::pair) continue;
        controllers.push_back({{"name", peer.name},
                               {"address", peer.address},
                               {"engine_id", peer.engine_id},
                               {"answering", peer.answering},
                               {"knows_us_started", daemon.acknowledged_by(peer.name)},
                               {"messages_waiting", peer.messages_waiting},
                               {"trouble", peer.trouble}});
    }
    json counters = json::object();
    for (std::size_t i = 0; i < snmp_mib::snmp_count_kinds; ++i) {
        const auto kind = static_cast<snmp_mib::SnmpCount>(i);
        counters[std::string(snmp_mib::to_text(kind))] = channel.counters().of(kind);
    }
    return {{"name", configuration.host.agent},
            {"domain", configuration.host.domain},
            {"incarnation", daemon.store().incarnation()},
            {"observe_only", configuration.application.observe_only},
            {"listen_port", channel.listen_port()},
            {"engine_id", channel.engine_id()},
            {"engine_boots", channel.engine_boots()},
            {"controllers", std::move(controllers)},
            {"snmp", std::move(counters)}};
}

ControlAnswer show_agent(Daemon& daemon, const json& params) {
    const auto name = params.find("name");
    if (name != params.end() && *name != daemon.configuration().host.agent) {
        return ControlError{ControlErrorCode::failed,
                            "this is " + daemon.configuration().host.agent +
                                "; ask the library reservation agent about others"};
    }
    return agent_json(daemon);
}

ControlAnswer list_events(Daemon& daemon, const json& params) {
    const auto query = runtime::event_query_from_json(params);
    if (!query) return invalid(query.error().message);
    auto events = daemon.store().events(*query);
    if (!events) return ControlError{ControlErrorCode::failed, events.error().message};
    return runtime::events_json(std::move(events).value());
}

ControlAnswer status(const Daemon& daemon) {
    return json{{"program", "dsad"},
                {"version", LRA_VERSION},
                {"name", daemon.configuration().host.agent},
                {"uptime_ms", (runtime::clock_now().monotonic - daemon.started_at()).ms},
                {"drives", daemon.drives().size()},
                {"observe_only", daemon.configuration().application.observe_only}};
}

void query_application(Daemon& daemon, const json& params, const ControlServer::Answerer& answer) {
    ControlError error;
    const auto view = named_drive(daemon, params, error);
    if (!view) return answer(error);
    daemon.application().call(
        view->drive, core::ApplicationAction::query,
        [answer, name = application_name(daemon.configuration(), view->drive)](
            const host::ProgramCall& call) {
            if (!call.succeeded) {
                answer(ControlError{ControlErrorCode::failed,
                                    host::audit_line(call) + ": " + call.detail});
                return;
            }
            answer(json{{"serial", call.drive.text},
                        {"application_name", name},
                        {"application_state", core::to_text(call.read.state)},
                        {"understood_from", call.read.how},
                        {"argv", shown(call.argv)},
                        {"ended", host::describe(call.outcome)},
                        {"took_ms", call.outcome.took.ms}});
        });
}

// What came of an operator's wish.
ControlAnswer wish_answer(const core::HostDriveView& view, core::ApplicationDriveState wanted,
                          const std::string& trouble) {
    const std::string& serial = view.drive.text;
    const std::string state(core::to_text(view.application_state));
    if (view.application_state == wanted) {
        return json{{"serial", serial}, {"application_state", state}};
    }
    if (view.application_state == core::ApplicationDriveState::draining) {
        const std::string what =
            trouble.empty() ? "is draining: it will be offline when the running job is done"
                            : "is in use, say it again when the job has ended: " + trouble;
        return ControlError{ControlErrorCode::busy, "drive " + serial + " " + what};
    }
    const std::string why = trouble.empty() ? "" : ": " + trouble;
    return ControlError{ControlErrorCode::state_differs,
                        "drive " + serial + " is " + state + " in the application" + why};
}

void set_drive(Daemon& daemon, const json& params, const Caller& caller, bool offline,
               const ControlServer::Answerer& answer) {
    ControlError error;
    const auto view = named_drive(daemon, params, error);
    if (!view) return answer(error);
    const json reason = params.value("reason", json(""));
    if (!reason.is_string()) return answer(invalid("reason: must be a text"));
    const std::string actor = runtime::to_text(caller);
    const auto recorded = daemon.store().append_audit(
        {runtime::clock_now().wall, actor, offline ? "application.offline" : "application.online",
         view->drive.text, reason.get<std::string>()});
    if (!recorded) return answer(ControlError{ControlErrorCode::failed, recorded.error().message});
    const auto wanted =
        offline ? core::ApplicationDriveState::offline : core::ApplicationDriveState::online;
    daemon.operator_sets(
        {view->drive, offline, actor},
        [answer, wanted](const core::HostDriveView& now, const std::string& trouble) {
            answer(wish_answer(now, wanted, trouble));
        });
}

void serve_drives(ControlServer& server, Daemon& daemon) {
    const auto list = [&daemon](const json&, const Caller&) -> ControlAnswer {
        json drives = json::array();
        for (const auto& view : daemon.drives())
            drives.push_back(drive_json(view, daemon.configuration()));
        return drives;
    };
    server.on("drive.list", list);
    server.on("application.list", list);
    server.on("drive.show", [&daemon](const json& params, const Caller&) -> ControlAnswer {
        ControlError error;
        const auto view = named_drive(daemon, params, error);
        if (!view) return error;
        return drive_json(*view, daemon.configuration());
    });
}

}  // namespace

void serve(ControlServer& server, Daemon& daemon) {
    serve_drives(server, daemon);
    server.on("agent.show",
              [&daemon](const json& params, const Caller&) { return show_agent(daemon, params); });
    // The alarms are the library reservation agent's; a host has none of its own.
    server.on("alarm.list",
              [](const json&, const Caller&) -> ControlAnswer { return json::array(); });
    server.on("event.list",
              [&daemon](const json& params, const Caller&) { return list_events(daemon, params); });
    voting::serve_voter(
        server, [&daemon] { return daemon.voter(); },
        [&daemon](const Caller& caller, const std::string& action, const std::string& subject,
                  const std::string& reason) {
            return daemon.store().append_audit(
                {runtime::clock_now().wall, runtime::to_text(caller), action, subject, reason});
        });
    serve_host(server, daemon);
    serve_reconcile(server, daemon);
    server.on("status.show", [&daemon](const json&, const Caller&) { return status(daemon); });
    server.on("application.profiles", [&daemon](const json&, const Caller&) -> ControlAnswer {
        return list_profiles(daemon.configuration().application.profile_dirs);
    });
    server.on_async("application.query", [&daemon](const json& params, const Caller&,
                                                   const ControlServer::Answerer& answer) {
        query_application(daemon, params, answer);
    });
    server.on_async("application.offline", [&daemon](const json& params, const Caller& caller,
                                                     const ControlServer::Answerer& answer) {
        set_drive(daemon, params, caller, true, answer);
    });
    server.on_async("application.online", [&daemon](const json& params, const Caller& caller,
                                                    const ControlServer::Answerer& answer) {
        set_drive(daemon, params, caller, false, answer);
    });
    server.on_async("application.check", [&daemon](const json&, const Caller&,
                                                   const ControlServer::Answerer& answer) {
        check_application(daemon, [answer](json report) { answer(std::move(report)); });
    });
}

}  // namespace agent::dsad
