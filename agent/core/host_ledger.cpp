#include "agent/core/host_ledger.hpp"

#include <algorithm>
#include <utility>

namespace agent::core {

DriveSharingAgentState state_from(const std::vector<HostLedgerRow>& rows, Duration runs_for) {
    DriveSharingAgentState state;
    for (const auto& row : rows) {
        const Duration longest = std::max(row.runs_for, runs_for);
        const auto& drive = row.entry.drive;
        if (row.present) {
            state.ledger.push_back(row.entry);
            state.unseen.push_back({drive, ApplicationAction::set_offline, longest});
        }
        if (row.online_may_come)
            state.unseen.push_back({drive, ApplicationAction::set_online, longest});
    }
    return state;
}

LedgerThatCounts which_counts(const LedgerEntry& entry, const HostLedgerRow& row) {
    const bool same =
        row.entry.because == entry.because && row.entry.controller == entry.controller;
    if (same) return LedgerThatCounts::row;
    const std::int64_t written = std::max(row.put_at.ms, row.entry.at.ms);
    return written < entry.at.ms ? LedgerThatCounts::newer_entry : LedgerThatCounts::newer_row;
}

AfterWaiting after_waiting(const DriveSharingAgentEffects& released,
                           const std::vector<HostDriveView>& drives) {
    const auto is_overtaken = [&drives](const DriveSerial& drive) {
        return std::any_of(drives.begin(), drives.end(), [&drive](const HostDriveView& view) {
            return view.drive == drive && view.overtaken;
        });
    };
    AfterWaiting after;
    for (const auto& effect : released) {
        const auto* run = std::get_if<RunApplication>(&effect);
        const bool brings_online = run != nullptr && run->action == ApplicationAction::set_online;
        if (!brings_online || !is_overtaken(run->drive)) {
            after.run.push_back(effect);
            continue;
        }
        ApplicationAnswered answer;
        answer.drive = run->drive;
        answer.action = run->action;
        answer.detail = "a newer notice came before it was run";
        after.not_run.push_back(std::move(answer));
    }
    return after;
}

HostLedgerLine::HostLedgerLine(AgentName agent, NameOf name_of)
    : agent_(std::move(agent)), name_of_(std::move(name_of)) {}

HostLedgerLine::Drive& HostLedgerLine::known(const DriveSerial& drive) {
    const auto [found, fresh] = drives_.try_emplace(drive);
    if (fresh) {
        found->second.row.agent = agent_;
        found->second.row.entry.drive = drive;
        found->second.row.present = false;
    }
    return found->second;
}

void HostLedgerLine::recall(const std::vector<HostLedgerRow>& rows, Duration runs_for,
                            Instant now) {
    for (const auto& row : rows) {
        Drive& drive = known(row.entry.drive);
        drive.row = row;
        drive.recalled_until = now + std::max(row.runs_for, runs_for);
        if (row.online_may_come) drive.online_may_come_until = drive.recalled_until;
    }
}

// ---- in: what the rules want
// --------------------------------------------------------------------------------------

DriveSharingAgentEffects HostLedgerLine::take(const DriveSharingAgentEffects& step, Instant now) {
    DriveSharingAgentEffects at_once;
    for (const auto& effect : step) {
        if (const auto* record = std::get_if<RecordLedgerEntry>(&effect)) {
            put_down(*record, now);
        } else if (std::holds_alternative<RecordOnlineCommand>(effect)) {
            continue;  // the row says it
        } else if (const auto* run = std::get_if<RunApplication>(&effect)) {
            before(*run, now);
            act(run->drive, effect, at_once);
        } else if (const auto* confirm = std::get_if<SendConfirmation>(&effect)) {
            before(*confirm, now);
            act(confirm->confirmation.drive, effect, at_once);
        } else {
            at_once.push_back(effect);
        }
    }
    return at_once;
}

void HostLedgerLine::put_down(const RecordLedgerEntry& effect, Instant now) {
    Drive& drive = known(effect.entry.drive);
    // Brought back it will be under the name that it was taken by.
    if (effect.present && !drive.row.present)
        drive.row.application_name = name_of_(effect.entry.drive);
    drive.row.entry = effect.entry;
    drive.row.present = effect.present;
    add_row(drive, now);
}

void HostLedgerLine::add_row(Drive& drive, Instant now) {
    if (!drive.online_runs && drive.online_may_come_until <= now) drive.row.online_may_come = false;
    if (drive.recalled_until <= now) drive.row.runs_for = {0};
    waiting_[drive.row.entry.drive].items.emplace_back(drive.row);
}

// That it was about to be run is known before it is: the rules record that of set_offline alone.
void HostLedgerLine::before(const RunApplication& effect, Instant now) {
    if (effect.action != ApplicationAction::set_online) return;
    Drive& drive = known(effect.drive);
    drive.online_runs = true;
    // Also where the row says so already: how long it may run may be another time now.
    drive.row.online_may_come = true;
    add_row(drive, now);
}

// Whoever takes over need not wait for a command that has ended.
void HostLedgerLine::before(const SendConfirmation& effect, Instant now) {
    Drive& drive = known(effect.confirmation.drive);
    if (drive.row.online_may_come && !drive.online_runs && drive.online_may_come_until <= now)
        add_row(drive, now);
}

void HostLedgerLine::ended(const ApplicationAnswered& answer, Instant now) {
    if (answer.action != ApplicationAction::set_online) return;
    Drive& drive = known(answer.drive);
    drive.online_runs = false;
    drive.online_may_come_until = std::max(drive.online_may_come_until, now + answer.may_run_for);
}

void HostLedgerLine::act(const DriveSerial& drive, const DriveSharingAgentEffect& effect,
                         DriveSharingAgentEffects& at_once) {
    const auto queue = waiting_.find(drive);
    if (queue == waiting_.end()) {
        at_once.push_back(effect);
        return;
    }
    queue->second.items.emplace_back(effect);
}

// ---- out: rows
// ----------------------------------------------------------------------------------------------------

std::vector<HostLedgerRow> HostLedgerLine::due() {
    std::vector<HostLedgerRow> rows;
    for (auto& [drive, queue] : waiting_) {
        if (std::exchange(queue.under_way, true)) continue;
        rows.push_back(std::get<HostLedgerRow>(queue.items.front()));
    }
    return rows;
}

DriveSharingAgentEffects HostLedgerLine::put(const DriveSerial& drive) {
    DriveSharingAgentEffects released;
    const auto found = waiting_.find(drive);
    if (found == waiting_.end() || !found->second.under_way) return released;
    auto& items = found->second.items;
    items.pop_front();
    while (!items.empty() && std::holds_alternative<DriveSharingAgentEffect>(items.front())) {
        released.push_back(std::get<DriveSharingAgentEffect>(std::move(items.front())));
        items.pop_front();
    }
    found->second.under_way = false;
    if (items.empty()) waiting_.erase(found);
    return released;
}

void HostLedgerLine::not_put(const DriveSerial& drive) {
    if (const auto found = waiting_.find(drive); found != waiting_.end())
        found->second.under_way = false;
}

}  // namespace agent::core
