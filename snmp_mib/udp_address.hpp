#pragma once

#include <cstdint>
#include <string>

#include "agent/core/result.hpp"

namespace snmp_mib {

// As written in configuration: "udp:HOST:PORT", "udp6:[ADDRESS]:PORT", "HOST:PORT" or
// "[ADDRESS]:PORT".
struct UdpAddress {
    std::string host;  // a name or an IP address, without brackets; "" and "*" mean every interface
    std::uint16_t port = 0;
};
[[nodiscard]] agent::core::Result<UdpAddress> udp_address_from_text(const std::string& text);

}  // namespace snmp_mib
