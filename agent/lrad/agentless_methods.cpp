// Hosts whose agents the controller plays itself (agent/agentless): what they say goes to the rules
// like the words of any agent.

#include <algorithm>
#include <span>
#include <utility>

#include <asio/io_context.hpp>
#include <nlohmann/json.hpp>

#include "agent/agentless/host_check.hpp"
#include "agent/core/message_catalogue.hpp"
#include "agent/lrad/controller.hpp"
#include "agent/lrad/pair_part.hpp"
#include "agent/runtime/clock.hpp"
#include "agent/runtime/log.hpp"

namespace agent::lrad {

using nlohmann::json;
using runtime::Caller;
using runtime::ControlError;
using runtime::ControlErrorCode;

void Controller::open_hosts() {
    hosts_ = std::make_unique<agentless::AgentlessHosts>(
        loop_, configuration_.state_dir, *channel_,
        agentless::AgentlessHosts::Announcements{
            .said = [this](const std::string& agent,
                           const snmp_mib::AgentMessage& message) { agent_said(agent, message); },
            .contact = [this](const core::HostContact& told) { take(told); },
            .audit =
                [this](const runtime::AdministratorAction& action) {
                    if (const auto noted = store_.append_audit(action); !noted)
                        runtime::log_error("audit trail: " + noted.error().message);
                },
            .unused =
                [this](const core::AgentName& agent, const dsad::UnusedDrive& unused) {
                    note_host(core::Message::host_drive_unused, agent, unused.drive,
                              {unused.drive.text, agent, unused.why, agent});
                },
            .note =
                [this](const core::AgentName& agent, core::Message message,
                       const core::DriveSerial& drive, const std::vector<std::string>& words) {
                    note_host(message, agent, drive, words);
                },
            .broken =
                [this](const std::string& why) {
                    if (std::exchange(failed_, true)) return;
                    runtime::log_critical("the state can not be recorded: " + why);
                    on_failure_(why);
                }},
        ledger_doors());
}

void Controller::note_host(core::Message message, const core::AgentName& agent,
                           const core::DriveSerial& drive, const std::vector<std::string>& words) {
    if (failed_) return;
    carry_out({core::RecordEvent{{runtime::clock_now().wall, core::description_of(message).severity,
                                  core::identifier_of(message), drive, agent, std::nullopt,
                                  core::text_of(message, std::span<const std::string>(words))}}});
}

// In a pair the node that serves plays them, by ledgers that both have.
std::optional<agentless::LedgerDoors> Controller::ledger_doors() {
    if (!configuration_.pair) return std::nullopt;
    agentless::LedgerDoors doors;
    doors.read = [this](const core::AgentName& agent,
                        std::function<void(const agentless::LedgerDoors::Rows&)> then) {
        pair_->ledgers->read(agent, std::move(then));
    };
    doors.put = [this](const core::HostLedgerRow& row,
                       std::function<void(const core::Outcome&)> then) {
        pair_->ledgers->put(row, std::move(then));
    };
    doors.may_run = [this] {
        return is_active() && pair::may_send(right_board_->get(), runtime::clock_now().monotonic);
    };
    doors.newest_life = [this](const core::AgentName& agent) {
        const auto& roster = pair_->shared->roster();
        return std::max(roster.started(agent).value_or(0), roster.stopping(agent).value_or(0));
    };
    return doors;
}

// Of agents that are not played here any more, and have an agent of their own now.
void Controller::end_alarms_of_no_host() {
    for (const auto& alarm : rules_.active_alarms()) {
        const auto& agent = alarm.key.agent;
        if (alarm.key.kind != core::AlarmKind::host_unreachable) continue;
        const auto configured =
            std::find_if(configuration_.agents.begin(), configuration_.agents.end(),
                         [&](const auto& one) { return one.name == agent; });
        if (configured == configuration_.agents.end() || configured->agentless) continue;
        take(core::HostContact{agent, core::HostContact::State::reached,
                               "ssh is not used for it any more"});
    }
}

void Controller::serve_hosts() {
    on_either_node("agent.check", [this](const json& params, const Caller&,
                                         const runtime::ControlServer::Answerer& answer) {
        const auto name = runtime::text_parameter(params, "name");
        if (!name)
            return answer(ControlError{ControlErrorCode::invalid_params, name.error().message});
        if (const auto elsewhere = not_here()) return answer(*elsewhere);
        const auto shown = show_agent(*name);
        if (const auto* error = std::get_if<ControlError>(&shown)) return answer(*error);
        if (const auto* why = hosts_->why_closed(*name)) {
            return answer(ControlError{ControlErrorCode::failed,
                                       "agent " + *name + " is not played: " + *why});
        }
        if (hosts_->find(*name) == nullptr) {
            return answer(ControlError{
                ControlErrorCode::failed,
                "agent " + *name +
                    " is a dsad on its own host: run `lractl --socket /run/lra/dsad.sock "
                    "application check` there"});
        }
        agentless::check_host(loop_, *hosts_, *name,
                              [answer](json report) { answer(std::move(report)); });
    });
    serve_host_ledgers();
}

// How an agent is spoken to, and for one that is played here whether its host is there.
json Controller::with_transport(json agent) const {
    const auto name = agent["name"].get<std::string>();
    const auto* host = hosts_->find(name);
    const auto* closed = hosts_->why_closed(name);
    agent["transport"] = host == nullptr && closed == nullptr ? "snmp" : "ssh";
    if (closed != nullptr)
        agent.update({{"reached", false}, {"contact", json()}, {"trouble", *closed}});
    if (host == nullptr) return agent;
    const auto& contact = host->contact();
    agent["reached"] = contact.reached();
    agent["contact"] = contact.state() ? json(agentless::to_text(*contact.state())) : json();
    agent["trouble"] = contact.reached() ? "" : contact.words();
    return agent;
}

}  // namespace agent::lrad
