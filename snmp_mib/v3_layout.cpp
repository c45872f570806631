#include "snmp_mib/v3_layout.hpp"

#include "snmp_mib/ber_writer.hpp"

namespace snmp_mib {

namespace {

using ber::BerReader;
using ber::BerWriter;
using ber::Bytes;

constexpr std::int32_t version_3 = 3;
constexpr std::int32_t user_based_security = 3;
constexpr std::int32_t message_size_accepted = 65'507;  // what fits into UDP over IPv4
constexpr std::uint8_t flags_secured = 0x03;
constexpr std::uint8_t flag_reportable = 0x04;
constexpr std::size_t salt_octets = 8;

Bytes as_bytes(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

bool is_known(std::uint8_t pdu) {
    return pdu == static_cast<std::uint8_t>(V3Pdu::response) ||
           pdu == static_cast<std::uint8_t>(V3Pdu::inform) ||
           pdu == static_cast<std::uint8_t>(V3Pdu::trap);
}

// Octets of the space behind what has been written last.
struct Mark {
    std::size_t from_end = 0;
    [[nodiscard]] std::size_t in(const BerWriter& writer) const { return writer.size() - from_end; }
};

void write_octet_string(BerWriter& writer, Bytes content) {
    const std::size_t before = writer.size();
    writer.octets(content);
    writer.header(ber::tag_octet_string, before);
}

// What has been written is the scoped PDU.
std::optional<V3Plain> write_around(BerWriter& writer, const V3Header& header) {
    const Mark pdu{writer.size()};
    writer.header(ber::tag_octet_string, 0);

    const std::size_t security = writer.size();
    writer.zeros(salt_octets);
    const Mark salt{writer.size()};
    writer.header(ber::tag_octet_string, security);
    const std::size_t signature_end = writer.size();
    writer.zeros(header.signature_length);
    const Mark signature{writer.size()};
    writer.header(ber::tag_octet_string, signature_end);
    write_octet_string(writer, as_bytes(header.user));
    writer.natural(ber::tag_integer, header.engine_time);
    writer.natural(ber::tag_integer, header.engine_boots);
    write_octet_string(writer, as_bytes(header.engine_id));
    writer.header(ber::tag_sequence, security);
    writer.header(ber::tag_octet_string, security);

    const std::size_t global = writer.size();
    writer.integer(user_based_security);
    const std::uint8_t flags =
        static_cast<std::uint8_t>(flags_secured | (header.reportable ? flag_reportable : 0U));
    write_octet_string(writer, Bytes(&flags, 1));
    writer.integer(message_size_accepted);
    writer.integer(header.message_id);
    writer.header(ber::tag_sequence, global);
    writer.integer(version_3);
    writer.header(ber::tag_sequence, 0);
    if (!writer.good()) return std::nullopt;
    return V3Plain{writer.written(),
                   {signature.in(writer), header.signature_length, salt.in(writer), pdu.in(writer),
                    pdu.from_end}};
}

}  // namespace

std::optional<ScopedPdu> scoped_pdu_in(Bytes decrypted) {
    BerReader outside(decrypted);
    BerReader scoped(outside.element(ber::tag_sequence));
    ScopedPdu result;
    result.context_engine_id = scoped.element(ber::tag_octet_string);
    result.context_name = scoped.element(ber::tag_octet_string);
    std::uint8_t type = 0;
    BerReader pdu(scoped.any(&type));
    if (!outside.good() || !outside.empty() || !scoped.good() || !scoped.empty() || !is_known(type))
        return std::nullopt;
    result.type = V3Pdu{type};
    const auto request_id = pdu.integer();
    const auto error_status = pdu.integer();
    const auto error_index = pdu.integer();
    const Bytes list_and_more = pdu.rest();
    static_cast<void>(pdu.element(ber::tag_sequence));
    if (!request_id || !error_status || !error_index || !pdu.good() || !pdu.empty())
        return std::nullopt;
    result.request_id = *request_id;
    result.error_status = *error_status;
    result.varbind_list = list_and_more;
    return result;
}

std::optional<V3Plain> write_v3(std::span<std::uint8_t> space, const V3Header& header,
                                const ScopedPdu& scoped_pdu) {
    BerWriter writer(space);
    writer.octets(scoped_pdu.varbind_list);
    writer.integer(0);  // error-index
    writer.integer(scoped_pdu.error_status);
    writer.integer(scoped_pdu.request_id);
    writer.header(static_cast<std::uint8_t>(scoped_pdu.type), 0);
    write_octet_string(writer, scoped_pdu.context_name);
    write_octet_string(writer, scoped_pdu.context_engine_id);
    writer.header(ber::tag_sequence, 0);
    return write_around(writer, header);
}

std::optional<V3Plain> write_v3(std::span<std::uint8_t> space, const V3Header& header,
                                Bytes scoped_pdu) {
    BerWriter writer(space);
    writer.octets(scoped_pdu);
    return write_around(writer, header);
}

}  // namespace snmp_mib
