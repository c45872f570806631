// Hosts without an agent, which whichever node of a pair serves plays: what is left of those that
// nobody plays any more, and whether both nodes mean the same hosts.

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

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
using Answerer = runtime::ControlServer::Answerer;
using Rows = agentless::LedgerDoors::Rows;

namespace {

json ledger_row_json(const core::HostLedgerRow& row, bool played) {
    return {{"agent", row.agent},
            {"serial", row.entry.drive.text},
            {"application_name", row.application_name},
            {"offline", row.present},
            {"online_may_come", row.online_may_come},
            {"since", row.present ? json(runtime::to_text(row.entry.at)) : json()},
            {"controller", row.entry.controller},
            {"reason", row.entry.reason},
            {"played", played}};
}

constexpr std::size_t drives_told_max = 8;

std::string left_over_words(const std::vector<core::HostLedgerRow>& rows) {
    std::string words;
    for (std::size_t place = 0; place < std::min(rows.size(), drives_told_max); ++place) {
        const auto& row = rows[place];
        words += (words.empty() ? "" : ", ") + row.entry.drive.text + " (" + row.application_name +
                 ", since " + runtime::to_text(row.entry.at) + ")";
    }
    const std::size_t more = rows.size() - std::min(rows.size(), drives_told_max);
    return more == 0 ? words : words + " and " + std::to_string(more) + " more";
}

ControlError ledger_error(const std::string& words) {
    return {ControlErrorCode::failed, words};
}

}  // namespace

// ---- what is left

bool Controller::is_played_here(const core::AgentName& agent) const {
    return std::any_of(configuration_.agents.begin(), configuration_.agents.end(),
                       [&](const auto& one) { return one.name == agent && one.agentless; });
}

std::string Controller::who_plays(const core::AgentName& agent) const {
    if (is_played_here(agent)) return configuration_.sharing.controller;
    const auto& there = pair_->hosts_there;
    const bool other_does = there && there->contains(agent) && !pair_->node->peer_is_silent();
    return other_does ? configuration_.pair->peer.name : "";
}

// Once since this node serves, and once after each reload.
void Controller::look_for_left_over_hosts() {
    using LeftOver = PairPart::LeftOver;
    if (!pair_->active || pair_->left_over != LeftOver::to_be_looked_for) return;
    pair_->left_over = LeftOver::asked;
    pair_->ledgers->read_open([this](const Rows& rows) {
        pair_->left_over = rows ? LeftOver::told : LeftOver::to_be_looked_for;
        if (!rows) return;
        std::map<core::AgentName, std::vector<core::HostLedgerRow>> left;
        for (const auto& row : *rows) {
            if (row.present && !is_played_here(row.agent)) left[row.agent].push_back(row);
        }
        for (const auto& [agent, drives] : left)
            note_host(core::Message::host_ledger_left_over, agent, {},
                      {agent, left_over_words(drives), agent});
    });
}

// ---- what is asked

void Controller::serve_host_ledgers() {
    on_either_node("agent.ledger", [this](const json&, const Caller&, const Answerer& answer) {
        list_host_ledgers(answer);
    });
    on_either_node("agent.forget",
                   [this](const json& params, const Caller& caller, const Answerer& answer) {
                       forget_host(params, caller, answer);
                   });
}

// Who leaves service hears nothing of the rows any more, and answers what was asked all the same.
void Controller::end_ledger_questions() {
    for (const auto& question : std::exchange(pair_->ledger_questions, {})) {
        if (!*question) continue;
        std::exchange(*question, nullptr)(
            ControlError{ControlErrorCode::busy,
                         "BUSY: this controller does not serve the library any more; ask again",
                         R"({"reason": "not_serving"})"});
    }
}

void Controller::list_host_ledgers(const Answerer& answer) {
    if (!pair_) {
        return answer(ledger_error(
            "this controller is no node of a pair, and has the ledgers of hosts without an agent "
            "for itself: `lractl agent show NAME`"));
    }
    if (const auto elsewhere = not_here()) return answer(*elsewhere);
    const auto question = pair_->open_question(answer);
    pair_->ledgers->read_open([this, question](const Rows& rows) {
        if (!*question) return;
        const auto then = std::exchange(*question, nullptr);
        if (!rows) return then(ledger_error(rows.error().message));
        json list = json::array();
        for (const auto& row : *rows)
            list.push_back(ledger_row_json(row, is_played_here(row.agent)));
        then(std::move(list));
    });
}

// Done twice, by two nodes perhaps, it is as done once.
void Controller::forget_host(const json& params, const Caller& caller, const Answerer& answer) {
    const auto name = runtime::text_parameter(params, "name");
    if (!name) return answer(ControlError{ControlErrorCode::invalid_params, name.error().message});
    const auto reason = runtime::text_parameter(params, "reason");
    if (!reason)
        return answer(ControlError{ControlErrorCode::invalid_params, reason.error().message});
    if (!pair_) {
        return answer(ledger_error(
            "this controller is no node of a pair; a host that is removed from its configuration "
            "leaves its ledger in its state_dir, which nobody else reads"));
    }
    if (const auto elsewhere = not_here()) return answer(*elsewhere);
    if (const auto who = who_plays(*name); !who.empty()) {
        return answer(ledger_error("agent " + *name +
                                   " has a section ssh in the configuration of " + who +
                                   ", which brings its drives back by these rows: remove it in "
                                   "both files and reload both first"));
    }
    const auto noted = store_.append_audit(
        {runtime::clock_now().wall, runtime::to_text(caller), "agent.forget", *name, *reason});
    if (!noted) return answer(ledger_error(noted.error().message));
    const auto question = pair_->open_question(answer);
    pair_->ledgers->strike_out(*name, [question, name = *name](const core::Outcome& struck) {
        if (!*question) return;
        const auto then = std::exchange(*question, nullptr);
        if (!struck) return then(ledger_error(struck.error().message));
        runtime::log_info("what was set offline on the host of agent " + name +
                          " is forgotten by both controllers");
        then(json{{"agent", name}, {"forgotten", true}});
    });
}

// ---- whether both mean the same

// Told by both nodes, as soon as they see each other's row: when one of them takes over it is late.
void Controller::compare_host_names(const std::map<std::string, std::string>& rows) {
    const auto& other = configuration_.pair->peer.name;
    const auto there = rows.find(other);
    pair_->hosts_there = there == rows.end() ? std::nullopt : names_from(there->second);
    if (!pair_->hosts_there || failed_) return;
    const auto now = differences(names_of_hosts(configuration_), *pair_->hosts_there, other);
    const auto before = std::exchange(pair_->differences_told, now);
    for (const auto& [agent, words] : now) {
        const auto told = before.find(agent);
        if (told == before.end() || told->second != words)
            note_host(core::Message::host_named_differently, agent, {}, {agent, words});
    }
    for (const auto& [agent, words] : before) {
        if (!now.contains(agent)) note_host(core::Message::host_named_alike, agent, {}, {agent});
    }
}

}  // namespace agent::lrad
