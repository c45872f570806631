#include "agent/host/application_profile.hpp"

#include <algorithm>
#include <utility>

namespace agent::host {

namespace {

// No argv, no command: the action is not configured.
core::Result<std::optional<Command>> command_of(const std::string& key,
                                                const std::vector<std::string>& argv,
                                                const ProfileDescription& description,
                                                const DriveNames& names) {
    if (argv.empty()) return std::optional<Command>();
    auto filled = fill_in_argv(argv, names);
    if (!filled) return filled.error().within(key);
    Command command;
    command.argv = std::move(filled).value();
    command.environment =
        description.environment.empty() ? default_environment() : description.environment;
    command.timeout = description.timeout;
    command.kill_grace = description.kill_grace;
    return std::optional<Command>(std::move(command));
}

const Command* configured(const std::optional<Command>& command) {
    return command ? &*command : nullptr;
}

}  // namespace

std::vector<std::string> default_environment() {
    return {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C",
            "LANG=C", "HOME=/"};
}

core::Result<ApplicationProfile> ApplicationProfile::compile(
    const ProfileDescription& description, const std::vector<DriveNames>& drives) {
    ApplicationProfile profile;
    if (description.accepted_statuses.empty()) {
        return core::Error{
            "accepted_exit_codes: is empty, so that no command could ever succeed; [0] is "
            "usual"};
    }
    profile.accepted_statuses_ = description.accepted_statuses;
    for (const DriveNames& names : drives) {
        auto query = command_of("query", description.query, description, names);
        if (!query) return query.error();
        auto offline = command_of("offline", description.offline, description, names);
        if (!offline) return offline.error();
        auto online = command_of("online", description.online, description, names);
        if (!online) return online.error();
        std::optional<StateReader> reader;
        if (!description.query.empty()) {
            auto compiled = StateReader::compile(description.states, names);
            if (!compiled) return compiled.error();
            reader = std::move(compiled).value();
        }
        profile.drives_.insert_or_assign(core::DriveSerial{names.serial},
                                         Drive{std::move(query).value(), std::move(offline).value(),
                                               std::move(online).value(), std::move(reader)});
    }
    return profile;
}

const Command* ApplicationProfile::command(const core::DriveSerial& drive,
                                           core::ApplicationAction action) const {
    const auto found = drives_.find(drive);
    if (found == drives_.end()) return nullptr;
    switch (action) {
        case core::ApplicationAction::query:
            return configured(found->second.query);
        case core::ApplicationAction::set_offline:
            return configured(found->second.offline);
        case core::ApplicationAction::set_online:
            return configured(found->second.online);
    }
    return nullptr;
}

const StateReader* ApplicationProfile::reader(const core::DriveSerial& drive) const {
    const auto found = drives_.find(drive);
    if (found == drives_.end() || !found->second.reader) return nullptr;
    return &*found->second.reader;
}

bool ApplicationProfile::accepts(int exit_status) const {
    return std::find(accepted_statuses_.begin(), accepted_statuses_.end(), exit_status) !=
           accepted_statuses_.end();
}

}  // namespace agent::host
