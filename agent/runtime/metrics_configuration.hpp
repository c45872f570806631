#pragma once

// The section "metrics" that every daemon's configuration can have.

#include <cstdint>
#include <optional>

#include <nlohmann/json_fwd.hpp>

#include "agent/runtime/address_text.hpp"
#include "agent/runtime/configuration_schema.hpp"

namespace agent::runtime {

struct MetricsConfiguration {
    std::optional<AddressText> listen;  // tcp, with an IP address for a host; nothing: not served
    // It is the program's own port: that of another instance on this machine perhaps, which is no
    // reason not to start.
    bool by_default = false;
    bool operator==(const MetricsConfiguration&) const = default;
};

// On the loopback interface when nothing is said; one for each program, so that all may run on one
// machine.
inline constexpr std::uint16_t lrad_metrics_port = 9469;
inline constexpr std::uint16_t dsad_metrics_port = 9470;
inline constexpr std::uint16_t vtld_metrics_port = 9471;

[[nodiscard]] ConfigurationKey metrics_key(std::uint16_t default_port);
[[nodiscard]] MetricsConfiguration metrics_configuration(const nlohmann::json& metrics,
                                                         std::uint16_t default_port);

}  // namespace agent::runtime
