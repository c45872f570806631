#pragma once

// How to operate one backup application, compiled and checked: which programs to call, how to
// understand them.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/drive_sharing_agent_io.hpp"
#include "agent/core/result.hpp"
#include "agent/host/argv_template.hpp"
#include "agent/host/command.hpp"
#include "agent/host/state_reader.hpp"

namespace agent::host {

// As configured ("generic": an administrator's own commands).
struct ProfileDescription {
    // argv templates, see argv_template.hpp; empty: not configured, an agent that only observes
    // needs none.
    std::vector<std::string> offline;
    std::vector<std::string> online;
    std::vector<std::string> query;
    StateRules states;
    std::vector<int> accepted_statuses{
        0};  // of offline and online; the state is read back in any case
    core::Duration timeout{30'000};
    core::Duration kill_grace{2'000};
    std::vector<std::string> environment;  // "NAME=value"; empty: default_environment()
};

// PATH of the system, C locale (the patterns would not match translated messages), HOME=/ so that
// no rc file of somebody changes what a program says.
[[nodiscard]] std::vector<std::string> default_environment();

// Everything that can be known before anything is run, worked out for each drive: a profile that
// compiles runs the same commands every time.
class ApplicationProfile {
  public:
    // Errors begin with the key they are about: "offline: ...", "states.online[0]: ...".
    [[nodiscard]] static core::Result<ApplicationProfile> compile(
        const ProfileDescription& description, const std::vector<DriveNames>& drives);

    // Null for a drive or an action that is not configured. Valid as long as the profile.
    [[nodiscard]] const Command* command(const core::DriveSerial& drive,
                                         core::ApplicationAction action) const;
    [[nodiscard]] const StateReader* reader(const core::DriveSerial& drive) const;
    [[nodiscard]] bool accepts(int exit_status) const;

  private:
    struct Drive {
        std::optional<Command> query;
        std::optional<Command> offline;
        std::optional<Command> online;
        std::optional<StateReader> reader;  // with `query`
    };
    std::map<core::DriveSerial, Drive> drives_;
    std::vector<int> accepted_statuses_;
};

}  // namespace agent::host
