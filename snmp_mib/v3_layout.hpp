#pragma once

// How an SNMPv3 message with USM is laid out (RFC 3412 section 6, RFC 3414 section 2.4), without
// keys: what is to be signed and encrypted, and what was decrypted. Pure.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "snmp_mib/ber_reader.hpp"

namespace snmp_mib {

enum class V3Pdu : std::uint8_t { response = 0xa2, inform = 0xa6, trap = 0xa7 };

struct ScopedPdu {
    ber::Bytes context_engine_id;
    ber::Bytes context_name;
    V3Pdu type = V3Pdu::response;
    std::int32_t request_id = 0;
    std::int32_t error_status = 0;
    ber::Bytes varbind_list;  // with its header
};
// Nothing when it is another PDU, is not written as it should be, or has anything behind it.
[[nodiscard]] std::optional<ScopedPdu> scoped_pdu_in(ber::Bytes decrypted);

struct V3Header {
    std::int32_t message_id = 0;
    bool reportable = false;
    std::string_view engine_id;  // authoritative
    std::uint32_t engine_boots = 0;
    std::uint32_t engine_time = 0;
    std::string_view user;
    std::size_t signature_length = 0;
};
// Where in a datagram what is secured stands.
struct V3Places {
    std::size_t signature = 0;
    std::size_t signature_length = 0;
    std::size_t salt = 0;  // eight octets
    std::size_t scoped_pdu = 0;
    std::size_t scoped_pdu_length = 0;
};
struct V3Plain {
    std::span<std::uint8_t> datagram;  // the end of the space that was given
    V3Places places;
};
// A message whose flags say authenticated and encrypted, and which is neither yet: the signature
// and the salt are zeros. Nothing when the space is too small.
[[nodiscard]] std::optional<V3Plain> write_v3(std::span<std::uint8_t> space, const V3Header& header,
                                              const ScopedPdu& scoped_pdu);
// Around a scoped PDU that is written already.
[[nodiscard]] std::optional<V3Plain> write_v3(std::span<std::uint8_t> space, const V3Header& header,
                                              ber::Bytes scoped_pdu);

}  // namespace snmp_mib
