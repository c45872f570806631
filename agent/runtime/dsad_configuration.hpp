#pragma once

// dsad.json: the schema, and what it says as plain values.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/drive_sharing_agent.hpp"
#include "agent/runtime/address_text.hpp"
#include "agent/runtime/configuration.hpp"
#include "agent/runtime/metrics_configuration.hpp"
#include "agent/runtime/pair_configuration.hpp"
#include "agent/runtime/program_names.hpp"
#include "agent/runtime/snmp_configuration.hpp"

namespace agent::runtime {

struct DsadController {
    core::ControllerName name;
    AddressText address;  // udp
    std::string
        user;  // security name that notices from it arrive with, and that it is answered with
    std::string pair;  // whose node it is; empty: of none
    bool operator==(const DsadController&) const = default;
};

struct DsadDrive {
    core::DriveSerial serial;
    std::string application_name;  // what the backup application calls it; the serial when nothing
                                   // else is configured
    std::string device;            // device node on this host; may be empty
    bool operator==(const DsadDrive&) const = default;
};

// How to operate the backup application: one program call for each action, and how to read the
// state back.
struct ApplicationConfiguration {
    // "generic": what stands here; else the name or the path of a profile file, which says all of
    // offline, online, query, states, exit_codes and accepted_exit_codes
    // (agent/host/profile_file.hpp).
    std::string profile = "generic";
    ProgramNames program_names = ProgramNames::posix;
    std::vector<std::string> profile_dirs;
    std::map<std::string, std::string> parameters;
    std::map<std::string, std::map<std::string, std::string>> drive_parameters;  // by serial
    std::map<std::string, std::string> programs;
    std::map<std::string, std::string> credential_files;
    bool credentials_in_argv = false;
    // argv templates: {drive} is the application's name of the drive, {serial} its serial number,
    // {device} its node.
    std::vector<std::string> offline;
    std::vector<std::string> online;
    std::vector<std::string> query;
    // Reading the state back from a query: either by what it prints (ECMAScript regular
    // expressions, searched line by line; {drive}, {serial} and {device} stand for themselves) or
    // by its exit status. agent/host/state_reader.hpp says how doubt is resolved.
    struct States {
        std::vector<std::string> online;
        std::vector<std::string> offline;
        std::vector<std::string> draining;
    };
    struct ExitStatuses {
        std::vector<int> online;
        std::vector<int> offline;
        std::vector<int> draining;
    };
    States states;
    ExitStatuses exit_statuses;
    std::vector<int> accepted_exit_statuses{0};  // of offline and online
    core::Duration timeout{30'000};              // for one program call
    bool timeout_given = false;                  // otherwise the profile's counts for its own calls
    // Nothing: the profile's.
    std::optional<core::Duration> drain_poll;
    std::optional<core::Duration> drain_limit;
    bool observe_only = true;
    // Whether this host holds a drive that does not say (agent/dsad/holder_answers.hpp).
    std::vector<std::string> in_use;  // patterns for the query's output
    bool open_files = true;
    std::vector<std::string> open_files_ignore;  // names of programs
    std::vector<std::string> holder_probe;       // argv template; empty: off
    std::vector<std::string> release;            // argv template; empty: never done
};

struct DsadConfiguration {
    core::HostConfiguration host;  // agent, domain, drives, ports, controllers, observe_only
    std::string state_dir;
    std::string control_socket;
    MetricsConfiguration metrics;
    std::size_t event_log_max = 100'000;
    std::vector<DsadController> controllers;  // in the order of host.controllers
    std::vector<DsadDrive> drives;            // in the order of host.drives
    // What the host itself knows better: found by looking at it, see agent/dsad/host_discovery.hpp.
    bool discover_drives = false;
    bool discover_ports = false;
    core::Duration discovery_interval{30'000};
    std::map<std::string, std::string> application_names;  // by serial
    ApplicationConfiguration application;
    SnmpConfiguration snmp;
    std::optional<VoterPairConfiguration> pair;
};

[[nodiscard]] const ConfigurationSchema& dsad_configuration_schema();
[[nodiscard]] Configured<DsadConfiguration> read_dsad_configuration(const std::string& file);
[[nodiscard]] Configured<DsadConfiguration> dsad_configuration(const Configuration& configuration);
// Of a host whose programs may be named so.
[[nodiscard]] Configured<DsadConfiguration> dsad_configuration(const Configuration& configuration,
                                                               ProgramNames names);

}  // namespace agent::runtime
