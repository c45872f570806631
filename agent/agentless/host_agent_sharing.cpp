// A host whose agent is played by whichever of two controllers serves: its ledger is in rows that
// both have. The order is law here too: what is to be run is in its row first, and the row on every
// disk.

#include <algorithm>
#include <chrono>
#include <utility>

#include <asio/io_context.hpp>

#include "agent/agentless/host_agent.hpp"
#include "agent/runtime/clock.hpp"
#include "agent/runtime/log.hpp"

namespace agent::agentless {

namespace {

// What the far side gets beyond a limit, and for how long a connection may be silent.
constexpr core::Duration far_side_extra{20'000};

const core::HostLedgerRow* row_about(const std::vector<core::HostLedgerRow>& rows,
                                     const core::DriveSerial& drive) {
    const auto found = std::find_if(rows.begin(), rows.end(),
                                    [&](const auto& row) { return row.entry.drive == drive; });
    return found == rows.end() ? nullptr : &*found;
}

bool is_online(const core::UnseenCommand& command) {
    return command.action == core::ApplicationAction::set_online;
}

bool row_counts(const core::LedgerEntry& entry, const core::HostLedgerRow* row) {
    return row != nullptr && core::which_counts(entry, *row) != core::LedgerThatCounts::newer_entry;
}

}  // namespace

std::string name_by(const runtime::DsadConfiguration& configuration,
                    const core::DriveSerial& serial) {
    for (const auto& drive : configuration.drives) {
        if (drive.serial == serial) return drive.application_name;
    }
    const auto named = configuration.application_names.find(serial.text);
    return named == configuration.application_names.end() ? serial.text : named->second;
}

std::string HostAgent::name_of(const core::DriveSerial& drive) const {
    return name_by(completed_, drive);
}

// From its beginning: the way there, its limit, and once more the limit for what a killed program
// has asked its server for.
core::Duration HostAgent::longest_run() const {
    std::int64_t limit = completed_.application.timeout.ms;
    for (const auto& drive : completed_.drives) {
        for (const auto action :
             {core::ApplicationAction::set_offline, core::ApplicationAction::set_online}) {
            for (const auto& step : application_.profile().steps(drive.serial, action))
                limit = std::max(limit, step.command.timeout.ms);
        }
    }
    return {2 * limit + 2 * configuration_->ssh.connect_timeout.ms + far_side_extra.ms};
}

core::Duration HostAgent::may_run_for() const {
    return std::max(longest_run(), replaced_may_run_for_);
}

void HostAgent::try_again(void (HostAgent::*what)()) {
    ledger_retry_.expires_after(shared_->tried_again_after);
    ledger_retry_.async_wait(
        [this, what, alive = std::weak_ptr<int>(alive_)](const std::error_code& error) {
            if (!error && !alive.expired()) (this->*what)();
        });
}

// ---- the beginning
// ----------------------------------------------------------------------------------------

void HostAgent::read_ledger() {
    shared_->read(completed_.host.agent,
                  [this, alive = std::weak_ptr<int>(alive_)](const LedgerDoors::Rows& rows) {
                      if (alive.expired() || ledger_known_ || broken_) return;
                      if (!rows) return try_again(&HostAgent::read_ledger);
                      if (!bring_in(*rows)) begin_from(*rows);
                  });
}

// A controller that was alone has its ledger in a file. What no row speaks of, or an older one,
// goes into the rows, one drive after the other, and leaves the file when it is there; so does a
// set_online whose end it has not seen. True: the rows are to be read again.
bool HostAgent::bring_in(const std::vector<core::HostLedgerRow>& rows) {
    give_up_entries(rows);
    if (!broken_) give_up_online_commands(rows);
    if (broken_) return true;
    if (!recorded_.ledger.empty()) {
        const auto& entry = recorded_.ledger.front();
        put_own_entry(entry, row_about(rows, entry.drive));
        return true;
    }
    const auto command = std::find_if(recorded_.unseen.begin(), recorded_.unseen.end(), is_online);
    if (command == recorded_.unseen.end()) return false;
    put_own_online_command(command->drive, row_about(rows, command->drive));
    return true;
}

// Those that the rows know, or know better.
void HostAgent::give_up_entries(const std::vector<core::HostLedgerRow>& rows) {
    core::DriveSharingAgentEffects struck;
    for (const auto& entry : recorded_.ledger) {
        const auto* row = row_about(rows, entry.drive);
        if (!row_counts(entry, row)) continue;
        struck.push_back(core::RecordLedgerEntry{entry, false});
        if (core::which_counts(entry, *row) == core::LedgerThatCounts::newer_row)
            tell_disagreement(entry, *row);
    }
    carry_out_recorded(struck);
    std::erase_if(recorded_.ledger, [&](const auto& entry) {
        return row_counts(entry, row_about(rows, entry.drive));
    });
}

// Those that the rows tell of.
void HostAgent::give_up_online_commands(const std::vector<core::HostLedgerRow>& rows) {
    const auto is_told = [&rows](const core::UnseenCommand& command) {
        const auto* row = row_about(rows, command.drive);
        return is_online(command) && row != nullptr && row->online_may_come;
    };
    core::DriveSharingAgentEffects struck;
    for (const auto& command : recorded_.unseen) {
        if (is_told(command)) struck.push_back(core::RecordOnlineCommand{command.drive, false});
    }
    carry_out_recorded(struck);
    std::erase_if(recorded_.unseen, is_told);
}

// What goes into the row of a drive; `row`: the one that is there, or null. A command that it waits
// for may come all the same, and so may this controller's own.
core::HostLedgerRow HostAgent::own_row(const core::DriveSerial& drive,
                                       const core::HostLedgerRow* row) const {
    core::HostLedgerRow next;
    if (row == nullptr) {
        next.entry.drive = drive;
        next.present = false;
        next.application_name = name_of(drive);
    } else {
        next = *row;
    }
    next.agent = completed_.host.agent;
    next.runs_for = std::max(next.runs_for, longest_run());
    const auto& unseen = recorded_.unseen;
    next.online_may_come =
        next.online_may_come || std::any_of(unseen.begin(), unseen.end(), [&](const auto& command) {
            return command.drive == drive && is_online(command);
        });
    return next;
}

// The row's time stays: of what is offline it says nothing newer than before.
void HostAgent::put_own_online_command(const core::DriveSerial& drive,
                                       const core::HostLedgerRow* row) {
    shared_->put(own_row(drive, row),
                 [this, alive = std::weak_ptr<int>(alive_)](const core::Outcome& put) {
                     if (alive.expired()) return;
                     if (!put) return try_again(&HostAgent::read_ledger);
                     read_ledger();
                 });
}

// `row`: the older one, or null.
void HostAgent::put_own_entry(const core::LedgerEntry& entry, const core::HostLedgerRow* row) {
    core::HostLedgerRow next = own_row(entry.drive, row);
    next.entry = entry;
    next.present = true;
    next.application_name = name_of(entry.drive);
    next.put_at = runtime::clock_now().wall;
    const bool contradicts = row != nullptr && !row->entry.controller.empty();
    const auto older = contradicts ? std::optional(*row) : std::nullopt;
    shared_->put(next, [this, entry, older,
                        alive = std::weak_ptr<int>(alive_)](const core::Outcome& put) {
        if (alive.expired()) return;
        if (!put) return try_again(&HostAgent::read_ledger);
        runtime::log_info("agent " + completed_.host.agent + ": that drive " + entry.drive.text +
                          " was set offline there is known to both controllers from now on");
        if (older) tell_disagreement(entry, *older);
        read_ledger();
    });
}

void HostAgent::tell_disagreement(const core::LedgerEntry& entry, const core::HostLedgerRow& row) {
    const std::string of_row =
        "the row, written " +
        (row.put_at.ms == 0 ? std::string("at an unknown time") : runtime::to_text(row.put_at)) +
        (row.present ? ", says that it was set offline there " + runtime::to_text(row.entry.at)
                     : ", says that it was brought back");
    const std::string of_file =
        "the ledger of this controller says that it was set offline there " +
        runtime::to_text(entry.at) + " (" + entry.reason + ")";
    const bool newer_entry = core::which_counts(entry, row) == core::LedgerThatCounts::newer_entry;
    const std::vector<std::string> words{entry.drive.text, completed_.host.agent,
                                         of_row + "; " + of_file,
                                         newer_entry ? "this controller's ledger" : "the row"};
    post([this, drive = entry.drive, words] {
        announcements_.note(core::Message::host_ledgers_differ, drive, words);
    });
}

void HostAgent::begin_from(const std::vector<core::HostLedgerRow>& rows) {
    for (const auto& row : rows) {
        const auto& drive = row.entry.drive;
        const auto& listed = completed_.host.drives;
        const bool ours = completed_.discover_drives ||
                          std::find(listed.begin(), listed.end(), drive) != listed.end();
        if (!row.present || !ours || name_of(drive) == row.application_name) continue;
        return stay_out("drive " + drive.text + " was taken offline there as \"" +
                        row.application_name +
                        "\" by the controller that served before, and is \"" + name_of(drive) +
                        "\" in the configuration here: give it the same name");
    }
    const auto longest = longest_run();
    auto state = core::state_from(rows, longest);
    state.marks = std::move(recorded_.marks);
    recorded_ = std::move(state);
    line_.emplace(completed_.host.agent,
                  [this](const core::DriveSerial& drive) { return name_of(drive); });
    line_->recall(rows, longest, runtime::clock_now().monotonic);
    ledger_known_ = true;
    start();
}

// Under another name it would be another of the application's drives. A reload begins anew.
void HostAgent::stay_out(const std::string& why) {
    runtime::log_error("agent " + completed_.host.agent + " is not played: " + why);
    const core::HostContact told{completed_.host.agent, core::HostContact::State::not_understood,
                                 why};
    post([this, told] { announcements_.contact(told); });
}

// ---- afterwards
// ----------------------------------------------------------------------------------------

void HostAgent::put_rows() {
    if (broken_ || !line_) return;
    for (auto& row : line_->due())
        put_row(std::move(row));
}

// The rules take one step after the other: what was not run is told after this one.
void HostAgent::carry_out_waited(const core::DriveSharingAgentEffects& released) {
    auto after = core::after_waiting(released, drives());
    for (auto& answer : after.not_run)
        post([this, answer = std::move(answer)] { application_answered(answer); });
    carry_out_recorded(after.run);
}

void HostAgent::put_row(core::HostLedgerRow row) {
    row.runs_for = std::max(row.runs_for, longest_run());
    row.put_at = runtime::clock_now().wall;
    const auto drive = row.entry.drive;
    shared_->put(row, [this, drive, alive = std::weak_ptr<int>(alive_)](const core::Outcome& put) {
        if (alive.expired() || broken_) return;
        if (!put) {
            line_->not_put(drive);
            return try_again(&HostAgent::put_rows);
        }
        carry_out_waited(line_->put(drive));
        put_rows();
    });
}

}  // namespace agent::agentless
