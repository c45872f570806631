#include "agent/dsad/composition.hpp"

#include <string>
#include <utility>

#include "agent/dsad/application_setup.hpp"
#include "agent/snmp/channel_setup.hpp"

namespace agent::dsad {

namespace {

core::Result<host::ApplicationProfile> compiled_profile(
    const runtime::DsadConfiguration& configuration, bool on_this_host) {
    const auto file = profile_file_of(configuration.application);
    if (!file) return file.error();
    const auto filled =
        filled_profile(configuration.application, *file, configuration.drives, on_this_host);
    if (!filled) return filled.error();
    auto profile = host::ApplicationProfile::compile(filled->description, filled->drives);
    if (!profile) return core::Error{"application." + profile.error().message};
    return profile;
}

}  // namespace

core::Result<host::ApplicationProfile> application_profile(
    const runtime::DsadConfiguration& configuration) {
    return compiled_profile(configuration, true);
}

core::Result<host::ApplicationProfile> application_profile_elsewhere(
    const runtime::DsadConfiguration& configuration) {
    return compiled_profile(configuration, false);
}

snmp_mib::SnmpChannelConfiguration channel_configuration(
    const runtime::DsadConfiguration& configuration) {
    auto channel =
        snmp::channel_of(configuration.snmp, configuration.host.agent, configuration.state_dir);
    channel.role = snmp_mib::ChannelRole::agent;
    for (const runtime::DsadController& controller : configuration.controllers) {
        channel.peers.push_back(
            {controller.name, runtime::to_text(controller.address), controller.user, {}});
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
    if (before.metrics != after.metrics) return fixed("metrics");
    if (before.snmp.listen != after.snmp.listen) return fixed("snmp.listen");
    if (before.snmp.engine_id != after.snmp.engine_id) return fixed("snmp.engine_id");
    return core::Nothing{};
}

}  // namespace agent::dsad
