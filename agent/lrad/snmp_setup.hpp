#pragma once

// From what lrad.json says to what the SNMP rooms want to be told.

#include <string>
#include <vector>

#include "agent/runtime/lrad_configuration.hpp"
#include "snmp_mib/mib_feeder.hpp"
#include "snmp_mib/snmp_configuration.hpp"

namespace agent::lrad {

[[nodiscard]] std::vector<snmp_mib::PeerConfiguration> agent_peers(
    const runtime::LradConfiguration& configuration);
[[nodiscard]] snmp_mib::SnmpChannelConfiguration channel_configuration(
    const runtime::LradConfiguration& configuration);
[[nodiscard]] snmp_mib::ConsumersConfiguration consumers_configuration(
    const runtime::LradConfiguration& configuration);

[[nodiscard]] std::vector<snmp_mib::HintSourceConfiguration> hint_sources(
    const runtime::LradConfiguration& configuration);

// Only when snmp.mib_listen is set. lra-mibd is looked for beside this program.
[[nodiscard]] snmp_mib::MibFeederConfiguration feeder_configuration(
    const runtime::LradConfiguration& configuration);

}  // namespace agent::lrad
