#pragma once

// Who may ask what, before anything is looked up. Pure.

#include <optional>
#include <string_view>

#include "drive_iface/web/exchange_words.hpp"

namespace drive_iface::web {

// Nothing: go on. A name other than loopback's in Host means that somebody's own name server led a
// browser here (DNS rebinding).
[[nodiscard]] std::optional<Answer> refused(const Request& request);

// "localhost", "127.0.0.1:8480", "[::1]:8480": whatever the port, since ssh may forward another.
[[nodiscard]] bool is_loopback_name(std::string_view host_header);

}  // namespace drive_iface::web
