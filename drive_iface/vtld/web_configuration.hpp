#pragma once

// The section "web" of vtld.json.

#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "agent/runtime/configuration.hpp"
#include "drive_iface/web/web_address.hpp"

namespace drive_iface::vtld {

struct WebConfiguration {
    std::optional<web::WebAddress> listen;  // nothing: no page
    std::size_t connections_max = 64;
    // Names of who may see it, beside root and the user vtld runs as; "*" is everybody.
    std::vector<std::string> users;
    bool operator==(const WebConfiguration&) const = default;
};

// What HttpServerOptions::users is told. Errors: a name that this machine does not know.
[[nodiscard]] agent::core::Result<std::vector<uid_t>> web_users(
    const WebConfiguration& configuration);

[[nodiscard]] agent::runtime::ValueShape web_shape();
[[nodiscard]] WebConfiguration web_configuration(
    const agent::runtime::Configuration& configuration);

}  // namespace drive_iface::vtld
