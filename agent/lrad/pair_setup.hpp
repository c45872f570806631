#pragma once

// From the section "pair" of lrad.json to what the rooms below want to be told.

#include <string>
#include <vector>

#include "agent/core/reservation_agent.hpp"
#include "agent/mounts/mount_service.hpp"
#include "agent/pair_node/node_runner.hpp"
#include "agent/runtime/lrad_configuration.hpp"
#include "snmp_mib/snmp_configuration.hpp"

namespace agent::lrad {

// The voters among `peers` may talk of the pair; the other node is added, once for each path.
void add_pair_peers(const runtime::LradConfiguration& configuration,
                    std::vector<snmp_mib::PeerConfiguration>& peers);

// The rules for a node that only watches: nobody is told, nothing is forced offline.
[[nodiscard]] core::SharingConfiguration sharing_of_watcher(core::SharingConfiguration sharing);

// Where the drive table of a node of a pair is.
[[nodiscard]] std::vector<std::string> table_servers(
    const runtime::LradConfiguration& configuration);

// Why this node of a pair mounts nothing new; nothing: it does. `serving`: its mount service does.
[[nodiscard]] std::optional<mounts::MountFault> why_not_mounting(const pair_node::NodeRunner& node,
                                                                 bool serving);

}  // namespace agent::lrad
