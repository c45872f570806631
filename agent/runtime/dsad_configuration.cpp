#include "agent/runtime/dsad_configuration.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <utility>

#include "agent/runtime/configuration_text.hpp"

namespace agent::runtime {

using nlohmann::json;

namespace {

// The first "{...}" of a template that nobody fills in; empty: none.
std::string unknown_placeholder(const std::string& argument) {
    for (std::size_t open = argument.find('{'); open != std::string::npos;
         open = argument.find('{', open + 1)) {
        const std::size_t close = argument.find('}', open);
        if (close == std::string::npos) return {};
        std::string name = argument.substr(open, close - open + 1);
        if (name != "{drive}" && name != "{serial}" && name != "{device}") return name;
    }
    return {};
}

// A pattern as it will be compiled for a drive, whose names stand for themselves.
std::string with_placeholders_filled(std::string pattern) {
    for (const std::string_view name : {"{drive}", "{serial}", "{device}"}) {
        for (std::size_t at = pattern.find(name); at != std::string::npos;
             at = pattern.find(name)) {
            pattern.replace(at, name.size(), "x");
        }
    }
    return pattern;
}

// Reads the values that fit the schema, and judges what a schema can not say.
class DsadReading {
  public:
    DsadReading(const Configuration& configuration, ProgramNames names)
        : source_(configuration), values_(configuration.values()), program_names_(names) {}

    DsadConfiguration read() {
        const json& agent = values_["agent"];
        DsadConfiguration result;
        result.state_dir = source_.file_beside(agent["state_dir"].get<std::string>());
        result.control_socket =
            source_.file_beside(values_["control"]["socket"].get<std::string>());
        result.metrics = metrics_configuration(values_["metrics"], dsad_metrics_port);
        result.event_log_max = agent["event_log_max"].get<std::size_t>();
        result.host.agent = agent["name"].get<std::string>();
        result.host.domain = agent["domain"].get<std::string>();
        result.host.presence_interval = {agent["presence_interval_ms"].get<std::int64_t>()};
        result.host.stop_timeout = {agent["stop_timeout_ms"].get<std::int64_t>()};
        result.discovery_interval = {agent["discovery_interval_ms"].get<std::int64_t>()};
        result.snmp = snmp_configuration(source_, errors);
        read_controllers(result);
        result.pair = voter_pair_configuration(source_, result, errors);
        name_pairs(result);
        read_drives(result);
        read_ports(result);
        read_application(result.application);
        result.host.observe_only = result.application.observe_only;
        return result;
    }

    ConfigurationErrors errors;

  private:
    void wrong(const std::string& path, const std::string& text) {
        errors.push_back(source_.error_at(path, text));
    }

    void read_controllers(DsadConfiguration& result) {
        std::set<std::string> names;
        const json& controllers = values_["controllers"];
        for (std::size_t i = 0; i < controllers.size(); ++i) {
            const std::string path = "controllers[" + std::to_string(i) + "]";
            DsadController controller;
            controller.name = controllers[i]["name"].get<std::string>();
            controller.user = controllers[i]["user"].get<std::string>();
            controller.pair = controllers[i].value("pair", "");
            controller.address =
                *address_from_text(controllers[i]["address"].get_ref<const std::string&>());
            if (!names.insert(controller.name).second) {
                wrong(path + ".name", "\"" + controller.name +
                                          "\" stands twice; give each controller its own "
                                          "controller.id");
            }
            if (controller.address.port == 0) {
                wrong(path + ".address", "port 0 can not be sent to; name the controller's port");
            }
            check_snmp_user(source_, result.snmp, path + ".user", controller.user, errors);
            result.host.controllers.push_back(controller.name);
            result.controllers.push_back(std::move(controller));
        }
    }

    // Two of the same are the nodes of a pair; those of the section pair are, without more words.
    void name_pairs(DsadConfiguration& result) {
        std::map<std::string, int> nodes;
        for (std::size_t i = 0; i < result.controllers.size(); ++i) {
            auto& controller = result.controllers[i];
            const bool is_node =
                result.pair && std::find(result.pair->nodes.begin(), result.pair->nodes.end(),
                                         controller.name) != result.pair->nodes.end();
            const std::string path = "controllers[" + std::to_string(i) + "].pair";
            if (is_node && !controller.pair.empty() && controller.pair != result.pair->cluster) {
                wrong(path, "is not pair.cluster, and " + controller.name +
                                " is a node of that; remove it");
            }
            if (is_node) controller.pair = result.pair->cluster;
            if (!controller.pair.empty() && ++nodes[controller.pair] > 2)
                wrong(path, "has two nodes already");
        }
    }

