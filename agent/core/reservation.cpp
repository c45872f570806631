#include "agent/core/reservation.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "agent/core/enumerator_names.hpp"

namespace agent::core {
namespace {

constexpr EnumeratorName<Transport> transports[] = {
    {Transport::unknown, "unknown"}, {Transport::fc, "fc"},   {Transport::iscsi, "iscsi"},
    {Transport::sas, "sas"},         {Transport::srp, "srp"},
};
constexpr EnumeratorName<ReservationState> reservation_states[] = {
    {ReservationState::free, "free"},
    {ReservationState::reserved, "reserved"},
    {ReservationState::unknown, "unknown"},
};
constexpr EnumeratorName<ReservationKind> reservation_kinds[] = {
    {ReservationKind::none, "none"},           {ReservationKind::reserve6, "reserve6"},
    {ReservationKind::reserve10, "reserve10"}, {ReservationKind::legacy, "legacy"},
    {ReservationKind::persistent, "pr"},
};
constexpr EnumeratorName<HolderEvidence> evidences[] = {
    {HolderEvidence::drive_event, "drive_event"},
    {HolderEvidence::full_status, "full_status"},
    {HolderEvidence::key, "key"},
    {HolderEvidence::conflict_list, "conflict_list"},
    {HolderEvidence::host_asserted, "host_asserted"},
    {HolderEvidence::none, "none"},
};
constexpr EnumeratorName<OperationalState> operational_states[] = {
    {OperationalState::online, "online"},
    {OperationalState::forced_offline, "forced_offline"},
    {OperationalState::unprotected, "unprotected"},
    {OperationalState::unreachable, "unreachable"},
};

constexpr std::string_view isid_separator = ",i,0x";
constexpr std::size_t iscsi_name_size_max = 223;  // RFC 7143 4.2.7.1
constexpr std::size_t unknown_name_size_max = 512;
constexpr std::size_t address_size_max = 64;  // an IPv6 address with a zone fits

// Not the C library's: those depend on the locale.
bool is_lower_hex_digit(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}
bool is_graphic(char c) {
    return c > 0x20 && c < 0x7f;
}

bool is_lower_hex(std::string_view text, std::size_t digits) {
    return text.size() == digits && std::all_of(text.begin(), text.end(), is_lower_hex_digit);
}

std::string lower_case(std::string_view text) {
    std::string lower(text);
    for (char& c : lower) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return lower;
}

// Operators write a WWPN as 21:00:00:0e:1e:09:a1:b0 or 0x2100000E1E09A1B0 as well.
std::string without_decoration(std::string_view text) {
    std::string digits = lower_case(text);
    if (digits.starts_with("0x")) digits.erase(0, 2);
    std::erase(digits, ':');
    return digits;
}

bool is_plain_name(std::string_view name, std::size_t size_max) {
    return !name.empty() && name.size() <= size_max &&
           std::all_of(name.begin(), name.end(), is_graphic) &&
           name.find_first_of(",@") == std::string_view::npos;
}

std::optional<InitiatorPort> iscsi_port(std::string_view text) {
    InitiatorPort port{.transport = Transport::iscsi};
    const std::size_t separator = text.find(isid_separator);
    if (separator != std::string_view::npos) {
        port.isid = lower_case(text.substr(separator + isid_separator.size()));
        if (!is_lower_hex(port.isid, 12)) return std::nullopt;
    }
    port.name = lower_case(text.substr(0, separator));
    if (!is_plain_name(port.name, iscsi_name_size_max)) return std::nullopt;
    return port;
}

std::optional<InitiatorPort> hex_port(Transport transport, std::string_view text,
                                      std::size_t digits) {
    InitiatorPort port{.transport = transport, .name = without_decoration(text)};
    if (!is_lower_hex(port.name, digits)) return std::nullopt;
    return port;
}

std::optional<InitiatorPort> port_of(Transport transport, std::string_view text) {
    switch (transport) {
        case Transport::fc:
        case Transport::sas:
            return hex_port(transport, text, 16);
        case Transport::srp:
            return hex_port(transport, text, 32);
        case Transport::iscsi:
            return iscsi_port(text);
        case Transport::unknown:
            if (!text.empty() && !is_plain_name(text, unknown_name_size_max)) return std::nullopt;
            return InitiatorPort{.transport = transport, .name = std::string(text)};
    }
    return std::nullopt;
}

}  // namespace

bool same_host_port(const InitiatorPort& a, const InitiatorPort& b) {
    // Two ports nobody could name are not known to be one.
    return a.transport == b.transport && a.name == b.name && !a.name.empty();
}

std::string to_text(const InitiatorPort& port) {
    std::string text(to_text(port.transport));
    text += ':';
    text += port.name;
    if (!port.isid.empty()) text.append(isid_separator).append(port.isid);
    if (!port.address.empty()) text.append("@").append(port.address);
    return text;
}

std::optional<InitiatorPort> initiator_port_from_text(std::string_view text) {
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    const auto transport = transport_from_text(text.substr(0, colon));
    if (!transport) return std::nullopt;
    text.remove_prefix(colon + 1);

    std::string address;
    if (const std::size_t at = text.rfind('@'); at != std::string_view::npos) {
        address = lower_case(text.substr(at + 1));
        if (!is_plain_name(address, address_size_max)) return std::nullopt;
        text = text.substr(0, at);
    }
    auto port = port_of(*transport, text);
    if (port) port->address = std::move(address);
    return port;
}

std::string reservation_key_text(std::uint64_t key) {
    std::string text(16, '0');
    for (auto digit = text.rbegin(); digit != text.rend(); ++digit, key >>= 4U)
        *digit = "0123456789abcdef"[key & 0xfU];
    return text;
}

std::optional<std::uint64_t> reservation_key_from_text(std::string_view text) {
    const std::string digits = without_decoration(text);
    if (!is_lower_hex(digits, 16)) return std::nullopt;
    std::uint64_t key = 0;
    for (const char c : digits) {
        const int digit = c <= '9' ? c - '0' : c - 'a' + 10;
        key = key << 4U | static_cast<std::uint64_t>(digit);
    }
    if (key == 0) return std::nullopt;
    return key;
}

std::string_view to_text(Transport value) {
    return name_of(transports, value);
}
std::string_view to_text(ReservationState value) {
    return name_of(reservation_states, value);
}
std::string_view to_text(ReservationKind value) {
    return name_of(reservation_kinds, value);
}
std::string_view to_text(HolderEvidence value) {
    return name_of(evidences, value);
}
std::string_view to_text(OperationalState value) {
    return name_of(operational_states, value);
}

std::optional<Transport> transport_from_text(std::string_view text) {
    return value_of(transports, text);
}
std::optional<ReservationState> reservation_state_from_text(std::string_view text) {
    return value_of(reservation_states, text);
}
std::optional<ReservationKind> reservation_kind_from_text(std::string_view text) {
    return value_of(reservation_kinds, text);
}
std::optional<HolderEvidence> holder_evidence_from_text(std::string_view text) {
    return value_of(evidences, text);
}
std::optional<OperationalState> operational_state_from_text(std::string_view text) {
    return value_of(operational_states, text);
}

}  // namespace agent::core
