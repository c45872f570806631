#pragma once

// Which iSCSI portals a discovery asks, and what it may expect beside them.

#include <string>
#include <vector>

#include "agent/runtime/lrad_configuration.hpp"

namespace agent::lrad {

struct PortalsToAsk {
    std::vector<std::string> portals;   // HOST:PORT, each once, portals_max at most
    std::vector<std::string> problems;  // in words: which were left out
    bool sg_nodes_expected = false;     // a drive is watched at one
};

// Those asked for (HOST or HOST:PORT), those of the drives, those of discovery.portals, in this
// order. Each once: two discovery sessions of one initiator with a portal can end one another.
[[nodiscard]] PortalsToAsk portals_to_ask(const runtime::LradConfiguration& configuration,
                                          const std::vector<std::string>& asked_for);

}  // namespace agent::lrad
