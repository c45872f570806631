#include "agent/host/profile_file.hpp"

#include <algorithm>
#include <filesystem>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

#include <nlohmann/json.hpp>

#include "agent/host/line_pattern.hpp"
#include "agent/runtime/configuration_text.hpp"
#include "agent/runtime/program_names.hpp"

namespace agent::host {

namespace profile_reading {

using nlohmann::json;
using runtime::path_of_element;
using runtime::path_of_key;
using Strings = std::vector<std::string>;

constexpr std::string_view extension = ".json";
constexpr std::size_t profiles_max = 256;

std::string name_of(const std::string& file) {
    return std::filesystem::path(file).stem().string();
}

bool is_placeholder_name(const std::string& name) {
    const Strings found = placeholders_in("{" + name + "}");
    return found.size() == 1 && found.front() == name;
}

std::map<std::string, std::string> merged_environment(const json& given) {
    std::map<std::string, std::string> variables;
    for (const std::string& variable : default_environment()) {
        const std::size_t equals = variable.find('=');
        variables[variable.substr(0, equals)] = variable.substr(equals + 1);
    }
    for (const auto& [name, value] : given.items())
        variables[name] = value.get<std::string>();
    return variables;
}

// Reads the values that fit the schema, and judges what a schema can not say.
class Reading {
  public:
    explicit Reading(const runtime::Configuration& configuration)
        : source_(configuration), values_(configuration.values()) {}

    ProfileFile read() {
        ProfileFile profile;
        profile.file = source_.file();
        profile.name = name_of(profile.file);
        profile.description = values_["description"].get<std::string>();
        profile.verified = values_["verified"].get<Strings>();
        profile.unverified = values_["unverified"].get<Strings>();
        profile.drive_meaning = values_["drive"]["description"].get<std::string>();
        profile.drive_matches = whole_pattern(values_["drive"], "drive");
        read_names(profile);
        read_operation(profile.operation);
        const json& query = values_["query"];
        profile.operation.in_use = query["in_use"].get<Strings>();
        check_patterns(query, "in_use", "query", settings_);
        return profile;
    }

    runtime::ConfigurationErrors errors;

  private:
    void wrong(const std::string& path, const std::string& text) {
        errors.push_back(source_.error_at(path, text));
    }

    void read_names(ProfileFile& profile) {
        for (const auto& [name, value] : values_["programs"].items()) {
            profile.programs.push_back(
                {name, value["description"].get<std::string>(), value["places"].get<Strings>()});
            programs_.insert(name);
            const Strings& places = profile.programs.back().places;
            for (std::size_t i = 0; i < places.size(); ++i) {
                if (places[i].front() == '/' || runtime::is_drive_letter_path(places[i])) continue;
                wrong(path_of_element(path_of_key("programs", name) + ".places", i),
                      "must be a full path, beginning with '/', or with a drive letter as "
                      "C:\\ for hosts with PowerShell");
            }
        }
        for (const auto& [name, value] : values_["parameters"].items()) {
            const std::string path = path_of_key("parameters", name);
            check_name(path, name);
            ProfileParameter parameter{name, value["description"].get<std::string>(),
                                       value["of"] == "drive", std::nullopt,
                                       whole_pattern(value, path)};
            if (value.contains("default"))
                parameter.default_value = value["default"].get<std::string>();
            profile.parameters.push_back(std::move(parameter));
            settings_.insert(name);
        }
        for (const auto& [name, value] : values_["credentials"].items()) {
            check_name(path_of_key("credentials", name), name);
            const bool in_argv = value["given_in"] == "argv";
            profile.credentials.push_back({name, value["description"].get<std::string>(), in_argv});
            (in_argv ? settings_ : secrets_).insert(name);
        }
    }

    void check_name(const std::string& path, const std::string& name) {
        if (!is_placeholder_name(name)) {
            wrong(path,
                  "can not be a placeholder: a lower-case letter, then lower-case letters, digits "
                  "and '_'");
        }
        if (settings_.contains(name) || secrets_.contains(name))
            wrong(path, "this name is taken already; give each placeholder its own");
    }

    // A form for whole values.
    std::string whole_pattern(const json& value, const std::string& path) {
        std::string pattern = value.value("matches", "");
        if (const auto compiled = line_pattern(pattern); !compiled)
            wrong(path + ".matches", compiled.error().message);
        return pattern;
    }

