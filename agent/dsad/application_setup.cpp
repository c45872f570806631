#include "agent/dsad/application_setup.hpp"

#include <fstream>
#include <iterator>
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

host::ProfileSettings settings_of(const runtime::ApplicationConfiguration& application,
                                  const ApplicationFiles& files, bool on_this_host) {
    host::ProfileSettings settings;
    settings.parameters = application.parameters;
    settings.drive_parameters = application.drive_parameters;
    settings.programs = application.programs;
    settings.credentials = files.secrets;
    settings.credentials_in_argv = application.credentials_in_argv;
    settings.on_this_host = on_this_host;
    settings.program_names = application.program_names;
    return settings;
}

std::string text_of_file(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

bool ApplicationFiles::same_as(const ApplicationFiles& other) const {
    return profile.has_value() == other.profile.has_value() &&
           (!profile || profile->file == other.profile->file) && text == other.text &&
           secrets == other.secrets;
}

core::Result<ApplicationFiles> read_application_files(
    const runtime::ApplicationConfiguration& application) {
    ApplicationFiles files;
    if (application.profile == "generic") return files;
    const auto file = host::find_profile(application.profile, application.profile_dirs);
    if (!file) return file.error().within("application.profile");
    files.text = text_of_file(*file);
    auto read = host::read_profile_file(*file);
    if (!read.ok()) {
        std::string text = "application.profile: " + read.errors.front();
        if (read.errors.size() > 1) {
            text += " (one of " + std::to_string(read.errors.size()) +
                    " mistakes; `dsad --print-profile " + *file + "` shows all)";
        }
        return core::Error{std::move(text)};
    }
    files.profile = std::move(read.value);
    for (const auto& [name, secret_file] : application.credential_files) {
        auto secret = runtime::read_key_file(secret_file);
        if (!secret) return secret.error().within("application.credentials." + name + ".file");
        files.secrets[name] = std::move(secret).value();
    }
    return files;
}

core::Result<host::FilledProfile> filled_profile(
    const runtime::ApplicationConfiguration& application, const ApplicationFiles& files,
    const std::vector<runtime::DsadDrive>& drives, bool on_this_host) {
    std::vector<host::DriveNames> names;
    names.reserve(drives.size());
    for (const runtime::DsadDrive& drive : drives)
        names.push_back({drive.application_name, drive.serial.text, drive.device, {}, {}});
    const auto& profile = files.profile;
    host::FilledProfile filled;
    if (profile) {
        auto result = host::fill_in_profile(*profile, settings_of(application, files, on_this_host),
                                            std::move(names));
        if (!result) return core::Error{"application." + result.error().message};
        filled = std::move(result).value();
    } else {
        filled = {generic_profile(application), std::move(names)};
    }
    auto& in_use = filled.description.in_use;
    in_use.insert(in_use.begin(), application.in_use.begin(), application.in_use.end());
    if (application.timeout_given || !profile) filled.description.timeout = application.timeout;
    if (application.drain_poll) filled.description.drain_poll = *application.drain_poll;
    if (application.drain_limit) filled.description.drain_limit = *application.drain_limit;
    return filled;
}

std::string doubts_about(const ApplicationFiles& files) {
    const auto& profile = files.profile;
    if (!profile || profile->unverified.empty()) return {};
    std::string text = "the profile " + profile->name + " rests on statements that nobody has " +
                       "verified; try it with observe_only and `lractl application check` first";
    for (const std::string& statement : profile->unverified)
        text += "; " + statement;
    return text;
}

}  // namespace agent::dsad
