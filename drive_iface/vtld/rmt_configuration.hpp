#pragma once

// The section "rmt" of vtld.json.

#include <optional>
#include <string>

#include "agent/core/time.hpp"
#include "agent/runtime/configuration.hpp"

namespace drive_iface::vtld {

struct RmtConfiguration {
    std::string listen;  // empty: no rmt
    std::optional<std::string> token;
    std::size_t connections_max = 64;
    agent::core::Duration idle_after{3'600'000};
    bool operator==(const RmtConfiguration&) const = default;
};

[[nodiscard]] agent::runtime::ValueShape rmt_shape();
// Appends to `errors` what the shape could not see: a token that can not be read.
[[nodiscard]] RmtConfiguration rmt_configuration(const agent::runtime::Configuration& configuration,
                                                 agent::runtime::ConfigurationErrors& errors);

}  // namespace drive_iface::vtld
