#pragma once

// Profiles of backup applications as files that an administrator can copy and edit: how to take a
// drive offline and online there, how to read its state back, and what has to be filled in.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/result.hpp"
#include "agent/host/application_profile.hpp"
#include "agent/runtime/configuration.hpp"

namespace agent::host {

// A value that the administrator fills in, a placeholder in the templates.
struct ProfileParameter {
    std::string name;
    std::string description;
    bool of_drive = false;  // each drive has its own
    std::optional<std::string> default_value;
    std::string matches;  // the whole value has to; ECMAScript regular expression, empty: anything
};

struct ProfileProgram {
    std::string name;  // what stands as argv[0] in the steps
    std::string description;
    // Full paths where it is usually installed, of Windows hosts too; may be empty.
    std::vector<std::string> places;
};

// A secret: read from a file of its own, filled into standard input or the environment.
struct ProfileCredential {
    std::string name;
    std::string description;
    bool in_argv = false;  // the program takes it in no other way
};

// A profile as it stands in its file: templates not filled in, programs by name.
struct ProfileFile {
    std::string name;  // the file's, without ".json"
    std::string file;
    std::string description;
    std::vector<std::string> verified;    // what is known for sure, and from where
    std::vector<std::string> unverified;  // what is not
    std::string drive_meaning;            // what {drive} is
    std::string drive_matches;
    std::vector<ProfileProgram> programs;
    std::vector<ProfileParameter> parameters;
    std::vector<ProfileCredential> credentials;
    ProfileDescription operation;
};

// Errors are complete: every mistake of the file, as `FILE:LINE: JSON.PATH: text`. What is accepted
// compiles for every drive whose values are well-formed.
[[nodiscard]] runtime::Configured<ProfileFile> read_profile_file(const std::string& file);
[[nodiscard]] const runtime::ConfigurationSchema& profile_schema();

// `profile` is a path when it has a '/', else the name of a file in one of the folders, the first
// that has it.
[[nodiscard]] core::Result<std::string> find_profile(const std::string& profile,
                                                     const std::vector<std::string>& folders);

// Every profile in the folders by name, at most 256; of two with the same name the one that
// find_profile() takes.
[[nodiscard]] std::map<std::string, std::string> profiles_in(
    const std::vector<std::string>& folders);

}  // namespace agent::host