    void read_drives(DsadConfiguration& result) {
        const json& drives = values_["drives"];
        const json& names = values_["application"]["names"];
        result.application_names = names.get<std::map<std::string, std::string>>();
        result.discover_drives = drives.is_string();
        if (result.discover_drives) return;
        std::set<std::string> serials;
        for (std::size_t i = 0; i < drives.size(); ++i) {
            const std::string path = "drives[" + std::to_string(i) + "]";
            DsadDrive drive;
            drive.serial.text = drives[i]["serial"].get<std::string>();
            drive.device = drives[i].value("device", "");
            drive.application_name = drives[i].value(
                "application_name", names.value(drive.serial.text, drive.serial.text));
            if (!serials.insert(drive.serial.text).second) {
                wrong(path + ".serial", "\"" + drive.serial.text +
                                            "\" stands twice; each must be "
                                            "different");
            }
            if (drives[i].contains("application_name") && names.contains(drive.serial.text) &&
                names[drive.serial.text] != drive.application_name) {
                wrong(path + ".application_name",
                      "application.names has another name for this serial; keep one of the two");
            }
            result.host.drives.push_back(drive.serial);
            result.drives.push_back(std::move(drive));
        }
        for (const auto& [serial, name] : names.items()) {
            if (serials.contains(serial)) continue;
            wrong(path_of_key("application.names", serial),
                  "no drive in drives[] has this serial; add it there or remove the name");
        }
    }

    void read_ports(DsadConfiguration& result) {
        const json& ports = values_["ports"];
        result.discover_ports = ports.is_string();
        if (result.discover_ports) return;
        for (const json& port : ports) {
            result.host.ports.push_back(
                *core::initiator_port_from_text(port.get_ref<const std::string&>()));
        }
    }

    void read_application(ApplicationConfiguration& application) {
        const json& value = values_["application"];
        application.profile = value["profile"].get<std::string>();
        application.program_names = program_names_;
        const bool generic = application.profile == "generic";
        application.timeout_given = value.contains("timeout_ms");
        application.timeout = read_time(value, "timeout_ms").value_or(application.timeout);
        application.drain_poll = read_time(value, "drain_poll_ms");
        application.drain_limit = read_time(value, "drain_limit_ms");
        application.observe_only = value["observe_only"].get<bool>();
        if (value.contains("accepted_exit_codes")) {
            application.accepted_exit_statuses =
                value["accepted_exit_codes"].get<std::vector<int>>();
        }
        for (const std::string& folder : value["profile_dirs"].get<std::vector<std::string>>())
            application.profile_dirs.push_back(source_.file_beside(folder));
        generic ? refuse_profile_settings(value) : read_profile_settings(value, application);
        const bool may_be_missing = !generic || application.observe_only;
        application.offline = read_argv(value, "offline", may_be_missing);
        application.online = read_argv(value, "online", may_be_missing);
        application.query = read_argv(value, "query", may_be_missing);
        application.holder_probe = read_argv(value, "holder_probe", true);
        application.release = read_argv(value, "release", true);
        // With a profile they may name its parameters, and are judged together with it.
        application.in_use = generic ? read_patterns(value, "in_use", "application")
                                     : value["in_use"].get<std::vector<std::string>>();
        application.open_files = value["open_files"].get<bool>();
        application.open_files_ignore = value["open_files_ignore"].get<std::vector<std::string>>();
        if (!application.holder_probe.empty() && !application.open_files) {
            wrong("application.holder_probe",
                  "never runs while a program here has the drive open, and with \"open_files\": "
                  "false nobody looks; leave one of them out");
        }
        if (!application.in_use.empty() && application.query.empty() && generic) {
            wrong("application.in_use", "is matched with what the query prints; give query");
        }
        const json& states = value["states"];
        application.states.online = read_patterns(states, "online", "application.states");
        application.states.offline = read_patterns(states, "offline", "application.states");
        application.states.draining = read_patterns(states, "draining", "application.states");
        const json& statuses = value["exit_codes"];
        application.exit_statuses.online = statuses["online"].get<std::vector<int>>();
        application.exit_statuses.offline = statuses["offline"].get<std::vector<int>>();
        application.exit_statuses.draining = statuses["draining"].get<std::vector<int>>();
        if (generic) check_reading_back(application);
    }

    static std::optional<core::Duration> read_time(const json& application,
                                                   const std::string& key) {
        if (!application.contains(key)) return std::nullopt;
        return core::Duration{application[key].get<std::int64_t>()};
    }

    void refuse_profile_settings(const json& value) {
        for (const char* key : {"parameters", "drive_parameters", "programs", "credentials"}) {
            if (value[key].empty()) continue;
            wrong(std::string("application.") + key,
                  "is for a profile file, and profile is \"generic\"; name the profile");
        }
    }