    void read_operation(ProfileDescription& operation) {
        operation.timeout = {values_["timeout_ms"].get<std::int64_t>()};
        operation.drain_poll = {values_["drain"]["poll_ms"].get<std::int64_t>()};
        operation.drain_limit = {values_["drain"]["limit_ms"].get<std::int64_t>()};
        for (const auto& [name, value] : values_["environment"].items()) {
            const std::string path = path_of_key("environment", name);
            if (name.empty() || name.find('=') != std::string::npos)
                wrong(path, "is no name of an environment variable");
            check_placeholders(value.get_ref<const std::string&>(), path, Sees::secrets_too);
        }
        for (const auto& [name, value] : merged_environment(values_["environment"])) {
            operation.environment.push_back(std::string(name).append("=").append(value));
        }
        operation.offline = read_steps("offline");
        operation.online = read_steps("online");
        const json& query = values_["query"];
        operation.query = read_call(query, "query");
        operation.states = read_records(query);
    }

    std::vector<StepDescription> read_steps(const std::string& action) {
        std::vector<StepDescription> steps;
        const json& list = values_[action];
        for (std::size_t i = 0; i < list.size(); ++i) {
            const std::string path = path_of_element(action, i);
            StepDescription step = read_call(list[i], path);
            const json& answers = list[i]["answers"];
            const auto read = [&](const std::string& kind) {
                check_patterns(answers, kind, path + ".answers", settings_);
                return answers[kind].get<Strings>();
            };
            step.answers = {read("failed"), read("not_ours"),
                            read("busy"),   read("already"),
                            read("done"),   list[i]["accepted_exit_codes"].get<std::vector<int>>()};
            steps.push_back(std::move(step));
        }
        return steps;
    }

    StepDescription read_call(const json& value, const std::string& path) {
        StepDescription step;
        step.argv = value["argv"].get<Strings>();
        step.input = value["input"].get<Strings>();
        if (!programs_.contains(step.argv.front())) {
            wrong(path_of_element(path + ".argv", 0),
                  "\"" + step.argv.front() + "\" is not one of `programs`");
        }
        for (std::size_t i = 1; i < step.argv.size(); ++i)
            check_placeholders(step.argv[i], path_of_element(path + ".argv", i), Sees::settings);
        for (std::size_t i = 0; i < step.input.size(); ++i) {
            const std::string line = path_of_element(path + ".input", i);
            check_placeholders(step.input[i], line, Sees::secrets_too);
            if (step.input[i].find_first_of("\r\n") != std::string::npos)
                wrong(line, "has a line end in it; give each line its own element");
        }
        return step;
    }

    RecordRules read_records(const json& query) {
        RecordRules rules;
        const json& records = query["records"];
        rules.form =
            records["format"] == "json" ? RecordRules::Form::json : RecordRules::Form::text;
        rules.begin = records.value("begin", "");
        rules.end = records.value("end", "");
        rules.list = records.value("list", "");
        rules.match = records["match"].get<std::map<std::string, std::string>>();
        rules.find = query["find"].get<std::map<std::string, std::string>>();
        rules.failed = query["failed"].get<Strings>();
        rules.accepted_statuses = query["accepted_exit_codes"].get<std::vector<int>>();
        check_patterns(query, "failed", "query", settings_);
        std::set<std::string> found = settings_;
        for (const auto& [name, pattern] : rules.find) {
            const std::string path = path_of_key("query.find", name);
            check_name(path, name);
            check_pattern(pattern, path, settings_);
            found.insert(name);
        }
        check_form(records, rules);
        if (!rules.begin.empty()) check_pattern(rules.begin, "query.records.begin", found);
        if (!rules.end.empty()) check_pattern(rules.end, "query.records.end", found);
        const json& states = query["states"];
        for (std::size_t i = 0; i < states.size(); ++i)
            rules.rules.push_back(read_rule(states[i], path_of_element("query.states", i), found));
        if (errors.empty()) try_out(rules);
        return rules;
    }

    void check_form(const json& records, const RecordRules& rules) {
        const bool is_json = rules.form == RecordRules::Form::json;
        const bool as_text = records.contains("begin") || records.contains("end");
        const bool as_json = records.contains("list") || !rules.match.empty();
        if (is_json ? as_text : as_json) {
            wrong("query.records",
                  "begin and end are for text, list and match for JSON; keep those of its format");
        }
        if (!is_json && !rules.end.empty() && rules.begin.empty())
            wrong("query.records.end", "needs begin");
        for (const auto& [name, value] : rules.match)
            check_placeholders(value, path_of_key("query.records.match", name), Sees::settings);
    }

