#include "drive_iface/scsi/transport_id.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include "agent/core/assert.hpp"

namespace drive_iface::scsi {
namespace {

using agent::core::Error;
using agent::core::InitiatorPort;
using agent::core::Result;
using agent::core::Transport;

constexpr std::string_view isid_separator = ",i,0x";
constexpr std::size_t iscsi_header_size = 4;
constexpr std::size_t isid_digits = 12;
constexpr std::size_t isid_size = 6;

Error trouble(std::string what) {
    return Error{"TransportID: " + std::move(what)};
}

std::string lower_case(std::string_view text) {
    std::string lower(text);
    for (char& c : lower) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return lower;
}

bool is_hex_digit(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

std::size_t leading_hex_digits(std::string_view text) {
    return static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_hex_digit) -
                                    text.begin());
}

std::string_view as_text(ByteView bytes) {
    // Reading bytes as char is what char is for; the bytes outlive the view.
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// What follows ",i,0x": the standard's 12 digits; LIO's first 6 of them and NULs, which is no ISID;
// tgt's 6 raw bytes.
std::string decode_isid(std::string_view text) {
    const std::size_t digits = leading_hex_digits(text);
    if (digits >= isid_digits) return lower_case(text.substr(0, isid_digits));
    if (digits > 0 && (digits == text.size() || text[digits] == '\0')) return {};
    if (text.size() < isid_size) return {};
    const std::string_view raw = text.substr(0, isid_size);
    if (raw == std::string_view("\0\0\0\0\0\0", isid_size)) return {};
    Bytes bytes;
    for (const char c : raw)
        bytes.push_back(static_cast<std::uint8_t>(c));
    return to_hex(bytes);
}

bool is_name_character(char c) {
    return c > 0x20 && c != 0x7f && c != ',' && c != '@';
}

// UTF-8 is legal in an iSCSI name (RFC 7143 4.2.7.2), control characters, blanks and our own
// separators are not.
bool is_iscsi_name(std::string_view name) {
    return !name.empty() && name.size() <= iscsi_name_size_max &&
           std::all_of(name.begin(), name.end(), [](char c) {
               return static_cast<unsigned char>(c) >= 0x80 || is_name_character(c);
           });
}

Result<InitiatorPort> decode_iscsi_text(std::string_view text) {
    const std::size_t separator = text.find(isid_separator);
    InitiatorPort port{.transport = Transport::iscsi, .name = {}, .isid = {}, .address = {}};
    const std::string_view before = text.substr(0, separator);
    port.name = lower_case(before.substr(0, before.find('\0')));
    if (separator != std::string_view::npos) {
        port.isid = decode_isid(text.substr(separator + isid_separator.size()));
    }
    if (!is_iscsi_name(port.name)) return trouble("byte 4: not an iSCSI name");
    return port;
}

Result<InitiatorPort> decode_iscsi(ByteView field) {
    if (field.size() < iscsi_header_size) return trouble("iSCSI, byte 2: no ADDITIONAL LENGTH");
    const std::size_t length = transport_id_length(field);
    if (length > field.size()) {
        return trouble("iSCSI, byte 2: ADDITIONAL LENGTH says " + std::to_string(length) +
                       " bytes in all, there are " + std::to_string(field.size()));
    }
    return decode_iscsi_text(as_text(field.subspan(iscsi_header_size, length - iscsi_header_size)));
}

bool is_bare_iscsi_text(ByteView field) {
    const std::string start =
        lower_case(as_text(field.first(std::min<std::size_t>(4, field.size()))));
    return start == "iqn." || start == "eui." || start == "naa.";
}

InitiatorPort hex_port(Transport transport, ByteView name) {
    return {.transport = transport, .name = to_hex(name), .isid = {}, .address = {}};
}

std::optional<Bytes> bytes_of_hex(std::string_view digits) {
    const auto value_of = [](char c) {
        return static_cast<std::uint8_t>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    };
    if (digits.size() % 2 != 0 || leading_hex_digits(digits) != digits.size()) return std::nullopt;
    Bytes bytes;
    for (std::size_t i = 0; i < digits.size(); i += 2) {
        bytes.push_back(
            static_cast<std::uint8_t>(value_of(digits[i]) << 4 | value_of(digits[i + 1])));
    }
    return bytes;
}

// 24 bytes with the name at `offset`.
Result<Bytes> encode_hex_port(std::uint8_t protocol, const InitiatorPort& port, std::size_t offset,
                              std::size_t name_size) {
    const auto name = bytes_of_hex(port.name);
    if (!name || name->size() != name_size) {
        return trouble("\"" + port.name + "\" is not " + std::to_string(name_size * 2) +
                       " hex digits");
    }
    ByteWriter out;
    out.u8(protocol).zeros(offset - 1).bytes(*name);
    out.zeros(transport_id_size - out.size());
    return out.take();
}

Result<Bytes> encode_iscsi(const InitiatorPort& port) {
    if (!is_iscsi_name(port.name)) return trouble("\"" + port.name + "\" is not an iSCSI name");
    std::string text = port.name;
    if (!port.isid.empty()) {
        if (port.isid.size() != isid_digits || leading_hex_digits(port.isid) != isid_digits) {
            return trouble("ISID \"" + port.isid + "\" is not 12 hex digits");
        }
        text.append(isid_separator).append(port.isid);
    }
    // NUL-terminated, padded to a multiple of 4, at least 20 (SPC-4 7.6.4.6).
    const std::size_t padded = std::max<std::size_t>(20, (text.size() + 1 + 3) / 4 * 4);
    ByteWriter out;
    out.u8(static_cast<std::uint8_t>((port.isid.empty() ? 0x00 : 0x40) | protocol::iscsi)).u8(0);
    out.u16(static_cast<std::uint16_t>(padded))
        .ascii(text, text.size())
        .zeros(padded - text.size());
    return out.take();
}

}  // namespace

std::size_t transport_id_length(ByteView bytes) {
    if (bytes.empty()) return 0;
    if ((bytes[0] & 0x0f) != protocol::iscsi) return transport_id_size;
    if (bytes.size() < iscsi_header_size) return 0;
    return iscsi_header_size + (std::size_t{bytes[2]} << 8 | bytes[3]);
}

Result<InitiatorPort> decode_transport_id(ByteView field) {
    if (field.empty()) return trouble("empty");
    if (is_bare_iscsi_text(field)) return decode_iscsi_text(as_text(field));
    const std::uint8_t protocol = field[0] & 0x0f;
    if (protocol == protocol::iscsi) return decode_iscsi(field);
    if (field.size() < transport_id_size) {
        return trouble(std::to_string(field.size()) + " bytes, 24 are needed for protocol " +
                       to_hex(ByteView(&protocol, 1)) + "h");
    }
    switch (protocol) {
        case protocol::fibre_channel:
            return hex_port(Transport::fc, field.subspan(8, 8));
        case protocol::sas:
            return hex_port(Transport::sas, field.subspan(4, 8));
        case protocol::srp:
            return hex_port(Transport::srp, field.subspan(8, 16));
        case protocol::parallel_scsi:
        case protocol::ieee_1394:
        case protocol::sop:
            return hex_port(Transport::unknown, field.first(transport_id_size));
        default:
            return trouble("byte 0: no TransportID is defined for protocol " +
                           to_hex(ByteView(&protocol, 1)) + "h");
    }
}

Result<Bytes> encode_transport_id(const InitiatorPort& port) {
    switch (port.transport) {
        case Transport::fc:
            return encode_hex_port(protocol::fibre_channel, port, 8, 8);
        case Transport::sas:
            return encode_hex_port(protocol::sas, port, 4, 8);
        case Transport::srp:
            return encode_hex_port(protocol::srp, port, 8, 16);
        case Transport::iscsi:
            return encode_iscsi(port);
        case Transport::unknown: {
            auto bytes = bytes_of_hex(port.name);
            if (!bytes || bytes->size() != transport_id_size)
                return trouble("the port's transport is not known");
            return *std::move(bytes);
        }
    }
    return trouble("the port's transport is not known");
}

}  // namespace drive_iface::scsi
