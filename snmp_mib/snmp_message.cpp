#include "snmp_mib/snmp_message.hpp"

#include <net-snmp/net-snmp-config.h>

#include <net-snmp/net-snmp-includes.h>

#include <cstdlib>
#include <cstring>
#include <type_traits>
#include <utility>

#include "snmp_mib/datagram.hpp"
#include "snmp_mib/quick_message.hpp"
#include "snmp_mib/usm_users.hpp"

namespace snmp_mib {

namespace {

constexpr std::size_t message_size_max = 65'507;  // what fits into UDP over IPv4

void free_state_reference(netsnmp_pdu* pdu) {
    if (pdu->securityStateRef == nullptr) return;
    const snmp_secmod_def* model = find_sec_mod(pdu->securityModel);
    if (model != nullptr && model->pdu_free_state_ref != nullptr) {
        model->pdu_free_state_ref(pdu->securityStateRef);
    }
    pdu->securityStateRef = nullptr;
}

struct PduDeleter {
    void operator()(netsnmp_pdu* pdu) const {
        free_state_reference(pdu);
        snmp_free_pdu(pdu);
    }
};
using OwnedPdu = std::unique_ptr<netsnmp_pdu, PduDeleter>;

// The library wants a session for defaults and error codes; ours is never opened.
netsnmp_session& session_for(long version) {
    static netsnmp_session session = [] {
        netsnmp_session fresh;
        snmp_sess_init(&fresh);
        fresh.isAuthoritative = SNMP_SESS_UNKNOWNAUTH;
        fresh.sndMsgMaxSize = message_size_max;
        fresh.rcvMsgMaxSize = message_size_max;
        fresh.securityModel = SNMP_SEC_MODEL_USM;
        return fresh;
    }();
    session.version = version;
    session.s_snmp_errno = 0;
    return session;
}

void add_varbind(netsnmp_pdu* pdu, const Varbind& varbind) {
    std::vector<oid> name(varbind.name.begin(), varbind.name.end());
    const auto add = [&](u_char type, const void* value, std::size_t size) {
        snmp_pdu_add_variable(pdu, name.data(), name.size(), type, value, size);
    };
    if (const auto* integer = std::get_if<Integer32>(&varbind.value)) {
        const long value = integer->value;
        add(ASN_INTEGER, &value, sizeof value);
    } else if (const auto* number = std::get_if<Unsigned32>(&varbind.value)) {
        const u_long value = number->value;
        add(ASN_UNSIGNED, &value, sizeof value);
    } else if (const auto* ticks = std::get_if<TimeTicks>(&varbind.value)) {
        const u_long value = ticks->value;
        add(ASN_TIMETICKS, &value, sizeof value);
    } else if (const auto* big = std::get_if<Counter64>(&varbind.value)) {
        counter64 value{};
        value.high = static_cast<u_long>(big->value >> 32U);
        value.low = static_cast<u_long>(big->value & 0xffff'ffffU);
        add(ASN_COUNTER64, &value, sizeof value);
    } else if (const auto* octets = std::get_if<OctetString>(&varbind.value)) {
        add(ASN_OCTET_STR, octets->bytes.data(), octets->bytes.size());
    } else if (const auto* object = std::get_if<Oid>(&varbind.value)) {
        const std::vector<oid> value(object->begin(), object->end());
        add(ASN_OBJECT_ID, value.data(), value.size() * sizeof(oid));
    }
}

// Integers arrive with the width of long or of int, as the library chose.
std::optional<long> integer_of(const netsnmp_variable_list& variable) {
    if (variable.val.integer == nullptr) return std::nullopt;
    if (variable.val_len == sizeof(long)) return *variable.val.integer;
    int narrow = 0;
    if (variable.val_len != sizeof narrow) return std::nullopt;
    std::memcpy(&narrow, variable.val.integer, sizeof narrow);
    return narrow;
}

VarbindValue value_of(const netsnmp_variable_list& variable) {
    switch (variable.type) {
        case ASN_INTEGER:
            if (const auto value = integer_of(variable))
                return Integer32{static_cast<std::int32_t>(*value)};
            break;
        case ASN_UNSIGNED:
            if (const auto value = integer_of(variable))
                return Unsigned32{static_cast<std::uint32_t>(*value)};
            break;
        case ASN_TIMETICKS:
            if (const auto value = integer_of(variable))
                return TimeTicks{static_cast<std::uint32_t>(*value)};
            break;
        case ASN_COUNTER64:
            if (variable.val.counter64 == nullptr) break;
            return Counter64{static_cast<std::uint64_t>(variable.val.counter64->high) << 32U |
                             (variable.val.counter64->low & 0xffff'ffffU)};
        case ASN_OCTET_STR:
            if (variable.val.string == nullptr && variable.val_len != 0) break;
            return OctetString{
                std::string(reinterpret_cast<const char*>(variable.val.string), variable.val_len)};
        case ASN_OBJECT_ID: {
            const std::size_t length = variable.val_len / sizeof(oid);
            Oid object;
            for (std::size_t i = 0; i < length; ++i) {
                object.push_back(static_cast<std::uint32_t>(variable.val.objid[i]));
            }
            return object;
        }
        default:
            break;  // an open set: whatever else BER can say
    }
    return OtherType{variable.type};
}

agent::core::Result<std::string> build(netsnmp_pdu* pdu) {
    std::size_t capacity = 2'048;
    std::size_t length = 0;
    auto* buffer = static_cast<u_char*>(std::malloc(capacity));
    if (buffer == nullptr) return agent::core::Error{"out of memory"};
    netsnmp_session& session = session_for(pdu->version);
    // The library writes backwards: the message is the last `length` bytes of the buffer.
    const int result = snmp_build(&buffer, &capacity, &length, &session, pdu);
    std::string datagram;
    if (result == 0) {
        datagram.assign(reinterpret_cast<const char*>(buffer) + capacity - length, length);
    }
    std::free(buffer);
    if (result != 0) {
        return agent::core::Error{std::string("the SNMP library could not encode a message: ") +
                                  snmp_api_errstring(session.s_snmp_errno)};
    }
    return datagram;
}

OwnedPdu new_pdu(int command, long version) {
    OwnedPdu pdu(snmp_pdu_create(command));
    AGENT_ASSERT(pdu != nullptr);
    pdu->version = version;
    pdu->errstat = 0;
    pdu->errindex = 0;
    return pdu;
}

void set_v3(netsnmp_pdu* pdu, const std::string& engine_id, const std::string& user, int level) {
    pdu->securityModel = SNMP_SEC_MODEL_USM;
    pdu->securityLevel = level;
    pdu->securityName = ::strdup(user.c_str());
    pdu->securityNameLen = user.size();
    pdu->contextName = ::strdup("");
    pdu->contextNameLen = 0;
    if (engine_id.empty()) return;
    const auto copy = [&](u_char** where, std::size_t* length) {
        *where = static_cast<u_char*>(std::malloc(engine_id.size()));
        AGENT_ASSERT(*where != nullptr);
        std::memcpy(*where, engine_id.data(), engine_id.size());
        *length = engine_id.size();
    };
    copy(&pdu->securityEngineID, &pdu->securityEngineIDLen);
    copy(&pdu->contextEngineID, &pdu->contextEngineIDLen);
}

std::string own_engine_id() {
    u_char id[64];
    const std::size_t length = snmpv3_get_engineID(id, sizeof id);
    return {reinterpret_cast<const char*>(id), length};
}

std::string user_of(const netsnmp_pdu& pdu) {
    if (pdu.securityName == nullptr) return {};
    return {pdu.securityName, pdu.securityNameLen};
}

std::string engine_of(const netsnmp_pdu& pdu) {
    if (pdu.securityEngineID == nullptr) return {};
    return {reinterpret_cast<const char*>(pdu.securityEngineID), pdu.securityEngineIDLen};
}

// What the library decoded, in the form that the quick way has.
std::vector<Varbind> varbinds_of(const netsnmp_pdu& pdu) {
    std::vector<Varbind> varbinds;
    for (const netsnmp_variable_list* variable = pdu.variables; variable != nullptr;
         variable = variable->next_variable) {
        Varbind varbind;
        for (std::size_t i = 0; i < variable->name_length; ++i) {
            varbind.name.push_back(static_cast<std::uint32_t>(variable->name[i]));
        }
        varbind.value = value_of(*variable);
        varbinds.push_back(std::move(varbind));
    }
    return varbinds;
}

}  // namespace

agent::core::Result<std::string> encode_message(const V3Notification& header,
                                                const NotificationBody& body) {
    if (auto datagram = encode_quickly(header, body)) return std::move(*datagram);
    return encode_message(header, body.varbinds);
}

agent::core::Result<std::string> encode_message(const V3Notification& header,
                                                std::span<const Varbind> varbinds) {
    const OwnedPdu pdu = new_pdu(header.inform ? SNMP_MSG_INFORM : SNMP_MSG_TRAP2, SNMP_VERSION_3);
    set_v3(pdu.get(), header.engine_id, header.user, SNMP_SEC_LEVEL_AUTHPRIV);
    pdu->msgid = header.message_id;
    pdu->reqid = header.request_id;
    for (const Varbind& varbind : varbinds)
        add_varbind(pdu.get(), varbind);
    show_user(header.user, header.engine_id);
    return build(pdu.get());
}

agent::core::Result<std::string> encode_message(const V2cNotification& header,
                                                std::span<const Varbind> varbinds) {
    const OwnedPdu pdu = new_pdu(header.inform ? SNMP_MSG_INFORM : SNMP_MSG_TRAP2, SNMP_VERSION_2c);
    pdu->community = static_cast<u_char*>(std::malloc(header.community.size() + 1));
    AGENT_ASSERT(pdu->community != nullptr);
    std::memcpy(pdu->community, header.community.c_str(), header.community.size() + 1);
    pdu->community_len = header.community.size();
    pdu->reqid = header.request_id;
    for (const Varbind& varbind : varbinds)
        add_varbind(pdu.get(), varbind);
    return build(pdu.get());
}

agent::core::Result<std::string> encode_discovery(std::int32_t message_id) {
    const OwnedPdu pdu = new_pdu(SNMP_MSG_GET, SNMP_VERSION_3);
    set_v3(pdu.get(), "", "", SNMP_SEC_LEVEL_NOAUTH);
    pdu->msgid = message_id;
    pdu->reqid = message_id;
    return build(pdu.get());
}

agent::core::Result<std::string> encode_report(oids::UsmReport reason, std::int32_t message_id) {
    static std::uint32_t reports =
        0;  // stands in for the usmStats counter: receivers only look at the name
    const OwnedPdu pdu = new_pdu(SNMP_MSG_REPORT, SNMP_VERSION_3);
    set_v3(pdu.get(), own_engine_id(), "", SNMP_SEC_LEVEL_NOAUTH);
    pdu->msgid = message_id;
    pdu->reqid = 0;
    const u_long count = ++reports;
    const Oid name = oids::of(reason);
    const std::vector<oid> library_name(name.begin(), name.end());
    snmp_pdu_add_variable(pdu.get(), library_name.data(), library_name.size(), ASN_COUNTER, &count,
                          sizeof count);
    return build(pdu.get());
}

struct ReceivedMessage::Content {
    std::optional<QuickMessage> quick;  // or else the library's
    OwnedPdu pdu;
    std::string user;
    std::string engine_id;
    mutable std::optional<std::vector<Varbind>> varbinds;  // of the library's, when asked for
};

ReceivedMessage::ReceivedMessage(std::unique_ptr<Content> content) : content_(std::move(content)) {}
ReceivedMessage::ReceivedMessage(ReceivedMessage&&) noexcept = default;
ReceivedMessage& ReceivedMessage::operator=(ReceivedMessage&&) noexcept = default;
ReceivedMessage::~ReceivedMessage() = default;

ReceivedMessage ReceivedMessage::decode(const V3Envelope& envelope,
                                        std::span<const std::uint8_t> datagram) {
    auto quick = open_quickly(envelope, datagram);
    if (!quick) return decode(datagram);
    ReceivedMessage message(std::make_unique<Content>());
    message.content_->quick = std::move(quick);
    message.verdict_ = Verdict::accepted;
    return message;
}

ReceivedMessage ReceivedMessage::decode(std::span<const std::uint8_t> datagram) {
    ReceivedMessage message(std::make_unique<Content>());
    message.content_->pdu.reset(static_cast<netsnmp_pdu*>(std::calloc(1, sizeof(netsnmp_pdu))));
    netsnmp_pdu* pdu = message.content_->pdu.get();
    AGENT_ASSERT(pdu != nullptr);
    const Envelope envelope = envelope_of(datagram);
    if (const auto* v3 = std::get_if<V3Envelope>(&envelope))
        show_user(v3->user, v3->authoritative_engine_id);
    std::vector<u_char> bytes(datagram.begin(), datagram.end());  // decoded in place
    netsnmp_session& session = session_for(SNMP_VERSION_3);
    const int result = snmp_parse(nullptr, &session, pdu, bytes.data(), bytes.size());
    message.library_error_ = session.s_snmp_errno != 0 ? session.s_snmp_errno : result;
    switch (message.library_error_) {
        case SNMPERR_SUCCESS:
            message.verdict_ = Verdict::accepted;
            break;
        case SNMPERR_USM_UNKNOWNSECURITYNAME:
            message.verdict_ = Verdict::unknown_user;
            break;
        case SNMPERR_USM_AUTHENTICATIONFAILURE:
            message.verdict_ = Verdict::wrong_key;
            break;
        case SNMPERR_USM_NOTINTIMEWINDOW:
            message.verdict_ = Verdict::not_in_time_window;
            break;
        case SNMPERR_USM_UNSUPPORTEDSECURITYLEVEL:
            message.verdict_ = Verdict::unsupported_level;
            break;
        case SNMPERR_USM_UNKNOWNENGINEID:
            message.verdict_ = Verdict::unknown_engine;
            break;
        case SNMPERR_USM_DECRYPTIONERROR:
            message.verdict_ = Verdict::decryption_failed;
            break;
        default:
            message.verdict_ = Verdict::not_parsed;
            break;  // an open set of library errors
    }
    message.content_->user = user_of(*pdu);
    message.content_->engine_id = engine_of(*pdu);
    return message;
}

ReceivedMessage::Command ReceivedMessage::command() const {
    if (content_->quick) {
        switch (content_->quick->type) {
            case V3Pdu::inform:
                return Command::inform;
            case V3Pdu::trap:
                return Command::trap;
            case V3Pdu::response:
                return Command::response;
        }
    }
    switch (content_->pdu->command) {
        case SNMP_MSG_INFORM:
            return Command::inform;
        case SNMP_MSG_TRAP2:
            return Command::trap;
        case SNMP_MSG_RESPONSE:
            return Command::response;
        case SNMP_MSG_REPORT:
            return Command::report;
        default:
            return Command::other;
    }
}

bool ReceivedMessage::authenticated_and_encrypted() const {
    return content_->quick ||
           (verdict_ == Verdict::accepted && content_->pdu->securityModel == SNMP_SEC_MODEL_USM &&
            content_->pdu->securityLevel == SNMP_SEC_LEVEL_AUTHPRIV);
}

bool ReceivedMessage::authenticated() const {
    return content_->quick ||
           (verdict_ == Verdict::accepted && content_->pdu->securityModel == SNMP_SEC_MODEL_USM &&
            content_->pdu->securityLevel >= SNMP_SEC_LEVEL_AUTHNOPRIV);
}

std::int32_t ReceivedMessage::request_id() const {
    return content_->quick ? content_->quick->request_id
                           : static_cast<std::int32_t>(content_->pdu->reqid);
}

std::int32_t ReceivedMessage::error_status() const {
    return content_->quick ? content_->quick->error_status
                           : static_cast<std::int32_t>(content_->pdu->errstat);
}

const std::string& ReceivedMessage::user() const {
    return content_->quick ? content_->quick->user : content_->user;
}

const std::string& ReceivedMessage::engine_id() const {
    return content_->quick ? content_->quick->engine_id : content_->engine_id;
}

const std::vector<Varbind>& ReceivedMessage::varbinds() const {
    if (content_->quick) return content_->quick->varbinds;
    if (!content_->varbinds) content_->varbinds = varbinds_of(*content_->pdu);
    return *content_->varbinds;
}

std::optional<oids::UsmReport> ReceivedMessage::report_reason() const {
    if (content_->quick) return std::nullopt;
    const netsnmp_variable_list* variable = content_->pdu->variables;
    if (variable == nullptr || variable->name_length != oids::usm_stats.size() + 2)
        return std::nullopt;
    for (std::size_t i = 0; i < oids::usm_stats.size(); ++i) {
        if (variable->name[i] != oids::usm_stats[i]) return std::nullopt;
    }
    const oid reason = variable->name[oids::usm_stats.size()];
    if (reason < 1 || reason > 6) return std::nullopt;
    return static_cast<oids::UsmReport>(reason);
}

agent::core::Result<std::string> ReceivedMessage::response() {
    if (content_->quick) {
        if (auto datagram = answer_quickly(*content_->quick)) return std::move(*datagram);
        return agent::core::Error{"its user was removed meanwhile"};
    }
    netsnmp_pdu* pdu = content_->pdu.get();
    pdu->command = SNMP_MSG_RESPONSE;
    pdu->errstat = 0;
    pdu->errindex = 0;
    pdu->flags = 0;
    show_user(user(), engine_id());
    return build(pdu);
}

agent::core::Result<std::string> ReceivedMessage::report() {
    if (content_->quick) return agent::core::Error{"nothing was refused"};
    netsnmp_pdu* pdu = content_->pdu.get();
    pdu->flags = 0;
    if (snmpv3_make_report(pdu, library_error_) != SNMPERR_SUCCESS) {
        return agent::core::Error{"no Report exists for this refusal"};
    }
    show_user(user_of(*pdu), engine_of(*pdu));
    return build(pdu);
}

void set_engine_clock(const std::string& engine_id, std::uint32_t boots, std::uint32_t time,
                      bool authenticated) {
    set_enginetime(reinterpret_cast<const u_char*>(engine_id.data()),
                   static_cast<u_int>(engine_id.size()), boots, time, authenticated ? 1 : 0);
}

std::uint32_t own_engine_time() {
    return static_cast<std::uint32_t>(snmpv3_local_snmpEngineTime());
}

}  // namespace snmp_mib
