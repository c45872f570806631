#include "agent/dsad/composition.hpp"

#include <optional>
#include <string>
#include <utility>

namespace agent::dsad {

namespace {

std::optional<snmp_mib::AuthenticationProtocol> protocol_of(runtime::SnmpAuthentication value) {
    switch (value) {
        case runtime::SnmpAuthentication::sha256:
            return snmp_mib::AuthenticationProtocol::sha256;
        case runtime::SnmpAuthentication::sha384:
            return snmp_mib::AuthenticationProtocol::sha384;
        case runtime::SnmpAuthentication::sha512:
            return snmp_mib::AuthenticationProtocol::sha512;
    }
    return std::nullopt;
}

snmp_mib::PrivacyProtocol protocol_of(runtime::SnmpPrivacy value) {
    switch (value) {
        case runtime::SnmpPrivacy::aes128:
            break;
    }
    return snmp_mib::PrivacyProtocol::aes128;
}

std::string hexadecimal(const std::vector<std::uint8_t>& bytes) {
    constexpr char digits[] = "0123456789abcdef";
    std::string text;
    for (const std::uint8_t byte : bytes) {
        text += digits[byte >> 4];
        text += digits[byte & 0x0f];
    }
    return text;
}

}  // namespace

core::Result<host::ApplicationProfile> application_profile(
    const runtime::DsadConfiguration& configuration) {
    const runtime::ApplicationConfiguration& application = configuration.application;
    host::ProfileDescription description;
    description.offline = application.offline;
    description.online = application.online;
    description.query = application.query;
    description.states = {application.states.online,         application.states.offline,
                          application.states.draining,       application.exit_statuses.online,
                          application.exit_statuses.offline, application.exit_statuses.draining};
    description.accepted_statuses = application.accepted_exit_statuses;
    description.timeout = application.timeout;
    std::vector<host::DriveNames> drives;
    for (const runtime::DsadDrive& drive : configuration.drives) {
        drives.push_back({drive.application_name, drive.serial.text, drive.device});
    }
    auto profile = host::ApplicationProfile::compile(description, drives);
    if (!profile) return core::Error{"application." + profile.error().message};
    return profile;
}

core::Result<snmp_mib::SnmpChannelConfiguration> channel_configuration(
    const runtime::DsadConfiguration& configuration) {
    snmp_mib::SnmpChannelConfiguration channel;
    channel.role = snmp_mib::ChannelRole::agent;
    channel.own_name = configuration.host.agent;
    channel.listen = runtime::to_text(configuration.snmp.listen);
    channel.engine_id = hexadecimal(configuration.snmp.engine_id);
    channel.state_dir = configuration.state_dir;
    for (const runtime::DsadController& controller : configuration.controllers) {
        channel.peers.push_back(
            {controller.name, runtime::to_text(controller.address), controller.user, {}});
    }
    for (const runtime::SnmpUser& user : configuration.snmp.users) {
        const auto authentication = protocol_of(user.authentication);
        if (!authentication) {
            return core::Error{"snmp.users: " + user.name +
                               ": SHA-224 is not offered here; use SHA-256"};
        }
        channel.users.push_back({user.name, *authentication, user.authentication_key_file,
                                 protocol_of(user.privacy), user.privacy_key_file});
    }
    return channel;
}

core::Outcome can_follow(const runtime::DsadConfiguration& before,
                         const runtime::DsadConfiguration& after) {
    const auto fixed = [](const std::string& key) {
        return core::Error{key + " can not change while dsad runs; restart it for that"};
    };
    if (before.host.agent != after.host.agent) return fixed("agent.name");
    if (before.state_dir != after.state_dir) return fixed("agent.state_dir");
    if (before.control_socket != after.control_socket) return fixed("control.socket");
    if (before.snmp.listen != after.snmp.listen) return fixed("snmp.listen");
    if (before.snmp.engine_id != after.snmp.engine_id) return fixed("snmp.engine_id");
    return core::Nothing{};
}

}  // namespace agent::dsad
