#include "agent/runtime/shared_shapes.hpp"

#include <algorithm>

#include "agent/core/reservation.hpp"

namespace agent::runtime {

namespace {

bool is_name_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_';
}

std::optional<std::string> wrong_with_name(std::string_view text) {
    if (std::all_of(text.begin(), text.end(), is_name_letter)) return std::nullopt;
    return "holds other characters than letters, digits, '.', '-' and '_'";
}

std::optional<std::string> wrong_with_port(std::string_view text) {
    const auto port = core::initiator_port_from_text(text);
    if (port && port->transport != core::Transport::unknown) return std::nullopt;
    return "is not a host port; it must look like \"fc:2100000e1e09a1b0\" (16 hexadecimal digits), "
           "\"sas:5000c500a1b2c3d4\" or \"iscsi:iqn.2026-01.example:host1\"";
}

}  // namespace

ValueShape name_shape() {
    return text_shape("name", wrong_with_name, 64);
}

ValueShape text_shape_or_empty() {
    ValueShape shape = text_shape("name, or empty", wrong_with_name, 64);
    shape.minimum = 0;
    return shape;
}

ValueShape port_shape() {
    return text_shape("host port", wrong_with_port, 400);
}

std::optional<std::string> wrong_with_serial(std::string_view text) {
    // SPC-4 7.8.10: ASCII, 20h to 7Eh; blanks at the ends are padding and never part of our
    // serials.
    const bool printable =
        std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c <= 0x7e; });
    if (printable && text.front() != ' ' && text.back() != ' ') return std::nullopt;
    return "is not a unit serial number: printable ASCII, without blanks at its ends";
}

std::optional<std::string> wrong_with_iscsi_url(std::string_view text) {
    constexpr std::string_view scheme = "iscsi://";
    const std::string would_be_right =
        "is not of the form iscsi://HOST[:PORT]/TARGET/LUN, for example "
        "\"iscsi://127.0.0.1:3260/iqn.2026-01.example:drive-VT00000001/0\"";
    if (text.substr(0, scheme.size()) != scheme) return would_be_right;
    text.remove_prefix(scheme.size());
    const std::size_t target = text.find('/');
    const std::size_t lun = text.rfind('/');
    if (target == std::string_view::npos || target == 0 || lun <= target + 1) return would_be_right;
    const std::string_view number = text.substr(lun + 1);
    const bool digits =
        !number.empty() && number.size() <= 5 &&
        std::all_of(number.begin(), number.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (!digits) return would_be_right;
    return std::nullopt;
}

std::optional<std::string> wrong_with_iscsi_name(std::string_view text) {
    // RFC 7143 4.2.7: type designators iqn., eui. and naa., lower case.
    const std::string_view designator = text.substr(0, 4);
    const bool known = designator == "iqn." || designator == "eui." || designator == "naa.";
    const bool plain = std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == ':';
    });
    if (known && plain && text.size() > designator.size()) return std::nullopt;
    return "is not an iSCSI name: it must begin with iqn., eui. or naa. and hold only lower-case "
           "letters, digits, '.', '-' and ':'";
}

std::optional<AddressText> iscsi_portal_from_text(std::string_view text) {
    const auto behind_address = text.find(']');
    const auto colon =
        text.find(':', behind_address == std::string_view::npos ? 0 : behind_address);
    const std::string port = colon == std::string_view::npos ? ":3260" : "";
    auto address = address_from_text("tcp:" + std::string(text) + port);
    if (!address || address->port == 0) return std::nullopt;
    return address;
}

std::optional<std::string> wrong_with_iscsi_portal(std::string_view text) {
    if (iscsi_portal_from_text(text)) return std::nullopt;
    return "is not of the form HOST or HOST:PORT, for example \"192.0.2.20:3260\"; an IPv6 "
           "address stands in brackets";
}

}  // namespace agent::runtime
