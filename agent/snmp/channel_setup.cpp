#include "agent/snmp/channel_setup.hpp"

#include <cstdint>
#include <string_view>

namespace agent::snmp {

namespace {

snmp_mib::AuthenticationProtocol protocol_of(runtime::SnmpAuthentication authentication) {
    switch (authentication) {
        case runtime::SnmpAuthentication::sha256:
            return snmp_mib::AuthenticationProtocol::sha256;
        case runtime::SnmpAuthentication::sha384:
            return snmp_mib::AuthenticationProtocol::sha384;
        case runtime::SnmpAuthentication::sha512:
            return snmp_mib::AuthenticationProtocol::sha512;
    }
    return snmp_mib::AuthenticationProtocol::sha256;
}

snmp_mib::PrivacyProtocol protocol_of(runtime::SnmpPrivacy privacy) {
    switch (privacy) {
        case runtime::SnmpPrivacy::aes128:
            return snmp_mib::PrivacyProtocol::aes128;
        case runtime::SnmpPrivacy::aes256:
            return snmp_mib::PrivacyProtocol::aes256;
    }
    return snmp_mib::PrivacyProtocol::aes128;
}

std::string hexadecimal(const std::vector<std::uint8_t>& bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const std::uint8_t byte : bytes) {
        text += digits[byte >> 4];
        text += digits[byte & 0x0f];
    }
    return text;
}

}  // namespace

std::vector<snmp_mib::UsmUserConfiguration> usm_users(const runtime::SnmpConfiguration& snmp) {
    std::vector<snmp_mib::UsmUserConfiguration> users;
    for (const auto& user : snmp.users) {
        users.push_back({user.name, protocol_of(user.authentication), user.authentication_key_file,
                         protocol_of(user.privacy), user.privacy_key_file});
    }
    return users;
}

snmp_mib::Delivery delivery_of(runtime::SnmpDelivery delivery) {
    return delivery == runtime::SnmpDelivery::trap ? snmp_mib::Delivery::trap
                                                   : snmp_mib::Delivery::inform;
}

snmp_mib::SnmpChannelConfiguration channel_of(const runtime::SnmpConfiguration& snmp,
                                              const std::string& own_name,
                                              const std::string& state_dir) {
    snmp_mib::SnmpChannelConfiguration channel;
    channel.own_name = own_name;
    channel.listen = runtime::to_text(snmp.listen);
    channel.engine_id = hexadecimal(snmp.engine_id);
    channel.state_dir = state_dir;
    channel.users = usm_users(snmp);
    return channel;
}

}  // namespace agent::snmp
