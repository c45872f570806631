#include "agent/dsad/application_setup.hpp"

#include <string>
#include <utility>

namespace agent::dsad {

namespace {

std::vector<host::StepDescription> steps_of(const runtime::ApplicationConfiguration& application,
                                            const std::vector<std::string>& argv) {
    if (argv.empty()) return {};
    host::StepDescription step;
    step.argv = argv;
    step.answers.accepted_statuses = application.accepted_exit_statuses;
    return {std::move(step)};
}

host::ProfileDescription generic_profile(const runtime::ApplicationConfiguration& application) {
    host::ProfileDescription description;
    description.offline = steps_of(application, application.offline);
    description.online = steps_of(application, application.online);
    description.query.argv = application.query;
    description.states =
        host::StateRules{application.states.online,         application.states.offline,
                         application.states.draining,       application.exit_statuses.online,
                         application.exit_statuses.offline, application.exit_statuses.draining};
    return description;
}

core::Result<host::ProfileSettings> settings_of(
    const runtime::ApplicationConfiguration& application) {
    host::ProfileSettings settings;
    settings.parameters = application.parameters;
    settings.drive_parameters = application.drive_parameters;
    settings.programs = application.programs;
    settings.credentials_in_argv = application.credentials_in_argv;
    for (const auto& [name, file] : application.credential_files) {
        auto secret = runtime::read_key_file(file);
        if (!secret) return secret.error().within("credentials." + name + ".file");
        settings.credentials[name] = std::move(secret).value();
    }
    return settings;
}

}  // namespace

core::Result<std::optional<host::ProfileFile>> profile_file_of(
    const runtime::ApplicationConfiguration& application) {
    if (application.profile == "generic") return std::optional<host::ProfileFile>();
    const auto file = host::find_profile(application.profile, application.profile_dirs);
    if (!file) return file.error().within("application.profile");
    auto read = host::read_profile_file(*file);
    if (read.ok()) return std::move(read.value);
    std::string text = "application.profile: " + read.errors.front();
    if (read.errors.size() > 1) {
        text += " (one of " + std::to_string(read.errors.size()) +
                " mistakes; `dsad --print-profile " + *file + "` shows all)";
    }
    return core::Error{std::move(text)};
}

core::Result<host::FilledProfile> filled_profile(
    const runtime::ApplicationConfiguration& application,
    const std::optional<host::ProfileFile>& profile, const std::vector<runtime::DsadDrive>& drives,
    bool on_this_host) {
    std::vector<host::DriveNames> names;
    for (const runtime::DsadDrive& drive : drives)
        names.push_back({drive.application_name, drive.serial.text, drive.device, {}, {}});
    host::FilledProfile filled;
    if (profile) {
        auto settings = settings_of(application);
        if (settings) settings.value().on_this_host = on_this_host;
        if (!settings) return core::Error{"application." + settings.error().message};
        auto result = host::fill_in_profile(*profile, *settings, std::move(names));
        if (!result) return core::Error{"application." + result.error().message};
        filled = std::move(result).value();
    } else {
        filled = {generic_profile(application), std::move(names)};
    }
    if (application.timeout_given || !profile) filled.description.timeout = application.timeout;
    if (application.drain_poll) filled.description.drain_poll = *application.drain_poll;
    if (application.drain_limit) filled.description.drain_limit = *application.drain_limit;
    return filled;
}

std::string doubts_about(const runtime::ApplicationConfiguration& application) {
    const auto profile = profile_file_of(application);
    if (!profile || !*profile || (*profile)->unverified.empty()) return {};
    std::string text = "the profile " + (*profile)->name + " rests on statements that nobody has " +
                       "verified; try it with observe_only and `lractl application check` first";
    for (const std::string& statement : (*profile)->unverified)
        text += "; " + statement;
    return text;
}

}  // namespace agent::dsad
