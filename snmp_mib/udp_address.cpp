#include "snmp_mib/udp_address.hpp"

#include <charconv>
#include <string_view>

namespace snmp_mib {

agent::core::Result<UdpAddress> udp_address_from_text(const std::string& text) {
    const agent::core::Error error{
        "\"" + text + "\" is no address; expected \"udp:HOST:PORT\" or \"udp:[IPv6]:PORT\""};
    std::string_view rest = text;
    for (const std::string_view prefix : {"udp:", "udp6:"}) {
        if (rest.starts_with(prefix)) {
            rest.remove_prefix(prefix.size());
            break;
        }
    }
    UdpAddress address;
    if (rest.starts_with('[')) {
        const std::size_t close = rest.find(']');
        if (close == std::string_view::npos) return error;
        address.host = rest.substr(1, close - 1);
        rest.remove_prefix(close + 1);
    } else {
        const std::size_t colon = rest.find(':');
        if (colon == std::string_view::npos || rest.find(':', colon + 1) != std::string_view::npos)
            return error;
        address.host = rest.substr(0, colon);
        rest.remove_prefix(colon);
    }
    if (!rest.starts_with(':')) return error;
    rest.remove_prefix(1);
    const auto [end, problem] =
        std::from_chars(rest.data(), rest.data() + rest.size(), address.port);
    if (problem != std::errc() || end != rest.data() + rest.size()) return error;
    if (address.host == "*") address.host.clear();
    return address;
}

}  // namespace snmp_mib
