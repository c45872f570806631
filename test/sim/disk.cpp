#include "test/sim/disk.hpp"

namespace sim {

using namespace agent::core;

void ControllerTables::apply(const ReservationAgentEffect& effect) {
    if (const auto* drive = std::get_if<RecordDrive>(&effect)) {
        drives[drive->record.drive] = drive->record;
    } else if (const auto* agent = std::get_if<RecordAgent>(&effect)) {
        agents[agent->record.agent] = agent->record;
    } else if (const auto* debt = std::get_if<RecordDebt>(&effect)) {
        debts[{debt->record.drive, debt->record.agent}] = debt->record;
    } else if (const auto* alarm = std::get_if<RecordAlarm>(&effect)) {
        alarms.erase(alarm->alarm.key);
        if (alarm->active) alarms.emplace(alarm->alarm.key, alarm->alarm);
    }
}

ReservationAgentState ControllerTables::state() const {
    ReservationAgentState state;
    for (const auto& [key, record] : drives) {
        state.drives.push_back(record);
    }
    for (const auto& [key, record] : agents) {
        state.agents.push_back(record);
    }
    for (const auto& [key, record] : debts) {
        state.debts.push_back(record);
    }
    for (const auto& [key, alarm] : alarms) {
        state.active_alarms.push_back(alarm);
    }
    return state;
}

void HostTables::apply(const DriveSharingAgentEffect& effect) {
    if (const auto* entry = std::get_if<RecordLedgerEntry>(&effect)) {
        ledger.erase(entry->entry.drive);
        if (entry->present) ledger.emplace(entry->entry.drive, entry->entry);
    } else if (const auto* mark = std::get_if<RecordNoticeMark>(&effect)) {
        marks[{mark->mark.controller, mark->mark.drive}] = mark->mark;
    } else if (const auto* online = std::get_if<RecordOnlineCommand>(&effect)) {
        online_may_come.erase(online->drive);
        if (online->may_come) online_may_come.insert(online->drive);
    }
}

DriveSharingAgentState HostTables::state() const {
    DriveSharingAgentState state;
    for (const auto& [drive, entry] : ledger) {
        state.ledger.push_back(entry);
        if (!entry.done) state.unseen.push_back({drive, ApplicationAction::set_offline, {}});
    }
    for (const auto& drive : online_may_come) {
        state.unseen.push_back({drive, ApplicationAction::set_online, {}});
    }
    for (const auto& [key, mark] : marks) {
        state.marks.push_back(mark);
    }
    return state;
}

bool is_record(const ReservationAgentEffect& effect) {
    return std::holds_alternative<RecordDrive>(effect) ||
           std::holds_alternative<RecordAgent>(effect) ||
           std::holds_alternative<RecordDebt>(effect) ||
           std::holds_alternative<RecordEvent>(effect) ||
           std::holds_alternative<RecordAlarm>(effect);
}

bool is_record(const DriveSharingAgentEffect& effect) {
    return std::holds_alternative<RecordLedgerEntry>(effect) ||
           std::holds_alternative<RecordNoticeMark>(effect) ||
           std::holds_alternative<RecordOnlineCommand>(effect) ||
           std::holds_alternative<RecordAgentEvent>(effect);
}

}  // namespace sim
