#pragma once

// How to operate one backup application, compiled and checked: which programs to call, how to
// understand them.

#include <map>
#include <optional>
#include <regex>
#include <string>
#include <variant>
#include <vector>

#include "agent/core/drive_sharing_agent_io.hpp"
#include "agent/core/result.hpp"
#include "agent/host/argv_template.hpp"
#include "agent/host/command.hpp"
#include "agent/host/profile_answer.hpp"
#include "agent/host/profile_records.hpp"
#include "agent/host/state_reader.hpp"

namespace agent::host {

// One program call.
struct StepDescription {
    std::vector<std::string> argv;   // template, see argv_template.hpp
    std::vector<std::string> input;  // lines of its standard input, templates too; may be empty
    AnswerRules answers;             // of offline and online
};

// What an administrator has written down: in dsad.json itself ("generic"), or in a profile file
// (profile_file.hpp).
struct ProfileDescription {
    // In this order, each when the one before it was done; empty: not configured, an agent that
    // only observes needs none.
    std::vector<StepDescription> offline;
    std::vector<StepDescription> online;
    StepDescription query;  // no argv: not configured
    std::variant<StateRules, RecordRules> states;
    std::vector<std::string> in_use;  // patterns of the query's lines while the drive is used
    core::Duration timeout{30'000};   // of one program
    core::Duration kill_grace{2'000};
    core::Duration drain_poll{2'000};  // the application is not asked more often while it drains
    core::Duration drain_limit{0};     // longer than that is trouble; 0: any time is well
    // "NAME=value", templates; empty: default_environment().
    std::vector<std::string> environment;
    bool secrets_in_argv = false;  // the administrator takes the blame
};

// PATH of the system, C locale (the patterns would not match translated messages), HOME=/ so that
// no rc file of somebody changes what a program says.
[[nodiscard]] std::vector<std::string> default_environment();

struct ProfileStep {
    Command command;
    AnswerReader answers;
};

// All of them in one line for people, as they would be run, without their secrets: "[...] < [...],
// then [...]"; "nothing: not configured" when there are none.
[[nodiscard]] std::string shown_steps(const std::vector<ProfileStep>& steps);

// Everything that can be known before anything is run, worked out for each drive: a profile that
// compiles runs the same commands every time.
class ApplicationProfile {
  public:
    // Errors begin with the key they are about: "offline: ...", "states.online[0]: ...".
    [[nodiscard]] static core::Result<ApplicationProfile> compile(
        const ProfileDescription& description, const std::vector<DriveNames>& drives);

    // Empty for a drive or an action that is not configured; one step for a query. Valid as long as
    // the profile.
    [[nodiscard]] const std::vector<ProfileStep>& steps(const core::DriveSerial& drive,
                                                        core::ApplicationAction action) const;
    // That of the first step; null when there is none.
    [[nodiscard]] const Command* command(const core::DriveSerial& drive,
                                         core::ApplicationAction action) const;
    // What a query's answer says; for a drive that has a query.
    [[nodiscard]] ReadState read(const core::DriveSerial& drive,
                                 const CommandOutcome& outcome) const;
    // Whether a query's answer can say that the application uses the drive.
    [[nodiscard]] bool tells_use(const core::DriveSerial& drive) const;
    // The line that says so, in quotes.
    [[nodiscard]] std::optional<std::string> line_in_use(const core::DriveSerial& drive,
                                                         const CommandOutcome& outcome) const;
    [[nodiscard]] core::Duration drain_poll() const { return drain_poll_; }
    [[nodiscard]] core::Duration drain_limit() const { return drain_limit_; }

  private:
    struct Drive {
        std::vector<ProfileStep> query;
        std::vector<ProfileStep> offline;
        std::vector<ProfileStep> online;
        std::optional<std::variant<StateReader, RecordReader>> reader;  // with `query`
        std::vector<std::regex> in_use;
    };
    std::map<core::DriveSerial, Drive> drives_;
    core::Duration drain_poll_;
    core::Duration drain_limit_;
};

}  // namespace agent::host
