#pragma once

// Addresses as they stand in configuration files: "udp:HOST:PORT", "tcp:HOST:PORT", "unix:PATH".
// HOST is a name, an IPv4 address, or an IPv6 address in brackets.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace agent::runtime {

struct AddressText {
    enum class Kind : std::uint8_t { udp, tcp, unix_socket };
    Kind kind = Kind::udp;
    std::string host;  // without brackets; empty for unix_socket
    std::uint16_t port = 0;
    std::string path;  // unix_socket only
    bool operator==(const AddressText&) const = default;
};

// Port 0 is accepted: "any free port" for something that listens.
[[nodiscard]] std::optional<AddressText> address_from_text(std::string_view text);
[[nodiscard]] std::string to_text(const AddressText& address);

// "localhost", 127.0.0.0/8 or ::1.
[[nodiscard]] bool is_loopback(const AddressText& address);

// For schemas (ValueShape::check).
[[nodiscard]] std::optional<std::string> wrong_with_udp_address(std::string_view text);
[[nodiscard]] std::optional<std::string> wrong_with_tcp_address(std::string_view text);
[[nodiscard]] std::optional<std::string> wrong_with_stream_address(
    std::string_view text);  // unix: or tcp:

}  // namespace agent::runtime
