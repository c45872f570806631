#include "agent/dsad/profile_listing.hpp"

#include <cstdio>
#include <fstream>
#include <sstream>
#include <utility>

#include <nlohmann/json.hpp>

#include "agent/host/profile_file.hpp"
#include "agent/runtime/configuration.hpp"
#include "agent/runtime/dsad_configuration.hpp"

namespace agent::dsad {

using nlohmann::json;
using runtime::ExitCode;

namespace {

json parameter_json(const host::ProfileParameter& parameter) {
    return {{"name", parameter.name},
            {"of", parameter.of_drive ? "drive" : "application"},
            {"default", parameter.default_value ? json(*parameter.default_value) : json(nullptr)},
            {"description", parameter.description}};
}

json listing_of(const std::string& name, const std::string& file) {
    json row{{"name", name}, {"file", file}, {"trouble", nullptr}};
    const auto read = host::read_profile_file(file);
    if (!read.ok()) {
        row["trouble"] = read.errors.front();
        return row;
    }
    row["description"] = read.value->description;
    row["verified"] = read.value->unverified.empty();
    row["drive"] = read.value->drive_meaning;
    row["parameters"] = json::array();
    for (const auto& parameter : read.value->parameters)
        row["parameters"].push_back(parameter_json(parameter));
    row["credentials"] = json::array();
    for (const auto& credential : read.value->credentials) {
        row["credentials"].push_back({{"name", credential.name},
                                      {"in_argv", credential.in_argv},
                                      {"description", credential.description}});
    }
    return row;
}

void print_line(const std::string& line) {
    std::fputs((line + "\n").c_str(), stdout);
}

std::string in_words(const json& parameter) {
    std::string line = "    " + parameter["name"].get<std::string>();
    if (parameter["of"] == "drive") line += " (each drive)";
    if (!parameter["default"].is_null()) line += " = " + parameter["default"].get<std::string>();
    return line + ": " + parameter["description"].get<std::string>();
}

}  // namespace

json list_profiles(const std::vector<std::string>& folders) {
    json list = json::array();
    for (const auto& [name, file] : host::profiles_in(folders))
        list.push_back(listing_of(name, file));
    return list;
}

ExitCode print_profiles(const std::vector<std::string>& folders) {
    const json profiles = list_profiles(folders);
    if (profiles.empty()) {
        std::string looked_in;
        for (const std::string& folder : folders)
            looked_in += (looked_in.empty() ? "" : ", ") + folder;
        std::fputs(("no application profiles in " + looked_in +
                    "; application.profile_dirs says where they are\n")
                       .c_str(),
                   stderr);
    }
    for (const json& profile : profiles) {
        const std::string head =
            profile["name"].get<std::string>() + "  " + profile["file"].get<std::string>();
        if (!profile["trouble"].is_null()) {
            print_line(head + "\n    can not be used: " + profile["trouble"].get<std::string>());
            continue;
        }
        print_line(head +
                   (profile["verified"].get<bool>() ? "" : "  (not verified in every part)"));
        print_line("    " + profile["description"].get<std::string>());
        print_line("    {drive}: " + profile["drive"].get<std::string>());
        for (const json& parameter : profile["parameters"])
            print_line(in_words(parameter));
        for (const json& credential : profile["credentials"]) {
            print_line("    credential " + credential["name"].get<std::string>() + ": " +
                       credential["description"].get<std::string>());
        }
    }
    return ExitCode::ok;
}

ExitCode print_profile(const std::string& profile, const std::vector<std::string>& folders) {
    const auto file = host::find_profile(profile, folders);
    if (!file) {
        std::fputs((file.error().message + "\n").c_str(), stderr);
        return ExitCode::configuration;
    }
    std::ifstream stream(*file, std::ios::binary);
    std::ostringstream text;
    text << stream.rdbuf();
    std::fputs(text.str().c_str(), stdout);
    const auto read = host::read_profile_file(*file);
    for (const std::string& error : read.errors)
        std::fputs((error + "\n").c_str(), stderr);
    return read.ok() ? ExitCode::ok : ExitCode::configuration;
}

std::vector<std::string> profile_folders(const std::string& configuration_file) {
    auto read = runtime::read_dsad_configuration(configuration_file);
    if (read.ok()) return read.value->application.profile_dirs;
    return {"/etc/lra/profiles", "/usr/share/lra/profiles"};
}

}  // namespace agent::dsad
