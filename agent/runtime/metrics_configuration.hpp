#pragma once

// The section "metrics" that every daemon's configuration can have.

#include <optional>

#include <nlohmann/json_fwd.hpp>

#include "agent/runtime/address_text.hpp"
#include "agent/runtime/configuration_schema.hpp"

namespace agent::runtime {

struct MetricsConfiguration {
    std::optional<AddressText> listen;  // tcp, with an IP address for a host; nothing: not served
    bool operator==(const MetricsConfiguration&) const = default;
};

[[nodiscard]] ConfigurationKey metrics_key();
[[nodiscard]] MetricsConfiguration metrics_configuration(const nlohmann::json& metrics);

}  // namespace agent::runtime
