#include "snmp_mib/quick_message.hpp"

#include <array>
#include <utility>

#include "snmp_mib/usm_users.hpp"

namespace snmp_mib {

namespace {

constexpr std::size_t salt_size = 8;

ber::Bytes bytes_in(const std::string& text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::optional<std::string> secure(UserAtEngine& user, V3Header header, const ScopedPdu& pdu) {
    const std::optional<EngineMoment> now = user.clock.now();
    if (!now) return std::nullopt;
    header.engine_boots = now->boots;
    header.engine_time = now->time;
    header.signature_length = user.seal->signature_length();
    std::array<std::uint8_t, datagram_length_max> space;
    const std::optional<V3Plain> plain = write_v3(space, header, pdu);
    if (!plain || !user.seal->close(*plain, now->boots, now->time)) return std::nullopt;
    return std::string(plain->datagram.begin(), plain->datagram.end());
}

}  // namespace

std::optional<std::string> encode_quickly(const V3Notification& header,
                                          const NotificationBody& body) {
    UserAtEngine* user = find_user(header.user, header.engine_id);
    if (user == nullptr || body.encoded.empty()) return std::nullopt;
    V3Header outside;
    outside.message_id = header.message_id;
    outside.reportable = header.inform;
    outside.engine_id = header.engine_id;
    outside.user = header.user;
    ScopedPdu pdu;
    pdu.context_engine_id = bytes_in(header.engine_id);
    pdu.type = header.inform ? V3Pdu::inform : V3Pdu::trap;
    pdu.request_id = header.request_id;
    pdu.varbind_list = bytes_in(body.encoded);
    return secure(*user, outside, pdu);
}

std::optional<QuickMessage> open_quickly(const V3Envelope& envelope,
                                         std::span<const std::uint8_t> datagram) {
    if (!envelope.authenticated || !envelope.encrypted || envelope.privacy_length != salt_size)
        return std::nullopt;
    UserAtEngine* user = find_user(envelope.user, envelope.authoritative_engine_id);
    if (user == nullptr) return std::nullopt;
    const V3Places places{envelope.authentication_at, envelope.authentication_length,
                          envelope.privacy_at, envelope.data_at, envelope.data_length};
    const EngineMoment said{envelope.engine_boots, envelope.engine_time};
    QuickMessage message;
    message.scoped_pdu.resize(places.scoped_pdu_length);
    // Nothing is decrypted, and no clock learns anything, before the signature is found right.
    if (!user->seal->is_authentic(datagram, places) || !user->clock.is_timely(said) ||
        !user->seal->decrypt(datagram, places, said.boots, said.time, message.scoped_pdu)) {
        return std::nullopt;
    }
    const std::optional<ScopedPdu> pdu = scoped_pdu_in(message.scoped_pdu);
    if (!pdu) return std::nullopt;
    if (pdu->type != V3Pdu::response) {
        ber::BerReader list(pdu->varbind_list);
        auto varbinds = varbinds_in_list(list.element(ber::tag_sequence));
        if (!varbinds || pdu->error_status != 0) return std::nullopt;
        message.varbinds = std::move(*varbinds);
    }
    message.type = pdu->type;
    message.message_id = envelope.message_id;
    message.request_id = pdu->request_id;
    message.error_status = pdu->error_status;
    message.engine_id = envelope.authoritative_engine_id;
    message.user = envelope.user;
    return message;
}

std::optional<std::string> answer_quickly(const QuickMessage& inform) {
    // Found again, since whoever took the inform may have exchanged the users.
    UserAtEngine* user = find_user(inform.user, inform.engine_id);
    std::optional<ScopedPdu> pdu = scoped_pdu_in(inform.scoped_pdu);
    if (user == nullptr || !pdu) return std::nullopt;
    pdu->type = V3Pdu::response;
    V3Header outside;
    outside.message_id = inform.message_id;
    outside.engine_id = inform.engine_id;
    outside.user = inform.user;
    return secure(*user, outside, *pdu);
}

}  // namespace snmp_mib
