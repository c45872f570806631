#pragma once

// From what lrad.json says to what the SNMP rooms want to be told.

#include <string>
#include <utility>
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

// The helpers that serve the MIB, by name: "mib" on a port of its own (snmp.mib_listen), "agentx"
// as a subagent of snmpd (snmp.agentx). lra-mibd is looked for beside this program.
[[nodiscard]] std::vector<std::pair<std::string, snmp_mib::MibFeederConfiguration>>
feeder_configurations(const runtime::LradConfiguration& configuration);

}  // namespace agent::lrad
