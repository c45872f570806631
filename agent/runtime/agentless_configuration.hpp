#pragma once

// What lrad.json says of a host without an agent: how it is reached, and what dsad.json would say
// there.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "agent/core/result.hpp"
#include "agent/core/time.hpp"
#include "agent/runtime/configuration.hpp"
#include "agent/runtime/dsad_configuration.hpp"

namespace agent::runtime {

// What is looked for on a host, and how.
enum class RemoteSystem : std::uint8_t {
    linux_sysfs,
    aix,
    commands,  // a program of the site prints it
};

enum class RemoteShell : std::uint8_t { posix, powershell };

struct SshConfiguration {
    std::string host;
    std::uint16_t port = 22;
    std::string user;
    std::string key_file;
    std::string known_hosts_file;
    RemoteSystem system = RemoteSystem::linux_sysfs;
    RemoteShell shell = RemoteShell::posix;
    std::vector<std::string> discover;  // with `commands`: argv
    core::Duration connect_timeout{5'000};
    core::Duration control_persist{300'000};  // 0: every command has a connection of its own
    core::Duration look_interval{60'000};     // from one look at the host to the next
    bool operator==(const SshConfiguration&) const = default;
};

struct AgentlessConfiguration {
    SshConfiguration ssh;
    DsadConfiguration agent;  // without control socket, controllers' addresses and SNMP
    std::string text;         // as it stands in the file: equal texts are equal configurations
    std::shared_ptr<const Configuration> source;  // where it stands; shared by its copies
    // `FILE:LINE: KEY: text` of what is found wrong later: "application.query: text".
    [[nodiscard]] std::string error_at(const std::string& message) const;
    bool operator==(const AgentlessConfiguration& other) const { return text == other.text; }
};

// The keys of agents[] that such an agent has: ssh, drives, ports, application. Inside this room.
[[nodiscard]] std::vector<ConfigurationKey> agentless_keys();

// Reads agents[index] of `source`, which has ssh. Nothing with errors added when it is wrong.
[[nodiscard]] std::shared_ptr<const AgentlessConfiguration> read_agentless(
    const Configuration& source, std::size_t index, const std::string& controller,
    const std::string& state_dir, ConfigurationErrors& errors);

// What the ssh client would take for something else than a file's name: blanks, quotes, '%', '$',
// '~' or '\'. Empty: nothing.
[[nodiscard]] std::string unusable_in_ssh_path(const std::string& path);

}  // namespace agent::runtime
