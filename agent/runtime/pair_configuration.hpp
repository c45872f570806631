#pragma once

// The section "pair": of lrad.json for a controller node that serves a library together with
// another one, of dsad.json for an agent that votes which of them may serve alone.

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "agent/pair/controller_node_io.hpp"
#include "agent/pair/node_watch.hpp"
#include "agent/runtime/address_text.hpp"
#include "agent/runtime/configuration.hpp"
#include "agent/runtime/configuration_schema.hpp"
#include "agent/runtime/pair_database_configuration.hpp"

namespace agent::runtime {

struct LradConfiguration;
struct DsadConfiguration;

// The other node, or another agent: what it is called, where it listens and as whom it talks.
struct PairMember {
    std::string name;
    std::vector<AddressText> addresses;  // udp; an agent has one
    std::string user;
    bool operator==(const PairMember&) const = default;
};

struct NodePairConfiguration {
    pair::NodeConfiguration node;  // pair::fault_of() has nothing to say about it
    pair::NodeTimes times;         // nor about these
    PairMember peer;
    PairDatabaseConfiguration database;
    bool operator==(const NodePairConfiguration&) const = default;
};

struct VoterPairConfiguration {
    std::string cluster;
    std::array<std::string, 2> nodes;  // by pair::index_of(); each one of controllers[].name
    std::vector<PairMember> agents;    // the other voting agents
    core::Duration dead_after{10'000};
    bool operator==(const VoterPairConfiguration&) const = default;
};

[[nodiscard]] ConfigurationKey node_pair_key();
[[nodiscard]] ConfigurationKey voter_pair_key();
// Only when the section is there. `known`: what has been read of the file so far.
[[nodiscard]] std::optional<NodePairConfiguration> node_pair_configuration(
    const Configuration& source, const LradConfiguration& known, ConfigurationErrors& errors);
[[nodiscard]] std::optional<VoterPairConfiguration> voter_pair_configuration(
    const Configuration& source, const DsadConfiguration& known, ConfigurationErrors& errors);

}  // namespace agent::runtime
