#pragma once

// From the `application` part of dsad.json and the profile file it names to what the application
// runner needs.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/result.hpp"
#include "agent/host/profile_file.hpp"
#include "agent/host/profile_settings.hpp"
#include "agent/runtime/dsad_configuration.hpp"

namespace agent::dsad {

// What other files than the configuration say, as it was when that was read: everything goes by it
// until the configuration is read again, whatever becomes of the files meanwhile.
struct ApplicationFiles {
    std::optional<host::ProfileFile> profile;    // nothing with "generic"
    std::map<std::string, std::string> secrets;  // by the profile's names; never to be shown
    std::string text;                            // the profile's own, as read
    // Whether anything would be done otherwise with the one than with the other.
    [[nodiscard]] bool same_as(const ApplicationFiles& other) const;
};

// Errors: "application.profile: ..." with the file's own first mistake and how many there are, or
// "application.credentials.NAME.file: ...".
[[nodiscard]] core::Result<ApplicationFiles> read_application_files(
    const runtime::ApplicationConfiguration& application);

// Not compiled yet: with "generic" what dsad.json says, else what the profile says, filled in from
// dsad.json. Errors begin with a key of dsad.json.
[[nodiscard]] core::Result<host::FilledProfile> filled_profile(
    const runtime::ApplicationConfiguration& application, const ApplicationFiles& files,
    const std::vector<runtime::DsadDrive>& drives, bool on_this_host);

// What an administrator should know of a profile that is not verified in every part; empty: all is.
[[nodiscard]] std::string doubts_about(const ApplicationFiles& files);

}  // namespace agent::dsad
