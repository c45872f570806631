#pragma once

// From the `application` part of dsad.json and the profile file it names to what the application
// runner needs.

#include <optional>
#include <string>
#include <vector>

#include "agent/core/result.hpp"
#include "agent/host/profile_file.hpp"
#include "agent/host/profile_settings.hpp"
#include "agent/runtime/dsad_configuration.hpp"

namespace agent::dsad {

// The profile file that is meant; nothing with "generic". Errors: "application.profile: ..." with
// the file's own first mistake and how many there are.
[[nodiscard]] core::Result<std::optional<host::ProfileFile>> profile_file_of(
    const runtime::ApplicationConfiguration& application);

// Not filled in for a drive yet: with "generic" what dsad.json says, else what `profile` says,
// filled in from dsad.json. Errors begin with a key of dsad.json.
[[nodiscard]] core::Result<host::FilledProfile> filled_profile(
    const runtime::ApplicationConfiguration& application,
    const std::optional<host::ProfileFile>& profile, const std::vector<runtime::DsadDrive>& drives,
    bool on_this_host);

// What an administrator should know of a profile that is not verified in every part; empty: all is.
[[nodiscard]] std::string doubts_about(const runtime::ApplicationConfiguration& application);

}  // namespace agent::dsad
