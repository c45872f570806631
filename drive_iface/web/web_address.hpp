#pragma once

// "HOST:PORT" of the web page. HOST is a loopback address: the page has no login.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace drive_iface::web {

struct WebAddress {
    std::string host;        // 127.0.0.1, ::1 or another loopback address, without brackets
    std::uint16_t port = 0;  // 0: any free port
    bool operator==(const WebAddress&) const = default;
};

[[nodiscard]] std::optional<WebAddress> web_address_from_text(std::string_view text);
[[nodiscard]] std::string to_text(const WebAddress& address);  // with brackets where needed
// For schemas: why it is not the address of a web page, and what would be.
[[nodiscard]] std::optional<std::string> wrong_with_web_address(std::string_view text);

}  // namespace drive_iface::web
