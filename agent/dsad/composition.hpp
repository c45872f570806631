#pragma once

// dsad.json in the words of the rooms that dsad is made of.

#include <vector>

#include "agent/core/result.hpp"
#include "agent/host/application_profile.hpp"
#include "agent/runtime/dsad_configuration.hpp"
#include "snmp_mib/snmp_configuration.hpp"

namespace agent::dsad {

// Errors begin with a key of dsad.json: "application.states.online[0]: ...".
[[nodiscard]] core::Result<host::ApplicationProfile> application_profile(
    const runtime::DsadConfiguration& configuration);
// The same for programs that are run on another host: what this one has installed means nothing.
[[nodiscard]] core::Result<host::ApplicationProfile> application_profile_elsewhere(
    const runtime::DsadConfiguration& configuration);

[[nodiscard]] snmp_mib::SnmpChannelConfiguration channel_configuration(
    const runtime::DsadConfiguration& configuration);

// What can not change while the program runs: names the first such key that differs.
[[nodiscard]] core::Outcome can_follow(const runtime::DsadConfiguration& before,
                                       const runtime::DsadConfiguration& after);

}  // namespace agent::dsad
