#include "test/unit/core/handshake_page.hpp"

#include <map>
#include <string_view>
#include <utility>

#include "agent/core/debt_table.hpp"
#include "agent/core/enumerator_names.hpp"
#include "agent/core/protection_table.hpp"

namespace core_test {
namespace {

using namespace agent::core;

constexpr EnumeratorName<DebtState> debt_states[] = {
    {DebtState::settled, "settled"},
    {DebtState::waiting, "waiting"},
    {DebtState::retrying, "retrying"},
    {DebtState::overdue, "overdue"},
};
constexpr EnumeratorName<DebtEvent> debt_events[] = {
    {DebtEvent::notice, "notice"},
    {DebtEvent::agent_resynchronized, "agent_resynchronized"},
    {DebtEvent::confirmed_newest, "confirmed_newest"},
    {DebtEvent::confirmed_older, "confirmed_older"},
    {DebtEvent::refused, "refused"},
    {DebtEvent::draining, "draining"},
    {DebtEvent::draining_too_often, "draining_too_often"},
    {DebtEvent::timeout_with_retry_left, "timeout_with_retry_left"},
    {DebtEvent::timeout_budget_spent, "timeout_budget_spent"},
    {DebtEvent::agent_excused, "agent_excused"},
    {DebtEvent::administrator_cleared, "administrator_cleared"},
};
constexpr EnumeratorName<DebtAction> debt_actions[] = {
    {DebtAction::nothing, "nothing"},
    {DebtAction::open, "open"},
    {DebtAction::append, "append"},
    {DebtAction::trim, "trim"},
    {DebtAction::settle, "settle"},
    {DebtAction::note_answer, "note_answer"},
    {DebtAction::restart_clock, "restart_clock"},
    {DebtAction::ask_again, "ask_again"},
    {DebtAction::give_up, "give_up"},
    {DebtAction::drop, "drop"},
    {DebtAction::impossible, "(impossible)"},
};
constexpr EnumeratorName<ProtectionState> protection_states[] = {
    {ProtectionState::online, "online"},
    {ProtectionState::forcing, "forcing"},
    {ProtectionState::forced_offline, "forced_offline"},
    {ProtectionState::unprotected, "unprotected"},
    {ProtectionState::lifting, "lifting"},
};
constexpr EnumeratorName<ProtectionEvent> protection_events[] = {
    {ProtectionEvent::agent_overdue, "agent_overdue"},
    {ProtectionEvent::administrator_forced, "administrator_forced"},
    {ProtectionEvent::holder_unknown, "holder_unknown"},
    {ProtectionEvent::actuator_succeeded, "actuator_succeeded"},
    {ProtectionEvent::actuator_failed, "actuator_failed"},
    {ProtectionEvent::actuator_retry_due, "actuator_retry_due"},
    {ProtectionEvent::administrator_cleared, "administrator_cleared"},
    {ProtectionEvent::lift_succeeded, "lift_succeeded"},
    {ProtectionEvent::lift_failed, "lift_failed"},
    {ProtectionEvent::controller_restarted, "controller_restarted"},
    {ProtectionEvent::fence_lost, "fence_lost"},
};
constexpr EnumeratorName<ProtectionAction> protection_actions[] = {
    {ProtectionAction::nothing, "nothing"},
    {ProtectionAction::force, "force"},
    {ProtectionAction::force_again, "force_again"},
    {ProtectionAction::confirm, "confirm"},
    {ProtectionAction::fail, "fail"},
    {ProtectionAction::lift, "lift"},
    {ProtectionAction::release, "release"},
    {ProtectionAction::report_lift, "report_lift"},
    {ProtectionAction::impossible, "(impossible)"},
};

template <typename Table, typename States, typename Events, typename Actions>
std::string rows_of(const Table& table, const States& states, const Events& events,
                    const Actions& actions) {
    std::string text = "| state | event | next state | action | why |\n|---|---|---|---|---|\n";
    for (const auto& row : table) {
        text += "| " + std::string(name_of(states, row.from));
        text += " | " + std::string(name_of(events, row.event));
        text += " | " + std::string(name_of(states, row.to));
        text += " | " + std::string(name_of(actions, row.action));
        text += " | " + std::string(row.why) + " |\n";
    }
    return text;
}

// Arrows between different states only; events that share an arrow share its label.
template <typename Table, typename States, typename Events>
std::string diagram_of(const Table& table, const States& states, const Events& events) {
    std::map<std::pair<int, int>, std::string> arrows;
    for (const auto& row : table) {
        if (row.from == row.to) continue;
        std::string& label = arrows[{static_cast<int>(row.from), static_cast<int>(row.to)}];
        if (!label.empty()) label += ", ";
        label += name_of(events, row.event);
    }
    std::string text = "```mermaid\nstateDiagram-v2\n";
    text += "    [*] --> " + std::string(states[0].name) + "\n";
    for (const auto& [ends, label] : arrows) {
        text += "    " + std::string(states[ends.first].name) + " --> ";
        text += std::string(states[ends.second].name) + ": " + label + "\n";
    }
    return text + "```\n";
}

}  // namespace

std::string handshake_page() {
    return "\n### The debt of one agent for one drive\n\n" +
           diagram_of(debt_table, debt_states, debt_events) + "\n" +
           rows_of(debt_table, debt_states, debt_events, debt_actions) +
           "\n### The protection of one drive\n\n" +
           diagram_of(protection_table, protection_states, protection_events) + "\n" +
           rows_of(protection_table, protection_states, protection_events, protection_actions) +
           "\n";
}

}  // namespace core_test
