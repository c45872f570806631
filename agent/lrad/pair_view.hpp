#pragma once

// A node of a pair, as alarms and the MIB see it.

#include <optional>

#include "agent/lrad/pair_alarms.hpp"
#include "agent/pair/ballot.hpp"
#include "agent/pair_node/node_runner.hpp"
#include "snmp_mib/mib_snapshot.hpp"

namespace agent::lrad {

// An agent that was enrolled since the vote whose ballot this is has a register again.
using BallotsAtEnrolment = std::map<core::AgentName, pair::Ballot>;

[[nodiscard]] PairSeen pair_seen(const pair_node::NodeRunner& node,
                                 const BallotsAtEnrolment& enrolled);
[[nodiscard]] snmp_mib::MibPair mib_pair(const pair_node::NodeRunner& node,
                                         const BallotsAtEnrolment& enrolled, core::Now now);
// As TlrNodeState of the MIB module has it.
[[nodiscard]] std::int32_t wire_state(pair::NodeState state);

}  // namespace agent::lrad