    RecordRule read_rule(const json& value, const std::string& path,
                         const std::set<std::string>& known) {
        RecordRule rule;
        rule.state = core::application_drive_state_from_text(value["state"].get<std::string>())
                         .value_or(core::ApplicationDriveState::unknown);
        rule.all = value["all"].get<Strings>();
        rule.none = value["none"].get<Strings>();
        rule.by_somebody_else = value["by_somebody_else"].get<bool>();
        rule.say_again = value["say_again"].get<bool>();
        rule.why = value.value("why", "");
        check_patterns(value, "all", path, known);
        check_patterns(value, "none", path, known);
        using enum core::ApplicationDriveState;
        if (rule.by_somebody_else && rule.state != offline)
            wrong(path + ".by_somebody_else", "means something with \"offline\" only");
        if (rule.say_again && rule.state != draining)
            wrong(path + ".say_again", "means something with \"draining\" only");
        if (rule.state == offline && rule.all.empty()) {
            wrong(path + ".all",
                  "is empty; that a drive is offline must be said, it can not be what is left "
                  "over");
        }
        return rule;
    }

    // What only compiling finds: groups, pointers, a state nobody speaks of.
    void try_out(const RecordRules& rules) {
        DriveNames names{"x", "x", "x", {}, {}};
        for (const std::string& name : settings_)
            names.settings[name] = "x";
        if (const auto compiled = RecordReader::compile(rules, names); !compiled)
            wrong("query", compiled.error().message);
    }

    enum class Sees : std::uint8_t { settings, secrets_too };

    void check_placeholders(const std::string& text, const std::string& path, Sees sees) {
        for (const std::string& name : placeholders_in(text)) {
            if (is_known(name, settings_)) continue;
            if (secrets_.contains(name)) {
                if (sees == Sees::secrets_too) continue;
                wrong(path, "{" + name +
                                "} is a credential that is given in input or environment; every "
                                "user of a host can read arguments");
                continue;
            }
            wrong(path, "{" + name +
                            "} is not known; there are drive, serial, device, and what stands in "
                            "parameters and credentials");
        }
    }

    static bool is_known(const std::string& name, const std::set<std::string>& known) {
        return name == "drive" || name == "serial" || name == "device" || known.contains(name);
    }

    void check_patterns(const json& object, const std::string& key, const std::string& path,
                        const std::set<std::string>& known) {
        const auto patterns = object[key].get<Strings>();
        for (std::size_t i = 0; i < patterns.size(); ++i)
            check_pattern(patterns[i], path_of_element(path_of_key(path, key), i), known);
    }

    void check_pattern(const std::string& pattern, const std::string& path,
                       const std::set<std::string>& known) {
        DriveNames names{"x", "x", "x", {}, {}};
        for (const std::string& name : known)
            names.settings[name] = "x";
        const auto filled = fill_in_pattern(pattern, names);
        if (!filled) return wrong(path, filled.error().message);
        if (const auto compiled = line_pattern(*filled); !compiled)
            wrong(path, compiled.error().message);
    }

    const runtime::Configuration& source_;
    const json& values_;
    std::set<std::string> programs_;
    std::set<std::string> settings_;  // placeholders that anybody may see
    std::set<std::string> secrets_;
};

}  // namespace profile_reading

runtime::Configured<ProfileFile> read_profile_file(const std::string& file) {
    const auto configuration = runtime::read_configuration_file(profile_schema(), file);
    if (!configuration.ok()) return {std::nullopt, configuration.errors};
    profile_reading::Reading reading(*configuration.value);
    ProfileFile profile = reading.read();
    if (!reading.errors.empty()) return {std::nullopt, std::move(reading.errors)};
    return {std::move(profile), {}};
}

core::Result<std::string> find_profile(const std::string& profile,
                                       const std::vector<std::string>& folders) {
    std::error_code error;
    if (profile.find('/') != std::string::npos) {
        if (std::filesystem::is_regular_file(profile, error)) return profile;
        return core::Error{"there is no file " + profile};
    }
    std::string looked_in;
    for (const std::string& folder : folders) {
        const std::string file =
            std::string(folder).append("/").append(profile).append(profile_reading::extension);
        if (std::filesystem::is_regular_file(file, error)) return file;
        looked_in += (looked_in.empty() ? "" : ", ") + folder;
    }
    return core::Error{"there is no profile \"" + profile + "\" in " + looked_in +
                       "; `dsad --list-profiles` lists those there are"};
}

std::map<std::string, std::string> profiles_in(const std::vector<std::string>& folders) {
    std::map<std::string, std::string> found;
    for (const std::string& folder : folders) {
        std::error_code error;
        std::filesystem::directory_iterator files(folder, error);
        for (; !error && files != std::filesystem::directory_iterator(); files.increment(error)) {
            const std::filesystem::path& file = files->path();
            if (file.extension() != profile_reading::extension) continue;
            if (found.size() >= profile_reading::profiles_max) return found;
            found.try_emplace(file.stem().string(), file.string());
        }
    }
    return found;
}

}  // namespace agent::host
