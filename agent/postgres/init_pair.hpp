#pragma once

// Makes the server of this node as its configuration says: on the first node from nothing, on the
// second as a copy of the first's.

#include <functional>
#include <string>

#include "agent/core/result.hpp"
#include "agent/pair/node.hpp"
#include "agent/runtime/pair_database_configuration.hpp"

namespace agent::postgres {

struct InitPair {
    runtime::PairDatabaseConfiguration database;
    pair::Node node = pair::Node::first;
    std::string cluster;  // name of the pair
    bool anew = false;    // what is there goes; otherwise it is left, and its being there is told
};

// Says each step before it is done. Safe to repeat: what was interrupted begins again, what is
// complete is left. Blocks, as long as copying takes.
[[nodiscard]] core::Outcome init_pair(const InitPair& asked,
                                      const std::function<void(const std::string&)>& say);

}  // namespace agent::postgres
