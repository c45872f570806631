#pragma once

// Which targets an iSCSI portal offers: SendTargets in a discovery session (RFC 7143 appendix C).

#include <cstdint>
#include <string>
#include <vector>

#include "agent/core/result.hpp"
#include "agent/core/time.hpp"
#include "drive_iface/device/iscsi_credentials.hpp"

namespace drive_iface {

struct IscsiDiscoveryOptions {
    std::string portal;          // HOST or HOST:PORT; an IPv6 address stands in brackets
    std::string initiator_name;  // iSCSI name; targets may show each initiator others of them
    std::uint32_t isid = 0;      // see IscsiTransportOptions
    std::uint16_t isid_qualifier = 0;
    agent::core::Duration timeout{5'000};  // for each of connecting, logging in and asking
    IscsiCredentialsDoor credentials;      // for a portal that asks for CHAP; may be none
};

struct IscsiTarget {
    std::string name;
    std::vector<std::string> portals;  // HOST:PORT, as reachable from here as the target knows
    bool operator==(const IscsiTarget&) const = default;
};

inline constexpr std::size_t iscsi_targets_max = 1'024;      // of one portal; the rest is dropped
inline constexpr std::size_t iscsi_target_portals_max = 16;  // of one target

// Blocks. A target that names no portal, or the wildcard address, is reached at the portal asked.
// Nothing is sent to any logical unit.
[[nodiscard]] agent::core::Result<std::vector<IscsiTarget>> discover_iscsi_targets(
    const IscsiDiscoveryOptions& options);

// "HOST:PORT" of what may have no port.
[[nodiscard]] std::string iscsi_portal(const std::string& portal);

// "iscsi://HOST:PORT/TARGET/LUN"
[[nodiscard]] std::string iscsi_url(const std::string& portal, const std::string& target,
                                    std::uint64_t lun);

}  // namespace drive_iface
