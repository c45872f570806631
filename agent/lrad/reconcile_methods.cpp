// lractl agent reconcile: tells an agent the state of every drive afresh, and shows what it made of
// it. The rules decide; this only waits and listens.

#include <nlohmann/json.hpp>
#include <utility>

#include "agent/lrad/controller.hpp"
#include "agent/runtime/clock.hpp"
#include "agent/runtime/state_json.hpp"

namespace agent::lrad {

using nlohmann::json;
using runtime::ControlAnswer;
using runtime::ControlError;
using runtime::ControlErrorCode;

namespace {

// Within lractl's own patience.
constexpr auto reconcile_agent_patience = std::chrono::seconds(8);

}  // namespace

struct Controller::ReconcileRun {
    core::AgentName agent;
    runtime::ControlServer::Answerer answer;
    std::map<core::DriveSerial, core::Confirmation> said;  // since it began, the newest of each
    asio::steady_timer deadline;
};

void Controller::serve_reconcile() {
    on_either_node("agent.reconcile", [this](const json& params, const runtime::Caller& caller,
                                             const runtime::ControlServer::Answerer& answer) {
        const auto name = runtime::text_parameter(params, "name");
        if (!name)
            return answer(ControlError{ControlErrorCode::invalid_params, name.error().message});
        begin_reconcile(*name, runtime::to_text(caller), answer);
    });
}

void Controller::begin_reconcile(const core::AgentName& name, const std::string& actor,
                                 const runtime::ControlServer::Answerer& answer) {
    if (const auto elsewhere = not_here()) return answer(*elsewhere);
    const auto shown = show_agent(name);
    if (std::holds_alternative<ControlError>(shown)) return answer(shown);
    const std::string state = std::get<json>(shown).value("state", "");
    if (state == "stopped" || state == "never_seen") {
        return answer(ControlError{
            ControlErrorCode::state_differs,
            "agent " + name + " is " + state +
                ": it is told everything when it says \"started\"; start dsad on that host"});
    }
    if (reconciles_.contains(name)) {
        return answer(ControlError{ControlErrorCode::busy,
                                   "a reconciliation with agent " + name + " is under way"});
    }
    const auto noted =
        store_.append_audit({runtime::clock_now().wall, actor, "agent.reconcile", name, ""});
    if (!noted) return answer(ControlError{ControlErrorCode::failed, noted.error().message});
    const auto run = std::make_shared<ReconcileRun>(
        ReconcileRun{name, answer, {}, asio::steady_timer(loop_, reconcile_agent_patience)});
    reconciles_[name] = run;
    // A handler that is queued already runs after its run has ended, and must not end the next one.
    run->deadline.async_wait(
        [this, name, begun = std::weak_ptr<ReconcileRun>(run)](const std::error_code& error) {
            if (!error && !begun.expired()) end_reconcile(name);
        });
    take(core::AdministratorReconciledAgent{name});
}

void Controller::watch_reconcile(const core::ReservationAgentInput& input) {
    if (reconciles_.empty()) return;
    if (const auto* confirmed = std::get_if<core::NoticeConfirmed>(&input)) {
        const auto run = reconciles_.find(confirmed->confirmation.agent);
        if (run != reconciles_.end())
            run->second->said[confirmed->confirmation.drive] = confirmed->confirmation;
    }
    for (const auto& view : rules_.agents()) {
        const auto state = view.record.state;
        if (!core::is_being_told(state) && reconciles_.contains(view.record.agent))
            end_reconcile(view.record.agent);
    }
}

// What every drive came to, for whoever asked.
void Controller::end_reconcile(const core::AgentName& name) {
    const auto found = reconciles_.find(name);
    if (found == reconciles_.end()) return;
    const auto run = found->second;
    reconciles_.erase(found);
    run->deadline.cancel();
    auto shown = show_agent(name);
    if (std::holds_alternative<ControlError>(shown)) return run->answer(shown);
    const json agent = std::get<json>(std::move(shown));
    bool ok = agent["state"] == "started" && agent["owes"].empty();
    json drives = json::array();
    for (const auto& [serial, said] : run->said) {
        ok = ok && core::settles(said.result);
        drives.push_back({{"serial", serial.text},
                          {"result", core::to_text(said.result)},
                          {"detail", said.detail}});
    }
    run->answer(json{{"ok", ok},
                     {"name", name},
                     {"state", agent["state"]},
                     {"reconciled", std::move(drives)},
                     {"owes", agent["owes"]}});
}

}  // namespace agent::lrad
