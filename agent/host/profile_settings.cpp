#include "agent/host/profile_settings.hpp"

#include <unistd.h>

#include <algorithm>
#include <regex>
#include <utility>

namespace agent::host {

namespace profile_filling {

using core::Error;
using core::Outcome;
using core::Result;
using Values = std::map<std::string, std::string>;

std::string listed(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names)
        text += (text.empty() ? "" : ", ") + name;
    return text.empty() ? "none" : text;
}

template <typename Entry>
std::vector<std::string> names_of(const std::vector<Entry>& entries) {
    std::vector<std::string> names;
    names.reserve(entries.size());
    for (const Entry& entry : entries)
        names.push_back(entry.name);
    return names;
}

// Names that the profile does not have are slips of the finger.
Outcome all_known(const Values& given, const std::vector<std::string>& known,
                  const std::string& key, const std::string& profile) {
    for (const auto& [name, value] : given) {
        if (std::find(known.begin(), known.end(), name) != known.end()) continue;
        const std::string what = "the profile " + profile + " has nothing of this name; it has ";
        return Error{std::string(key).append(".").append(name).append(": ") + what + listed(known)};
    }
    return core::Nothing{};
}

Outcome fits(const std::string& value, const std::string& pattern) {
    if (value.empty()) return Error{"is empty"};
    if (pattern.empty()) return core::Nothing{};
    // read_profile_file() has compiled it before.
    const std::regex form(pattern, std::regex::ECMAScript | std::regex_constants::__polynomial);
    if (value.size() <= 1'024 && std::regex_match(value, form)) return core::Nothing{};
    return Error{"\"" + value + "\" is not of the form " + pattern};
}

// The parameters of one kind, with their defaults.
Result<Values> values_for(const ProfileFile& profile, const Values& given, bool of_drive,
                          const std::string& key) {
    Values values;
    for (const ProfileParameter& parameter : profile.parameters) {
        if (parameter.of_drive != of_drive) continue;
        const auto found = given.find(parameter.name);
        if (found == given.end() && !parameter.default_value) {
            return Error{key + "." + parameter.name + ": is missing; the profile " + profile.name +
                         " needs it: " + parameter.description};
        }
        const std::string& value = found == given.end() ? *parameter.default_value : found->second;
        if (const auto fit = fits(value, parameter.matches); !fit)
            return fit.error().within(key + "." + parameter.name);
        values[parameter.name] = value;
    }
    return values;
}

std::vector<std::string> parameter_names(const ProfileFile& profile, bool of_drive) {
    std::vector<std::string> names;
    for (const ProfileParameter& parameter : profile.parameters) {
        if (parameter.of_drive == of_drive) names.push_back(parameter.name);
    }
    return names;
}

Result<std::string> place_of(const ProfileProgram& program, const ProfileSettings& settings) {
    const auto given = settings.programs.find(program.name);
    if (given != settings.programs.end()) {
        if (auto wrong = runtime::wrong_with_program(given->second, settings.program_names);
            !wrong.empty())
            return Error{"programs." + program.name + ": " + wrong};
        return given->second;
    }
    if (settings.program_names == runtime::ProgramNames::powershell) {
        // PowerShell looks names up itself.
        const auto place = std::find_if(program.places.begin(), program.places.end(),
                                        runtime::is_drive_letter_path);
        return place == program.places.end() ? program.name : *place;
    }
    if (settings.on_this_host) {
        for (const std::string& place : program.places) {
            if (::access(place.c_str(), X_OK) == 0) return place;
        }
    }
    if (program.places.empty()) {
        return Error{"programs." + program.name +
                     ": is missing; give the full path of it: " + program.description};
    }
    return program.places.front();
}

Outcome put_programs(ProfileDescription& description, const ProfileFile& profile,
                     const ProfileSettings& settings) {
    Values places;
    for (const ProfileProgram& program : profile.programs) {
        auto place = place_of(program, settings);
        if (!place) return place.error();
        places[program.name] = std::move(place).value();
    }
    const auto put = [&places](StepDescription& step) {
        if (step.argv.empty()) return;
        const auto place = places.find(step.argv.front());
        if (place != places.end()) step.argv.front() = place->second;
    };
    for (auto* steps : {&description.offline, &description.online})
        std::for_each(steps->begin(), steps->end(), put);
    put(description.query);
    return core::Nothing{};
}

Result<Values> secrets_of(const ProfileFile& profile, const ProfileSettings& settings) {
    Values secrets;
    for (const ProfileCredential& credential : profile.credentials) {
        const std::string key = "credentials." + credential.name;
        const auto found = settings.credentials.find(credential.name);
        if (found == settings.credentials.end()) {
            return Error{key + ": is missing; the profile " + profile.name +
                         " needs a file with it: " + credential.description};
        }
        if (credential.in_argv && !settings.credentials_in_argv) {
            return Error{key +
                         ": the program takes it as an argument only, where every user of the "
                         "host can read it while the program runs; \"credentials_in_argv\": true "
                         "accepts that"};
        }
        secrets[credential.name] = found->second;
    }
    return secrets;
}

Outcome fill_drive(DriveNames& names, const ProfileFile& profile, const ProfileSettings& settings,
                   const Values& common, const Values& secrets) {
    if (const auto fit = fits(names.drive, profile.drive_matches); !fit) {
        return Error{"names." + names.serial + ": " + fit.error().message +
                     "; it is: " + profile.drive_meaning};
    }
    const std::string key = "drive_parameters." + names.serial;
    const auto found = settings.drive_parameters.find(names.serial);
    const Values given = found == settings.drive_parameters.end() ? Values{} : found->second;
    if (const auto known = all_known(given, parameter_names(profile, true), key, profile.name);
        !known)
        return known.error();
    auto own = values_for(profile, given, true, key);
    if (!own) return own.error();
    names.settings = common;
    for (auto& value : std::move(own).value())
        names.settings.insert(std::move(value));
    names.secrets = secrets;
    return core::Nothing{};
}

Outcome check_names(const ProfileFile& profile, const ProfileSettings& settings) {
    for (const auto& known : {
             all_known(settings.parameters, parameter_names(profile, false), "parameters",
                       profile.name),
             all_known(settings.programs, names_of(profile.programs), "programs", profile.name),
             all_known(settings.credentials, names_of(profile.credentials), "credentials",
                       profile.name),
         }) {
        if (!known) return known.error();
    }
    return core::Nothing{};
}

}  // namespace profile_filling

core::Result<FilledProfile> fill_in_profile(const ProfileFile& profile,
                                            const ProfileSettings& settings,
                                            std::vector<DriveNames> drives) {
    namespace filling = profile_filling;
    if (const auto known = filling::check_names(profile, settings); !known) return known.error();
    const auto common = filling::values_for(profile, settings.parameters, false, "parameters");
    if (!common) return common.error();
    const auto secrets = filling::secrets_of(profile, settings);
    if (!secrets) return secrets.error();
    FilledProfile filled{profile.operation, std::move(drives)};
    filled.description.secrets_in_argv = settings.credentials_in_argv;
    if (const auto put = filling::put_programs(filled.description, profile, settings); !put)
        return put.error();
    for (DriveNames& names : filled.drives) {
        const auto done = filling::fill_drive(names, profile, settings, *common, *secrets);
        if (!done) return done.error();
    }
    return filled;
}

}  // namespace agent::host
