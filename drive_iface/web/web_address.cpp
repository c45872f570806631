#include "drive_iface/web/web_address.hpp"

#include <arpa/inet.h>

#include <array>

#include "agent/runtime/address_text.hpp"

namespace drive_iface::web {

namespace {

bool is_loopback(const std::string& host) {
    std::array<std::uint8_t, sizeof(in6_addr)> bytes{};
    if (::inet_pton(AF_INET, host.c_str(), bytes.data()) == 1) return bytes[0] == 127;
    if (::inet_pton(AF_INET6, host.c_str(), bytes.data()) != 1) return false;
    std::array<std::uint8_t, sizeof(in6_addr)> loopback{};
    loopback.back() = 1;
    return bytes == loopback;
}

std::optional<WebAddress> host_and_port(std::string_view text) {
    const auto address = agent::runtime::address_from_text("tcp:" + std::string(text));
    if (!address) return std::nullopt;
    return WebAddress{address->host == "localhost" ? "127.0.0.1" : address->host, address->port};
}

}  // namespace

std::optional<WebAddress> web_address_from_text(std::string_view text) {
    auto address = host_and_port(text);
    if (!address || !is_loopback(address->host)) return std::nullopt;
    return address;
}

std::string to_text(const WebAddress& address) {
    const bool six = address.host.find(':') != std::string::npos;
    return (six ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

std::optional<std::string> wrong_with_web_address(std::string_view text) {
    const auto address = host_and_port(text);
    if (!address) {
        return "is not of the form HOST:PORT, for example \"127.0.0.1:8480\" or \"[::1]:0\" (0: "
               "any free port)";
    }
    if (is_loopback(address->host)) return std::nullopt;
    return "is not a loopback address; the page shows what is on tape and has no login, so it is "
           "served on 127.0.0.1, [::1] or localhost only (from another machine: ssh -L "
           "8480:127.0.0.1:8480 LIBRARY-HOST)";
}

}  // namespace drive_iface::web
