#include "agent/dsad/composition.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "agent/snmp/channel_setup.hpp"

namespace agent::dsad {

core::Result<host::ApplicationProfile> application_profile(
    const runtime::DsadConfiguration& configuration, const ApplicationFiles& files,
    ProgramsRun where) {
    const auto filled = filled_profile(configuration.application, files, configuration.drives,
                                       where == ProgramsRun::here);
    if (!filled) return filled.error();
    auto profile = host::ApplicationProfile::compile(filled->description, filled->drives);
    if (!profile) return core::Error{"application." + profile.error().message};
    return profile;
}

core::Result<host::ApplicationProfile> application_profile(
    const runtime::DsadConfiguration& configuration) {
    const auto files = read_application_files(configuration.application);
    if (!files) return files.error();
    return application_profile(configuration, *files, ProgramsRun::here);
}

std::vector<UnusedDrive> unusable_drives(const runtime::DsadConfiguration& configuration,
                                         const std::vector<core::DriveSerial>& listed,
                                         const ApplicationFiles& files, ProgramsRun where) {
    std::vector<UnusedDrive> unused;
    if (application_profile(configuration, files, where)) return unused;
    runtime::DsadConfiguration alone = configuration;
    alone.drives.clear();
    // What is wrong without any drive is not the drives' fault.
    if (!application_profile(alone, files, where)) return unused;
    for (const auto& drive : configuration.drives) {
        if (std::find(listed.begin(), listed.end(), drive.serial) != listed.end()) continue;
        alone.drives = {drive};
        const auto compiled = application_profile(alone, files, where);
        if (!compiled) unused.push_back({drive.serial, compiled.error().message});
    }
    return unused;
}

core::Result<host::ApplicationProfile> usable_profile(HostKnowledge& known,
                                                      const ApplicationFiles& files) {
    known.leave_out(
        unusable_drives(known.configuration(), known.listed(), files, ProgramsRun::here));
    return application_profile(known.configuration(), files, ProgramsRun::here);
}

void limit_unseen(const runtime::DsadConfiguration& configuration,
                  const host::ApplicationProfile& profile, core::DriveSharingAgentState& state) {
    for (auto& command : state.unseen) {
        // Also of a drive that is not found before later.
        core::Duration limit = configuration.application.timeout;
        for (const auto& step : profile.steps(command.drive, command.action))
            limit = std::max(limit, step.command.timeout);
        command.may_run_for = limit * 2;
    }
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
    if (!configuration.pair) return channel;
    for (auto& peer : channel.peers) {
        const auto& nodes = configuration.pair->nodes;
        if (std::find(nodes.begin(), nodes.end(), peer.name) != nodes.end())
            peer.conversation = snmp_mib::Conversation::reservations_and_pair;
    }
    for (const auto& agent : configuration.pair->agents) {
        channel.peers.push_back({agent.name,
                                 runtime::to_text(agent.addresses.front()),
                                 agent.user,
                                 {},
                                 snmp_mib::Conversation::pair,
                                 {}});
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
    if (before.pair != after.pair) return fixed("pair");
    if (before.snmp.listen != after.snmp.listen) return fixed("snmp.listen");
    if (before.snmp.engine_id != after.snmp.engine_id) return fixed("snmp.engine_id");
    return core::Nothing{};
}

}  // namespace agent::dsad
