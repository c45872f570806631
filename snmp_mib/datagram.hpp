#pragma once

// The outside of an SNMP datagram, looked at before any parser of the SNMP library sees it. Pure.
// The library adds a record for every engine ID that it parses and never frees it, so a stranger's
// datagram must not get that far.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>

namespace snmp_mib {

inline constexpr std::size_t datagram_length_max = 8'192;

// RFC 3412 section 6 and RFC 3414 section 2.4.
struct V3Envelope {
    std::int32_t message_id = 0;
    bool authenticated = false;  // what the flags claim; nothing is verified here
    bool encrypted = false;
    bool reportable = false;
    std::string authoritative_engine_id;
    std::uint32_t engine_boots = 0;
    std::uint32_t engine_time = 0;
    std::string user;
    // Where msgAuthenticationParameters, msgPrivacyParameters and the content of msgData stand in
    // the datagram.
    std::size_t authentication_at = 0;
    std::size_t authentication_length = 0;
    std::size_t privacy_at = 0;
    std::size_t privacy_length = 0;
    std::size_t data_at = 0;
    std::size_t data_length = 0;
    bool operator==(const V3Envelope&) const = default;
};

// RFC 1901 and RFC 3416 section 3.
struct V2cEnvelope {
    std::string community;
    std::uint8_t pdu_type = 0;  // 0xa2: Response
    std::int32_t request_id = 0;
    std::int32_t error_status = 0;
    bool operator==(const V2cEnvelope&) const = default;
};

enum class NoEnvelope : std::uint8_t { oversize, malformed, other_version, other_security_model };

using Envelope = std::variant<NoEnvelope, V3Envelope, V2cEnvelope>;

// Definite lengths only, each inside the one around it, nothing behind the message (the whole
// datagram is one message).
[[nodiscard]] Envelope envelope_of(std::span<const std::uint8_t> datagram);

}  // namespace snmp_mib