    // What the profile file has to say is not said here as well.
    void read_profile_settings(const json& value, ApplicationConfiguration& application) {
        for (const char* key : {"offline", "online", "query", "accepted_exit_codes"}) {
            if (value.contains(key) && !value[key].empty()) belongs_to_profile(key, application);
        }
        for (const char* key : {"states", "exit_codes"}) {
            for (const auto& [state, list] : value[key].items()) {
                if (!list.empty()) belongs_to_profile(key, application);
            }
        }
        if (application.profile.find('/') != std::string::npos)
            application.profile = source_.file_beside(application.profile);
        application.parameters = value["parameters"].get<std::map<std::string, std::string>>();
        application.programs = value["programs"].get<std::map<std::string, std::string>>();
        application.credentials_in_argv = value["credentials_in_argv"].get<bool>();
        for (const auto& [name, credential] : value["credentials"].items()) {
            application.credential_files[name] =
                source_.file_beside(credential["file"].get<std::string>());
        }
        for (const auto& [serial, parameters] : value["drive_parameters"].items()) {
            application.drive_parameters[serial] =
                parameters.get<std::map<std::string, std::string>>();
            const json& drives = values_["drives"];
            if (drives.is_string()) continue;
            const bool known = std::any_of(
                drives.begin(), drives.end(),
                [&, &wanted = serial](const json& drive) { return drive["serial"] == wanted; });
            if (known) continue;
            wrong(path_of_key("application.drive_parameters", serial),
                  "no drive in drives[] has this serial; add it there or remove this");
        }
    }

    void belongs_to_profile(const std::string& key, const ApplicationConfiguration& application) {
        wrong("application." + key, "the profile \"" + application.profile +
                                        "\" says this; remove it here, or copy the profile and "
                                        "change the copy");
    }

    std::vector<std::string> read_argv(const json& application, const std::string& action,
                                       bool may_be_missing) {
        const std::string path = "application." + action;
        auto argv = application[action].get<std::vector<std::string>>();
        if (argv.empty() && !may_be_missing) {
            wrong(path,
                  "is missing; with \"observe_only\": false a program for each of offline, "
                  "online and query is needed");
        }
        if (!argv.empty()) {
            const std::string text = wrong_with_program(argv.front(), program_names_);
            if (!text.empty()) wrong(path + "[0]", text);
        }
        for (std::size_t i = 0; i < argv.size(); ++i) {
            const std::string unknown = unknown_placeholder(argv[i]);
            if (unknown.empty()) continue;
            wrong(path_of_element(path, i),
                  unknown + " is not known; {drive}, {serial} and {device} are filled in");
        }
        return argv;
    }

    std::vector<std::string> read_patterns(const json& states, const std::string& state,
                                           const std::string& where) {
        const std::string path = where + "." + state;
        auto patterns = states[state].get<std::vector<std::string>>();
        for (std::size_t i = 0; i < patterns.size(); ++i) {
            try {
                // As they will be matched (agent/host/line_pattern.hpp).
                const std::regex compiled(
                    with_placeholders_filled(patterns[i]),
                    std::regex::ECMAScript | std::regex_constants::__polynomial);
            } catch (const std::regex_error& error) {
                wrong(path_of_element(path, i),
                      std::string("is not an ECMAScript regular expression without "
                                  "back-references: ") +
                          error.what());
            }
        }
        return patterns;
    }

    void check_reading_back(const ApplicationConfiguration& application) {
        const auto& states = application.states;
        const auto& statuses = application.exit_statuses;
        const bool by_output =
            !(states.online.empty() && states.offline.empty() && states.draining.empty());
        const bool by_status =
            !(statuses.online.empty() && statuses.offline.empty() && statuses.draining.empty());
        if (by_output && by_status) {
            wrong("application.exit_codes",
                  "states and exit_codes stand side by side; keep one way to read the state back");
        }
        const bool output_complete = !states.online.empty() && !states.offline.empty();
        const bool status_complete = !statuses.online.empty() && !statuses.offline.empty();
        if (!application.observe_only && !output_complete && !status_complete) {
            wrong("application",
                  "the state can not be read back; give states or exit_codes with both online and "
                  "offline");
        }
        std::set<int> seen;
        for (const auto* list : {&statuses.online, &statuses.offline, &statuses.draining}) {
            for (const int status : *list) {
                if (seen.insert(status).second) continue;
                wrong("application.exit_codes", "exit status " + std::to_string(status) +
                                                    " stands twice; it can mean one "
                                                    "state only");
            }
        }
    }

    const Configuration& source_;
    const json& values_;
    const ProgramNames program_names_;
};

}  // namespace

Configured<DsadConfiguration> dsad_configuration(const Configuration& configuration) {
    return dsad_configuration(configuration, ProgramNames::posix);
}

Configured<DsadConfiguration> dsad_configuration(const Configuration& configuration,
                                                 ProgramNames names) {
    DsadReading reading(configuration, names);
    Configured<DsadConfiguration> result;
    DsadConfiguration value = reading.read();
    result.errors = std::move(reading.errors);
    if (result.errors.empty()) result.value = std::move(value);
    return result;
}

Configured<DsadConfiguration> read_dsad_configuration(const std::string& file) {
    Configured<Configuration> configuration =
        read_configuration_file(dsad_configuration_schema(), file);
    if (!configuration.ok()) return {std::nullopt, std::move(configuration.errors)};
    return dsad_configuration(*configuration.value);
}

}  // namespace agent::runtime
