#pragma once

// The section "iscsi" of vtld.json.

#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "agent/core/time.hpp"
#include "agent/runtime/configuration.hpp"
#include "drive_iface/iscsi/chap.hpp"

namespace drive_iface::vtld {

struct IscsiConfiguration {
    std::string host;  // without brackets
    std::uint16_t port = 0;
    std::string target_prefix;
    std::optional<iscsi::ChapRules> chap;
    agent::core::Duration ping_after{30'000};
    std::size_t connections_max = 256;
    bool operator==(const IscsiConfiguration& other) const;
};

[[nodiscard]] agent::runtime::ValueShape iscsi_shape();

// `served`: what stands behind TARGET_PREFIX: in the names of the library's targets. Appends to
// `errors` what the shape could not see, secrets that can not be read among it.
[[nodiscard]] IscsiConfiguration iscsi_configuration(
    const agent::runtime::Configuration& configuration, const std::set<std::string>& served,
    agent::runtime::ConfigurationErrors& errors);

}  // namespace drive_iface::vtld
