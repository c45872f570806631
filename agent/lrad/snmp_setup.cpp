#include "agent/lrad/snmp_setup.hpp"

#include <unistd.h>

#include <array>

#include "agent/lrad/pair_setup.hpp"
#include "agent/snmp/channel_setup.hpp"

namespace agent::lrad {

namespace {

std::string folder_of_this_program() {
    std::array<char, 4096> path{};
    const ssize_t length = ::readlink("/proc/self/exe", path.data(), path.size());
    if (length <= 0) return "";
    const std::string program(path.data(), static_cast<std::size_t>(length));
    return program.substr(0, program.rfind('/') + 1);
}

}  // namespace

std::vector<snmp_mib::PeerConfiguration> agent_peers(
    const runtime::LradConfiguration& configuration) {
    std::vector<snmp_mib::PeerConfiguration> peers;
    for (const auto& agent : configuration.agents) {
        if (agent.agentless) continue;
        peers.push_back({agent.name, runtime::to_text(agent.address), agent.user, ""});
    }
    add_pair_peers(configuration, peers);
    return peers;
}

snmp_mib::SnmpChannelConfiguration channel_configuration(
    const runtime::LradConfiguration& configuration) {
    auto channel = snmp::channel_of(configuration.snmp, configuration.sharing.controller,
                                    configuration.state_dir);
    channel.role = snmp_mib::ChannelRole::controller;
    channel.peers = agent_peers(configuration);
    channel.delivery = snmp::delivery_of(configuration.snmp.delivery);
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
             consumer.user, consumer.community, insecure, snmp::delivery_of(consumer.delivery)});
    }
    return consumers;
}

std::vector<snmp_mib::HintSourceConfiguration> hint_sources(
    const runtime::LradConfiguration& configuration) {
    std::vector<snmp_mib::HintSourceConfiguration> sources;
    for (const auto& hint : configuration.snmp.hints) {
        const bool insecure = hint.version == runtime::SnmpVersion::v2c;
        sources.push_back(
            {hint.library, hint.address,
             insecure ? snmp_mib::ConsumerVersion::v2c : snmp_mib::ConsumerVersion::v3, hint.user,
             hint.community});
    }
    return sources;
}

std::vector<std::pair<std::string, snmp_mib::MibFeederConfiguration>> feeder_configurations(
    const runtime::LradConfiguration& configuration) {
    std::vector<std::pair<std::string, snmp_mib::MibFeederConfiguration>> feeders;
    snmp_mib::MibFeederConfiguration feeder;
    feeder.program = folder_of_this_program() + "lra-mibd";
    feeder.state_dir = configuration.state_dir;
    if (!configuration.snmp.agentx.empty()) {
        feeders.emplace_back("agentx", feeder);
        feeders.back().second.agentx = configuration.snmp.agentx;
    }
    if (!configuration.snmp.mib_listen.host.empty()) {
        feeder.listen = runtime::to_text(configuration.snmp.mib_listen);
        feeder.users = snmp::usm_users(configuration.snmp);
        feeder.writers = configuration.snmp.mib_writers;
        feeders.emplace_back("mib", feeder);
    }
    return feeders;
}

}  // namespace agent::lrad
