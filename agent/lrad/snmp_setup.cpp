#include "agent/lrad/snmp_setup.hpp"

#include <unistd.h>

#include <array>

namespace agent::lrad {

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

snmp_mib::Delivery delivery_of(runtime::SnmpDelivery delivery) {
    return delivery == runtime::SnmpDelivery::trap ? snmp_mib::Delivery::trap
                                                   : snmp_mib::Delivery::inform;
}

std::string hex(const std::vector<std::uint8_t>& bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const std::uint8_t byte : bytes) {
        text += digits[byte >> 4];
        text += digits[byte & 15];
    }
    return text;
}

std::string folder_of_this_program() {
    std::array<char, 4096> path{};
    const ssize_t length = ::readlink("/proc/self/exe", path.data(), path.size());
    if (length <= 0) return "";
    const std::string program(path.data(), static_cast<std::size_t>(length));
    return program.substr(0, program.rfind('/') + 1);
}

}  // namespace

std::vector<snmp_mib::UsmUserConfiguration> usm_users(const runtime::SnmpConfiguration& snmp) {
    std::vector<snmp_mib::UsmUserConfiguration> users;
    for (const auto& user : snmp.users) {
        users.push_back({user.name, protocol_of(user.authentication), user.authentication_key_file,
                         snmp_mib::PrivacyProtocol::aes128, user.privacy_key_file});
    }
    return users;
}

std::vector<snmp_mib::PeerConfiguration> agent_peers(
    const runtime::LradConfiguration& configuration) {
    std::vector<snmp_mib::PeerConfiguration> peers;
    for (const auto& agent : configuration.agents) {
        peers.push_back({agent.name, runtime::to_text(agent.address), agent.user, ""});
    }
    return peers;
}

snmp_mib::SnmpChannelConfiguration channel_configuration(
    const runtime::LradConfiguration& configuration) {
    snmp_mib::SnmpChannelConfiguration channel;
    channel.role = snmp_mib::ChannelRole::controller;
    channel.own_name = configuration.sharing.controller;
    channel.listen = runtime::to_text(configuration.snmp.listen);
    channel.engine_id = hex(configuration.snmp.engine_id);
    channel.state_dir = configuration.state_dir;
    channel.peers = agent_peers(configuration);
    channel.users = usm_users(configuration.snmp);
    channel.delivery = delivery_of(configuration.snmp.delivery);
    return channel;
}

snmp_mib::ConsumersConfiguration consumers_configuration(
    const runtime::LradConfiguration& configuration) {
    snmp_mib::ConsumersConfiguration consumers;
    consumers.controller = configuration.sharing.controller;
    for (const auto& consumer : configuration.snmp.consumers) {
        const bool insecure = consumer.version == runtime::SnmpVersion::v2c;
        consumers.consumers.push_back(
            {runtime::to_text(consumer.address),
             insecure ? snmp_mib::ConsumerVersion::v2c : snmp_mib::ConsumerVersion::v3,
             consumer.user, consumer.community, insecure, delivery_of(consumer.delivery)});
    }
    return consumers;
}

snmp_mib::MibFeederConfiguration feeder_configuration(
    const runtime::LradConfiguration& configuration) {
    snmp_mib::MibFeederConfiguration feeder;
    feeder.program = folder_of_this_program() + "lra-mibd";
    feeder.listen = runtime::to_text(configuration.snmp.mib_listen);
    feeder.state_dir = configuration.state_dir;
    feeder.users = usm_users(configuration.snmp);
    return feeder;
}

}  // namespace agent::lrad
