#pragma once

// The lines between lrad and lra-mibd: JSON, one object a line, described in docs/SNMP.md.

#include <string>
#include <string_view>
#include <vector>

#include "agent/core/result.hpp"
#include "snmp_mib/mib_rows.hpp"
#include "snmp_mib/snmp_configuration.hpp"

namespace snmp_mib {

inline constexpr std::size_t mib_line_length_max = 16U << 20U;

// The first line: how to serve.
struct MibServerConfiguration {
    std::string listen;  // empty for a subagent
    std::string agentx;  // socket of the master agent, as Net-SNMP writes it; empty: standalone
    std::string state_dir;
    std::vector<UsmUserConfiguration> users;
    std::vector<std::string> writers;  // those of them that may set something
};
[[nodiscard]] std::string to_json_line(const MibServerConfiguration& configuration);
[[nodiscard]] agent::core::Result<MibServerConfiguration> configuration_from_json_line(
    std::string_view line);

// Every further line: what to serve.
[[nodiscard]] std::string to_json_line(const MibRows& rows);
[[nodiscard]] agent::core::Result<MibRows> rows_from_json_line(std::string_view line);

}  // namespace snmp_mib
