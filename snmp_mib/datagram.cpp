#include "snmp_mib/datagram.hpp"

namespace snmp_mib {

namespace {

constexpr std::uint8_t tag_integer = 0x02;
constexpr std::uint8_t tag_octet_string = 0x04;
constexpr std::uint8_t tag_sequence = 0x30;
constexpr std::uint8_t response_pdu = 0xa2;

using Bytes = std::span<const std::uint8_t>;

// Takes BER elements off the front of a piece of a datagram. After the first that does not fit
// nothing fits.
class BerReader {
  public:
    explicit BerReader(Bytes bytes) : rest_(bytes) {}

    [[nodiscard]] bool good() const { return good_; }
    [[nodiscard]] bool empty() const { return rest_.empty(); }

    Bytes element(std::uint8_t tag) {
        if (!good_ || rest_.empty() || rest_[0] != tag) return fail();
        return any();
    }

    // The content of the next element whatever its tag; `tag` is told.
    Bytes any(std::uint8_t* tag = nullptr) {
        if (!good_ || rest_.size() < 2) return fail();
        if (tag != nullptr) *tag = rest_[0];
        std::size_t length = rest_[1];
        std::size_t header = 2;
        if (length >= 0x80) {
            const std::size_t octets = length & 0x7fU;
            if (octets == 0 || octets > 4 || rest_.size() < 2 + octets) return fail();
            length = 0;
            for (std::size_t i = 0; i < octets; ++i)
                length = length << 8U | rest_[2 + i];
            header += octets;
        }
        if (length > rest_.size() - header) return fail();
        const Bytes content = rest_.subspan(header, length);
        rest_ = rest_.subspan(header + length);
        return content;
    }

    // 0 .. 2^31-1.
    std::uint32_t natural() {
        const std::optional<std::int32_t> value = integer();
        if (!value || *value < 0) {
            fail();
            return 0;
        }
        return static_cast<std::uint32_t>(*value);
    }

    std::optional<std::int32_t> integer() {
        const Bytes content = element(tag_integer);
        if (!good_ || content.empty() || content.size() > 4) {
            fail();
            return std::nullopt;
        }
        std::uint32_t value = (content[0] & 0x80U) != 0 ? 0xffffffffU : 0;
        for (const std::uint8_t byte : content)
            value = value << 8U | byte;
        return static_cast<std::int32_t>(value);
    }

    std::string text(std::size_t most) {
        const Bytes content = element(tag_octet_string);
        if (content.size() > most) fail();
        return good_ ? std::string(content.begin(), content.end()) : std::string();
    }

  private:
    Bytes fail() {
        good_ = false;
        rest_ = {};
        return {};
    }

    Bytes rest_;
    bool good_ = true;
};

Envelope v3_envelope(BerReader& message) {
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
    usm.text(48);  // msgAuthenticationParameters: 48 octets with SHA-512 (RFC 7860 4.2)
    usm.text(8);   // msgPrivacyParameters
    std::uint8_t data_tag = 0;
    message.any(&data_tag);
    const std::uint8_t expected_tag = envelope.encrypted ? tag_octet_string : tag_sequence;
    if (!usm.good() || !usm.empty() || !outer.good() || !outer.empty() || !message.good() ||
        !message.empty() || data_tag != expected_tag) {
        return NoEnvelope::malformed;
    }
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
    if (version == 3) return v3_envelope(message);
    if (version == 1) return v2c_envelope(message);
    return NoEnvelope::other_version;
}

}  // namespace snmp_mib
