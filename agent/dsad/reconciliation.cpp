#include "agent/dsad/reconciliation.hpp"

#include <algorithm>

namespace agent::dsad {

Reconciliation::Reconciliation(const std::vector<core::HostDriveView>& before) {
    for (const auto& view : before) {
        Seen& seen = drives_[view.drive];
        if (view.newest) seen.newest = view.newest->id;
    }
}

void Reconciliation::ran(const core::RunApplication& command) {
    const auto seen = drives_.find(command.drive);
    if (seen == drives_.end()) return;
    if (command.action == core::ApplicationAction::query) {
        seen->second.looking = true;
    } else {
        seen->second.done.push_back(command.action);
    }
}

void Reconciliation::answered(const core::ApplicationAnswered& answer) {
    const auto seen = drives_.find(answer.drive);
    if (seen == drives_.end() || answer.action != core::ApplicationAction::query) return;
    // A query that ran already when it began tells nothing about now.
    if (!seen->second.looking || seen->second.found) return;
    seen->second.found = answer.succeeded ? answer.state : core::ApplicationDriveState::unknown;
}

ReconciledDrive Reconciliation::outcome_of(const core::HostDriveView& view) const {
    ReconciledDrive drive{view.drive, false, std::nullopt, {}, std::nullopt};
    const auto seen = drives_.find(view.drive);
    if (seen == drives_.end()) {
        drive.told = view.newest.has_value();
    } else {
        drive.told =
            view.newest && (!seen->second.newest || *seen->second.newest < view.newest->id);
        drive.found = seen->second.found;
        drive.done = seen->second.done;
    }
    if (drive.told && !view.busy) drive.result = view.result;
    return drive;
}

bool Reconciliation::is_complete(const std::vector<core::HostDriveView>& now) const {
    return std::all_of(now.begin(), now.end(),
                       [this](const auto& view) { return outcome_of(view).result.has_value(); });
}

std::vector<ReconciledDrive> Reconciliation::outcome(
    const std::vector<core::HostDriveView>& now) const {
    std::vector<ReconciledDrive> drives;
    drives.reserve(now.size());
    for (const auto& view : now)
        drives.push_back(outcome_of(view));
    return drives;
}

std::string found_in_words(const ReconciledDrive& drive) {
    return drive.found ? std::string(core::to_text(*drive.found)) : "unasked";
}

std::string done_in_words(const ReconciledDrive& drive) {
    if (!drive.told) return "no controller has told its state";
    if (!drive.result) return "not settled yet";
    switch (*drive.result) {
        case core::ConfirmationResult::set_offline:
            return drive.done.empty() ? "offline by dsad already" : "set offline";
        case core::ConfirmationResult::set_online:
            return "brought online again";
        case core::ConfirmationResult::holder_is_mine:
            return drive.done.empty() ? "held by this host: nothing to do" : "brought online again";
        case core::ConfirmationResult::already_offline:
        case core::ConfirmationResult::already_online:
            return "as it has to be";
        case core::ConfirmationResult::left_to_operator:
            return "left to the operator who took it offline";
        case core::ConfirmationResult::not_connected:
            return "not a drive of this host";
        case core::ConfirmationResult::observed_only:
            return "only observed";
        case core::ConfirmationResult::failed:
            return "the application did not do it";
        case core::ConfirmationResult::draining:
            return "will be offline when the running job is done";
    }
    return {};
}

}  // namespace agent::dsad
