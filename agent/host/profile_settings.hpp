#pragma once

#include <map>
#include <string>
#include <vector>

#include "agent/core/result.hpp"
#include "agent/host/application_profile.hpp"
#include "agent/host/profile_file.hpp"
#include "agent/runtime/program_names.hpp"

namespace agent::host {

// What one site fills into a profile. Errors name these keys as they are below "application" in
// dsad.json.
struct ProfileSettings {
    std::map<std::string, std::string> parameters;
    // By serial number, then by name.
    std::map<std::string, std::map<std::string, std::string>> drive_parameters;
    std::map<std::string, std::string> programs;     // full paths, by the profile's names
    std::map<std::string, std::string> credentials;  // the secrets themselves
    bool credentials_in_argv = false;
    // Whether the programs are run on this host: the first of the usual places that has one is
    // taken then, otherwise simply the first.
    bool on_this_host = true;
    // How programs are named where they run.
    runtime::ProgramNames program_names = runtime::ProgramNames::posix;
};

// What ApplicationProfile::compile() takes.
struct FilledProfile {
    ProfileDescription description;
    std::vector<DriveNames> drives;
};

// `drives` have drive, serial and device. Errors: "parameters.storage: is missing; ..." and the
// like; the first one.
[[nodiscard]] core::Result<FilledProfile> fill_in_profile(const ProfileFile& profile,
                                                          const ProfileSettings& settings,
                                                          std::vector<DriveNames> drives);

}  // namespace agent::host
