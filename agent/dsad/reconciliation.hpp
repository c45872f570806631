#pragma once

// One reconciliation, as an operator wants to see it: what the application had when it was asked,
// what was done about it, and what was confirmed. It decides nothing: the rules do.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/drive_sharing_agent.hpp"

namespace agent::dsad {

struct ReconciledDrive {
    core::DriveSerial drive;
    bool told = false;                                 // a controller has told its state since
    std::optional<core::ApplicationDriveState> found;  // nothing: it was not asked
    std::vector<core::ApplicationAction> done;         // changes only
    std::optional<core::ConfirmationResult> result;    // nothing: not settled yet
};

class Reconciliation {
  public:
    // `before`: the drives as they are when it begins.
    explicit Reconciliation(const std::vector<core::HostDriveView>& before);

    void ran(const core::RunApplication& command);
    void answered(const core::ApplicationAnswered& answer);

    // Every drive has been told since, and dealt with.
    [[nodiscard]] bool is_complete(const std::vector<core::HostDriveView>& now) const;
    [[nodiscard]] std::vector<ReconciledDrive> outcome(
        const std::vector<core::HostDriveView>& now) const;

  private:
    struct Seen {
        std::optional<core::NoticeId> newest;  // before
        bool looking = false;                  // its first query runs
        std::optional<core::ApplicationDriveState> found;
        std::vector<core::ApplicationAction> done;
    };
    [[nodiscard]] ReconciledDrive outcome_of(const core::HostDriveView& view) const;

    std::map<core::DriveSerial, Seen> drives_;
};

// "the application had it online, now set offline" is made of these two.
[[nodiscard]] std::string found_in_words(const ReconciledDrive& drive);
[[nodiscard]] std::string done_in_words(const ReconciledDrive& drive);

}  // namespace agent::dsad
