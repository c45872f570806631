#pragma once

// The section "web" of vtld.json.

#include <cstddef>
#include <optional>

#include "agent/runtime/configuration.hpp"
#include "drive_iface/web/web_address.hpp"

namespace drive_iface::vtld {

struct WebConfiguration {
    std::optional<web::WebAddress> listen;  // nothing: no page
    std::size_t connections_max = 64;
    bool operator==(const WebConfiguration&) const = default;
};

[[nodiscard]] agent::runtime::ValueShape web_shape();
[[nodiscard]] WebConfiguration web_configuration(
    const agent::runtime::Configuration& configuration);

}  // namespace drive_iface::vtld
