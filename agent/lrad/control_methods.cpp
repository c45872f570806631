// What lractl can ask of lrad; docs/CONTROL.md describes each method.

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

#include "agent/lrad/capability_memory.hpp"
#include "agent/lrad/controller.hpp"
#include "agent/lrad/drive_timeline.hpp"
#include "agent/runtime/clock.hpp"
#include "agent/runtime/log.hpp"
#include "drive_iface/device/fence_key.hpp"

namespace agent::lrad {

using nlohmann::json;
using runtime::Caller;
using runtime::ControlAnswer;
using runtime::ControlError;
using runtime::ControlErrorCode;

namespace {

// How long an answer may wait for a drive; less than lractl's own patience.
constexpr auto answer_patience = std::chrono::seconds(8);
constexpr std::size_t timeline_events_max = 200;

ControlError wrong_parameter(const core::Error& error) {
    return {ControlErrorCode::invalid_params, error.message};
}

ControlError no_such_drive(const core::DriveSerial& serial) {
    return {ControlErrorCode::failed,
            "no drive " + serial.text +
                " in the configuration; `lractl drive list` shows those there are"};
}

}  // namespace

void Controller::serve() {
    control_ = std::make_unique<runtime::ControlServer>(
        loop_, runtime::ControlServerOptions{.path = configuration_.control_socket});
    const auto about_drive = [this](const std::string& method, auto handler) {
        control_->on(method, [handler](const json& params, const Caller&) -> ControlAnswer {
            const auto serial = runtime::text_parameter(params, "serial");
            if (!serial) return wrong_parameter(serial.error());
            return handler(core::DriveSerial{*serial});
        });
    };
    control_->on("drive.list", [this](const json&, const Caller&) { return list_drives(); });
    about_drive("drive.show",
                [this](const core::DriveSerial& serial) { return show_drive(serial); });
    about_drive("drive.why", [this](const core::DriveSerial& serial) { return why_drive(serial); });
    control_->on_async("drive.poll", [this](const json& params, const Caller&,
                                            runtime::ControlServer::Answerer answer) {
        const auto serial = runtime::text_parameter(params, "serial");
        if (!serial) return answer(wrong_parameter(serial.error()));
        const auto found = drives_.find(core::DriveSerial{*serial});
        if (found == drives_.end()) return answer(no_such_drive({*serial}));
        if (!found->second.watch->is_polled()) {
            return answer(ControlError{
                ControlErrorCode::failed,
                "drive " + *serial +
                    " has no interface in the configuration: it is known by its events alone and "
                    "can not be asked"});
        }
        found->second.watch->look_now();
        wait_for(found->first, std::nullopt, std::move(answer));
    });
    using core::OperationalState;
    for (const auto& [method, until] :
         {std::pair{"drive.offline", OperationalState::forced_offline},
          std::pair{"drive.clear", OperationalState::online}}) {
        on_either_node(method, [this, until = until](const json& params, const Caller& caller,
                                                     const auto& answer) {
            administrate(until, params, caller, answer);
        });
    }

    serve_release();
    serve_reconcile();
    serve_discovery();
    serve_hosts();

    serve_agents();

    control_->on("event.list", [this](const json& params, const Caller&) -> ControlAnswer {
        const auto query = runtime::event_query_from_json(params);
        if (!query) return wrong_parameter(query.error());
        auto events = store_.events(*query);
        if (!events) return ControlError{ControlErrorCode::failed, events.error().message};
        return runtime::events_json(std::move(events).value());
    });
    control_->on("alarm.list", [this](const json&, const Caller&) -> ControlAnswer {
        json list = json::array();
        for (const auto& alarm : rules_.active_alarms())
            list.push_back(runtime::alarm_json(alarm));
        return list;
    });
    serve_consumers();
    control_->on("status.show", [this](const json&, const Caller&) { return show_status(); });
}

// ---- drives
// ---------------------------------------------------------------------------------------------------------

std::optional<core::DriveView> Controller::view_of(const core::DriveSerial& serial) const {
    for (auto& view : rules_.drives()) {
        if (view.record.drive == serial) return view;
    }
    return std::nullopt;
}

runtime::DriveDescription Controller::description_of(const core::DriveSerial& serial) const {
    runtime::DriveDescription description;
    const auto found = drives_.find(serial);
    if (found == drives_.end()) return description;
    description.element_address = found->second.configuration.element_address;
    if (const auto identity = found->second.watch->identity()) {
        description.vendor = identity->vendor;
        description.product = identity->product;
    }
    return description;
}

json Controller::json_of(const core::DriveView& view) const {
    json drive =
        runtime::drive_json(view, description_of(view.record.drive), configuration_.sharing);
    if (mounts_) drive["mount"] = mount_of(view.record.drive);
    return drive;
}

ControlAnswer Controller::list_drives() const {
    json list = json::array();
    for (const auto& view : rules_.drives())
        list.push_back(json_of(view));
    return list;
}

ControlAnswer Controller::show_drive(const core::DriveSerial& serial) const {
    const auto view = view_of(serial);
    const auto found = drives_.find(serial);
    if (!view || found == drives_.end()) return no_such_drive(serial);
    json shown = json_of(*view);
    const bool fences = found->second.configuration.actuator == runtime::OfflineActuator::fence ||
                        view->fence_stands;
    if (fences) {
        const auto key = drive_iface::fence_key(configuration_.sharing.controller);
        shown["fence"] = {{"key", core::reservation_key_text(key)}, {"stands", view->fence_stands}};
    }
    const auto counters = found->second.watch->counters();
    shown["watch"] = {
        {"polled", found->second.watch->is_polled()},
        {"events", found->second.configuration.events},
        {"event_channel_connected", event_server_ && event_server_->is_connected(serial)},
        {"looks", counters.poller.looks},
        {"looks_failed", counters.poller.failures},
        {"looks_told", counters.poller.told},
        {"unresponsive", counters.poller.unresponsive},
        {"hanging_ms", counters.poller.lasting ? json(counters.poller.lasting->ms) : json()},
        {"pace", drive_iface::to_text(counters.poller.pace)},
        {"commands", counters.poller.commands},
        {"events_received", counters.observations.events},
        {"events_confirmed", counters.observations.confirmed},
        {"events_contradicted", counters.observations.contradicted}};
    const auto capabilities = found->second.watch->capabilities();
    shown["capabilities"] = capabilities ? capabilities_json(*capabilities) : json();
    return shown;
}

ControlAnswer Controller::why_drive(const core::DriveSerial& serial) const {
    const auto view = view_of(serial);
    if (!view) return no_such_drive(serial);
    auto events =
        store_.events({.drive = serial, .limit = timeline_events_max, .newest_first = true});
    if (!events) return ControlError{ControlErrorCode::failed, events.error().message};
    json now = json_of(*view);
    DriveStory story{.drive = *view, .now = &now, .events = std::move(events).value()};
    std::reverse(story.events.begin(), story.events.end());
    for (const auto& wait : rules_.handshakes(runtime::clock_now().monotonic)) {
        if (wait.drive == serial) story.missing.push_back(wait);
    }
    for (const auto& alarm : rules_.active_alarms()) {
        if (alarm.key.drive == serial) story.alarms.push_back(alarm);
    }
    return timeline_json(story);
}

void Controller::wait_for(const core::DriveSerial& serial,
                          std::optional<core::OperationalState> until,
                          runtime::ControlServer::Answerer answer) {
    auto& waiter = waiters_.emplace_back();
    waiter.drive = serial;
    waiter.until = until;
    waiter.answer = std::move(answer);
    waiter.deadline = std::make_unique<asio::steady_timer>(loop_, answer_patience);
    // A handler that is queued already runs after its timer is gone: the waiter may have its
    // answer.
    waiter.deadline->async_wait([this,
                                 timer = waiter.deadline.get()](const std::error_code& error) {
        const auto entry = std::find_if(waiters_.begin(), waiters_.end(), [&](const auto& one) {
            return one.deadline.get() == timer &&
                   one.deadline->expiry() <= asio::steady_timer::clock_type::now();
        });
        if (error || entry == waiters_.end()) return;
        const auto view = view_of(entry->drive);
        const std::string state =
            view ? std::string(core::to_text(view->operational_state())) : "gone";
        entry->answer(ControlError{ControlErrorCode::state_differs,
                                   "drive " + entry->drive.text + " is " + state +
                                       " and did not get any further in time; `lractl drive why " +
                                       entry->drive.text + "` tells more"});
        waiters_.erase(entry);
    });
}

void Controller::administrate(core::OperationalState until, const json& params,
                              const Caller& caller,
                              const runtime::ControlServer::Answerer& answer) {
    const auto serial = runtime::text_parameter(params, "serial");
    if (!serial) return answer(wrong_parameter(serial.error()));
    const auto reason = runtime::text_parameter(params, "reason");
    if (!reason) return answer(wrong_parameter(reason.error()));
    const core::DriveSerial drive{*serial};
    const auto view = view_of(drive);
    if (!view) return answer(no_such_drive(drive));
    if (const auto elsewhere = not_here()) return answer(*elsewhere);
    if (const auto anew = forced_anew_since(params)) return answer(*anew);
    // Also when it is so already: a clear may be under way, or debts may be left to answer for.
    if (auto changed = change_drive(drive, until, runtime::to_text(caller), *reason); !changed)
        return answer(ControlError{ControlErrorCode::failed, changed.error().message});
    if (view_of(drive)->record.operational_state == until) return answer(show_drive(drive));
    wait_for(drive, until, answer);
}

core::Outcome Controller::change_drive(const core::DriveSerial& drive,
                                       core::OperationalState wanted, const std::string& actor,
                                       const std::string& reason) {
    const bool clears = wanted == core::OperationalState::online;
    const auto view = view_of(drive);
    const bool is_so = view && view->record.operational_state == wanted;
    if (auto noted =
            store_.append_audit({runtime::clock_now().wall, actor,
                                 clears ? "drive.clear" : "drive.offline", drive.text, reason});
        !noted)
        return noted;
    if (clears) {
        if (!is_so) cleared_by(drive, actor, reason);
        take(core::AdministratorCleared{drive, actor, reason});
    } else {
        take(core::AdministratorForcedOffline{drive, actor, reason});
    }
    if (failed_) return core::Error{"it can not be recorded"};
    return core::Nothing{};
}

// ---- agents and the daemon itself
// -----------------------------------------------------------------------------------

std::string Controller::address_of(const core::AgentName& agent) const {
    for (const auto& configured : configuration_.agents) {
        if (configured.name != agent) continue;
        if (configured.agentless) return agentless::address_text(configured.agentless->ssh);
        return runtime::to_text(configured.address);
    }
    return "";
}

// A node that only watches knows nothing of agents: the one that serves is asked.
void Controller::serve_agents() {
    on_either_node("agent.list", [this](const json&, const Caller&, const auto& answer) {
        if (const auto elsewhere = not_here()) return answer(*elsewhere);
        answer(list_agents());
    });
    on_either_node("agent.show", [this](const json& params, const Caller&, const auto& answer) {
        if (const auto elsewhere = not_here()) return answer(*elsewhere);
        const auto name = runtime::text_parameter(params, "name");
        answer(name ? show_agent(*name) : wrong_parameter(name.error()));
    });
    on_either_node("agent.retire",
                   [this](const json& params, const Caller& caller, const auto& answer) {
                       answer(retire_agent(params, caller));
                   });
    on_either_node("handshake.list", [this](const json&, const Caller&, const auto& answer) {
        if (const auto elsewhere = not_here()) return answer(*elsewhere);
        json list = json::array();
        for (const auto& wait : rules_.handshakes(runtime::clock_now().monotonic))
            list.push_back(runtime::handshake_json(wait));
        answer(list);
    });
}

ControlAnswer Controller::retire_agent(const json& params, const Caller& caller) {
    const auto name = runtime::text_parameter(params, "name");
    if (!name) return wrong_parameter(name.error());
    const auto reason = runtime::text_parameter(params, "reason");
    if (!reason) return wrong_parameter(reason.error());
    if (const auto elsewhere = not_here()) return *elsewhere;
    auto shown = show_agent(*name);
    if (std::holds_alternative<ControlError>(shown) || has_started_since(params)) return shown;
    const auto actor = runtime::to_text(caller);
    const auto noted =
        store_.append_audit({runtime::clock_now().wall, actor, "agent.retire", *name, *reason});
    if (!noted) return ControlError{ControlErrorCode::failed, noted.error().message};
    take(core::AdministratorRetiredAgent{*name, actor, *reason});
    share_retirement(*name, actor, *reason);
    return show_agent(*name);
}

ControlAnswer Controller::list_agents() const {
    json list = json::array();
    for (const auto& view : rules_.agents())
        list.push_back(with_transport(runtime::agent_json(view, address_of(view.record.agent))));
    return list;
}

ControlAnswer Controller::show_agent(const std::string& name) const {
    for (const auto& view : rules_.agents()) {
        if (view.record.agent != name) continue;
        json shown = with_transport(runtime::agent_json(view, address_of(name)));
        if (const auto* host = hosts_->find(name)) shown.update(agentless::host_json(*host));
        shown["incarnation"] = view.record.incarnation;
        for (const auto& peer : channel_->peers()) {
            if (peer.name != name) continue;
            shown["engine_id"] = peer.engine_id;
            shown["answering"] = peer.answering;
            shown["messages_waiting"] = peer.messages_waiting;
            shown["trouble"] = peer.trouble;
        }
        json missing = json::array();
        for (const auto& wait : rules_.handshakes(runtime::clock_now().monotonic)) {
            if (wait.agent == name) missing.push_back(runtime::handshake_json(wait));
        }
        shown["owes"] = missing;
        return shown;
    }
    return ControlError{
        ControlErrorCode::failed,
        "no agent " + name + " in the configuration; `lractl agent list` shows those there are"};
}

ControlAnswer Controller::show_status() const {
    json snmp = json::object();
    for (std::size_t i = 0; i < snmp_mib::snmp_count_kinds; ++i) {
        const auto what = static_cast<snmp_mib::SnmpCount>(i);
        snmp[std::string(snmp_mib::to_text(what))] = channel_->counters().of(what);
    }
    json status{{"program", "lrad"},
                {"version", LRA_VERSION},
                {"controller", configuration_.sharing.controller},
                {"epoch", store_.epoch()},
                {"started_at", runtime::to_text(started_at_.wall)},
                {"uptime_s", (runtime::clock_now().monotonic - started_at_.monotonic).ms / 1000},
                {"snmp_port", channel_->listen_port()},
                {"engine_id", channel_->engine_id()},
                {"engine_boots", channel_->engine_boots()},
                {"reservation_changes", counters_.reservation_changes},
                {"notices_sent", counters_.notices_sent},
                {"confirmations_received", counters_.confirmations_received},
                {"snmp", std::move(snmp)}};
    if (event_server_) {
        const auto& events = event_server_->counters();
        status["drive_events"] = {{"port", event_server_->port()},
                                  {"connections", events.connections},
                                  {"connections_refused", events.connections_refused},
                                  {"events", events.events},
                                  {"repeats", events.repeats},
                                  {"bad_lines", events.bad_lines},
                                  {"oversized_lines", events.oversized_lines},
                                  {"unknown_drives", events.unknown_drives},
                                  {"commands", events.commands},
                                  {"commands_failed", events.commands_failed}};
    }
    status["consumers"] = consumers_json();
    status.update(helpers_json());
    return status;
}

}  // namespace agent::lrad
