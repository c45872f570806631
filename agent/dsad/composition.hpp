#pragma once

// dsad.json in the words of the rooms that dsad is made of.

#include <cstdint>
#include <vector>

#include "agent/core/result.hpp"
#include "agent/dsad/application_setup.hpp"
#include "agent/dsad/host_knowledge.hpp"
#include "agent/host/application_profile.hpp"
#include "agent/runtime/dsad_configuration.hpp"
#include "snmp_mib/snmp_configuration.hpp"

namespace agent::dsad {

// Where the application's programs are run: what this host has installed means nothing for another.
enum class ProgramsRun : std::uint8_t { here, elsewhere };

// Errors begin with a key of dsad.json: "application.states.online[0]: ...".
[[nodiscard]] core::Result<host::ApplicationProfile> application_profile(
    const runtime::DsadConfiguration& configuration, const ApplicationFiles& files,
    ProgramsRun where);
// The same with the files as they are now, for this host.
[[nodiscard]] core::Result<host::ApplicationProfile> application_profile(
    const runtime::DsadConfiguration& configuration);

// Those drives that the profile can not be compiled for, each judged by itself, but none of
// `listed`: one found drive that is out of the ordinary is left alone, and the others are not.
[[nodiscard]] std::vector<UnusedDrive> unusable_drives(
    const runtime::DsadConfiguration& configuration, const std::vector<core::DriveSerial>& listed,
    const ApplicationFiles& files, ProgramsRun where);

// Everything about the application that follows from a configuration.
struct Application {
    ApplicationFiles files;
    host::ApplicationProfile profile;
};
// The profile for the drives that are known; those found ones that it can not be compiled for are
// left out of `known`.
[[nodiscard]] core::Result<host::ApplicationProfile> usable_profile(HostKnowledge& known,
                                                                    const ApplicationFiles& files);

// What an earlier life left running may take effect for as long as a command may run, and as long
// again for what a killed one has asked the application's server for. From the start on: when it
// was begun nobody knows.
void limit_unseen(const runtime::DsadConfiguration& configuration,
                  const host::ApplicationProfile& profile, core::DriveSharingAgentState& state);

[[nodiscard]] snmp_mib::SnmpChannelConfiguration channel_configuration(
    const runtime::DsadConfiguration& configuration);

// What can not change while the program runs: names the first such key that differs.
[[nodiscard]] core::Outcome can_follow(const runtime::DsadConfiguration& before,
                                       const runtime::DsadConfiguration& after);

}  // namespace agent::dsad
