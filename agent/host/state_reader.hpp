#pragma once

// What the backup application says about a drive, made out from a query's output and exit status.

#include <regex>
#include <string>
#include <vector>

#include "agent/core/drive_sharing_agent_io.hpp"
#include "agent/core/result.hpp"
#include "agent/host/argv_template.hpp"
#include "agent/host/command.hpp"

namespace agent::host {

struct StateRules {
    // ECMAScript regular expressions, searched in every line of stdout and stderr; placeholders as
    // in argv, their values stand for themselves. No back-references: matching takes time in
    // proportion to the text.
    std::vector<std::string> online;
    std::vector<std::string> offline;
    std::vector<std::string> draining;
    // Exit statuses of the query.
    std::vector<int> online_statuses;
    std::vector<int> offline_statuses;
    std::vector<int> draining_statuses;
};

struct ReadState {
    core::ApplicationDriveState state = core::ApplicationDriveState::unknown;
    std::string how;  // for people: which line or exit status said so, or why nobody knows
    // Told by profiles only (profile_records.hpp).
    bool by_somebody_else = false;  // offline, and marked by somebody else than this agent
    bool say_again = false;         // draining, and offline has to be said again for it to go on
};

// The rules for one drive, compiled.
class StateReader {
  public:
    // Errors: a bad regular expression, a placeholder without a value, no rule for online or none
    // for offline, an exit status that stands for two states.
    [[nodiscard]] static core::Result<StateReader> compile(const StateRules& rules,
                                                           const DriveNames& names);

    // Exit statuses lie: with patterns configured it is the text that counts, and a listed exit
    // status must not contradict it. Only a wrong "offline" is dangerous (the drive would be given
    // away under a running job), so doubt is resolved the other way: any line that says draining
    // wins; online and offline in one answer, a status other than 0 that is not listed, or output
    // that was cut, is unknown.
    [[nodiscard]] ReadState read(const CommandOutcome& outcome) const;

  private:
    struct Pattern {
        core::ApplicationDriveState state;
        std::string text;
        std::regex compiled;
    };
    struct Status {
        core::ApplicationDriveState state;
        int number;
    };
    [[nodiscard]] ReadState read_text(const CommandOutcome& outcome) const;
    [[nodiscard]] const Status* listed(int number) const;
    [[nodiscard]] core::Outcome add(core::ApplicationDriveState state, const std::string& where,
                                    const std::vector<std::string>& patterns,
                                    const std::vector<int>& statuses, const DriveNames& names);
    [[nodiscard]] bool speaks_of(core::ApplicationDriveState state) const;

    std::vector<Pattern> patterns_;
    std::vector<Status> statuses_;
};

}  // namespace agent::host
