#pragma once

// What `dsad --list-profiles` and `--print-profile` print.

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "agent/runtime/exit_code.hpp"

namespace agent::dsad {

// [{"name","file","description","verified","parameters":[{"name","of","default","description"}],
// "credentials":[..],"drive","trouble"}], by name; `trouble` is the first mistake in a file that
// can not be used, else null.
[[nodiscard]] nlohmann::json list_profiles(const std::vector<std::string>& folders);

// Every profile with its description and what has to be filled in, on stdout.
[[nodiscard]] runtime::ExitCode print_profiles(const std::vector<std::string>& folders);

// The file as it is on stdout, and every mistake in it on stderr.
[[nodiscard]] runtime::ExitCode print_profile(const std::string& profile,
                                              const std::vector<std::string>& folders);

// The folders that the configuration file names; the usual ones when it can not be read.
[[nodiscard]] std::vector<std::string> profile_folders(const std::string& configuration_file);

}  // namespace agent::dsad
