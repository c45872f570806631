#include "snmp_mib/datagram.hpp"

#include "snmp_mib/ber_reader.hpp"

namespace snmp_mib {

namespace {

using ber::BerReader;
using ber::Bytes;
using ber::tag_octet_string;
using ber::tag_sequence;

constexpr std::uint8_t response_pdu = 0xa2;

Envelope v3_envelope(Bytes datagram, BerReader& message) {
    V3Envelope envelope;
    BerReader header(message.element(tag_sequence));
    envelope.message_id = static_cast<std::int32_t>(header.natural());
    const std::uint32_t size_max = header.natural();
    const std::string flags = header.text(1);
    const std::uint32_t security_model = header.natural();
    const Bytes security_parameters = message.element(tag_octet_string);
    // msgMaxSize is at least 484, encrypted implies authenticated (RFC 3412 6.2, 6.4).
    if (!header.good() || !header.empty() || flags.size() != 1 || size_max < 484 ||
        (flags[0] & 0x03) == 0x02 || !message.good()) {
        return NoEnvelope::malformed;
    }
    if (security_model != 3) return NoEnvelope::other_security_model;
    envelope.authenticated = (flags[0] & 0x01) != 0;
    envelope.encrypted = (flags[0] & 0x02) != 0;
    envelope.reportable = (flags[0] & 0x04) != 0;

    BerReader outer(security_parameters);
    BerReader usm(outer.element(tag_sequence));
    envelope.authoritative_engine_id = usm.text(32);
    envelope.engine_boots = usm.natural();
    envelope.engine_time = usm.natural();
    envelope.user = usm.text(32);
    const Bytes authentication = usm.element(tag_octet_string);
    const Bytes privacy = usm.element(tag_octet_string);
    std::uint8_t data_tag = 0;
    const Bytes data = message.any(&data_tag);
    const std::uint8_t expected_tag = envelope.encrypted ? tag_octet_string : tag_sequence;
    // At most 48 octets, with SHA-512 (RFC 7860 4.2).
    if (!usm.good() || !usm.empty() || authentication.size() > 48 || privacy.size() > 8 ||
        !outer.good() || !outer.empty() || !message.good() || !message.empty() ||
        data_tag != expected_tag) {
        return NoEnvelope::malformed;
    }
    const auto place_of = [&](Bytes piece) {
        return static_cast<std::size_t>(piece.data() - datagram.data());
    };
    envelope.authentication_at = place_of(authentication);
    envelope.authentication_length = authentication.size();
    envelope.privacy_at = place_of(privacy);
    envelope.privacy_length = privacy.size();
    envelope.data_at = place_of(data);
    envelope.data_length = data.size();
    return envelope;
}

Envelope v2c_envelope(BerReader& message) {
    V2cEnvelope envelope;
    envelope.community = message.text(256);
    BerReader pdu(message.any(&envelope.pdu_type));
    if (!message.good() || !message.empty()) return NoEnvelope::malformed;
    if (envelope.pdu_type != response_pdu) return envelope;
    const std::optional<std::int32_t> request_id = pdu.integer();
    const std::optional<std::int32_t> error_status = pdu.integer();
    if (!request_id || !error_status) return NoEnvelope::malformed;
    envelope.request_id = *request_id;
    envelope.error_status = *error_status;
    return envelope;
}

}  // namespace

Envelope envelope_of(std::span<const std::uint8_t> datagram) {
    if (datagram.size() > datagram_length_max) return NoEnvelope::oversize;
    BerReader outside(datagram);
    BerReader message(outside.element(tag_sequence));
    const std::uint32_t version = message.natural();
    if (!outside.good() || !outside.empty() || !message.good()) return NoEnvelope::malformed;
    if (version == 3) return v3_envelope(datagram, message);
    if (version == 1) return v2c_envelope(message);
    return NoEnvelope::other_version;
}

}  // namespace snmp_mib
