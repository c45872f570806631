#pragma once

// Whether both controllers of a pair mean the same hosts without an agent, and the same of the
// application's drives there. Pure.

#include <map>
#include <optional>
#include <string>

#include "agent/runtime/lrad_configuration.hpp"

namespace agent::lrad {

struct HostNames {
    bool discovers = false;  // its other drives are called by their serial numbers
    std::map<std::string, std::string> names;  // of drives in the application, by serial number
    bool operator==(const HostNames&) const = default;
};
using NamesOfHosts = std::map<core::AgentName, HostNames>;

[[nodiscard]] NamesOfHosts names_of_hosts(const runtime::LradConfiguration& configuration);

// For the database, and back. The same hosts make the same text; a text that makes no sense is
// none.
[[nodiscard]] std::string text_of(const NamesOfHosts& hosts);
[[nodiscard]] std::optional<NamesOfHosts> names_from(const std::string& text);

// Hosts that would not be played as before by the other one, each with the words that say why.
// `other`: the name of the other controller.
[[nodiscard]] std::map<core::AgentName, std::string> differences(const NamesOfHosts& here,
                                                                 const NamesOfHosts& there,
                                                                 const std::string& other);

}  // namespace agent::lrad
