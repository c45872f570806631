#include "agent/runtime/address_text.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <sys/un.h>
#include <algorithm>
#include <charconv>

namespace agent::runtime {

namespace {

// sun_path holds the terminating NUL too.
constexpr std::size_t socket_path_max = sizeof(sockaddr_un::sun_path) - 1;

bool begins(std::string_view text, std::string_view prefix) {
    return text.substr(0, prefix.size()) == prefix;
}

bool is_host_name(std::string_view host) {
    return !host.empty() && host.size() <= 253 && std::all_of(host.begin(), host.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '.' || c == '-' || c == '_';
    });
}

bool is_ipv6_address(std::string_view host) {
    return host.size() >= 2 && host.size() <= 64 && host.find(':') != std::string_view::npos &&
           std::all_of(host.begin(), host.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == ':' || c == '.' || c == '%';
           });
}

// "HOST:PORT" or "[ADDRESS]:PORT".
bool read_host_and_port(std::string_view text, AddressText& address) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) return false;
    std::string_view host = text.substr(0, colon);
    const std::string_view port = text.substr(colon + 1);
    if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
        host = host.substr(1, host.size() - 2);
        if (!is_ipv6_address(host)) return false;
    } else if (!is_host_name(host)) {
        return false;
    }
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
    address.host = std::string(host);
    return !port.empty() && error == std::errc{} && end == port.data() + port.size();
}

}  // namespace

std::optional<AddressText> address_from_text(std::string_view text) {
    AddressText address;
    if (begins(text, "unix:")) {
        address.kind = AddressText::Kind::unix_socket;
        address.path = std::string(text.substr(5));
        const bool fits = !address.path.empty() && address.path.size() <= socket_path_max;
        return fits ? std::optional(address) : std::nullopt;
    }
    const bool udp = begins(text, "udp:");
    if (!udp && !begins(text, "tcp:")) return std::nullopt;
    address.kind = udp ? AddressText::Kind::udp : AddressText::Kind::tcp;
    if (!read_host_and_port(text.substr(4), address)) return std::nullopt;
    return address;
}

std::string to_text(const AddressText& address) {
    if (address.kind == AddressText::Kind::unix_socket) return "unix:" + address.path;
    const bool brackets = address.host.find(':') != std::string::npos;
    const std::string host = brackets ? "[" + address.host + "]" : address.host;
    const char* kind = address.kind == AddressText::Kind::udp ? "udp:" : "tcp:";
    return kind + host + ":" + std::to_string(address.port);
}

namespace {

std::optional<std::string> wrong_unless(bool right, std::string_view text,
                                        const std::string& would_be_right) {
    if (right) return std::nullopt;
    return "\"" + std::string(text.substr(0, 120)) + "\" is not an address of the form " +
           would_be_right;
}

}  // namespace

bool is_loopback(const AddressText& address) {
    in_addr four{};
    in6_addr six{};
    if (::inet_pton(AF_INET, address.host.c_str(), &four) == 1)
        return (ntohl(four.s_addr) >> 24U) == 127;
    if (::inet_pton(AF_INET6, address.host.c_str(), &six) == 1) return IN6_IS_ADDR_LOOPBACK(&six);
    return address.host == "localhost";
}

std::optional<std::string> wrong_with_udp_address(std::string_view text) {
    const auto address = address_from_text(text);
    return wrong_unless(address && address->kind == AddressText::Kind::udp, text,
                        "udp:HOST:PORT, for example \"udp:192.0.2.10:1162\"");
}

std::optional<std::string> wrong_with_tcp_address(std::string_view text) {
    const auto address = address_from_text(text);
    return wrong_unless(address && address->kind == AddressText::Kind::tcp, text,
                        "tcp:HOST:PORT, for example \"tcp:127.0.0.1:3260\"");
}

std::optional<std::string> wrong_with_stream_address(std::string_view text) {
    const auto address = address_from_text(text);
    return wrong_unless(address && address->kind != AddressText::Kind::udp, text,
                        "unix:PATH (at most 107 bytes) or tcp:HOST:PORT, for example "
                        "\"unix:/run/lra/events.sock\"");
}

}  // namespace agent::runtime
