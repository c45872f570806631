#include "agent/lrad/pair_setup.hpp"

#include <algorithm>

#include "agent/postgres/database_server.hpp"
#include "agent/runtime/clock.hpp"

namespace agent::lrad {

void add_pair_peers(const runtime::LradConfiguration& configuration,
                    std::vector<snmp_mib::PeerConfiguration>& peers) {
    if (!configuration.pair) return;
    const auto& pair = *configuration.pair;
    for (auto& peer : peers) {
        const auto& voters = pair.node.voters;
        if (std::find(voters.begin(), voters.end(), peer.name) != voters.end())
            peer.conversation = snmp_mib::Conversation::reservations_and_pair;
    }
    std::size_t path = 0;
    for (const auto& address : pair.peer.addresses) {
        const bool first = path++ == 0;
        // A name of our own choice has a character that no configured name has.
        const std::string name =
            first ? pair.peer.name : pair.peer.name + "/" + std::to_string(path);
        peers.push_back({name, runtime::to_text(address), pair.peer.user, "",
                         snmp_mib::Conversation::pair, first ? "" : pair.peer.name});
    }
}

core::SharingConfiguration sharing_of_watcher(core::SharingConfiguration sharing) {
    sharing.agents.clear();
    sharing.on_missing = core::SharingConfiguration::OnMissing::alarm;
    sharing.unknown_holder = core::SharingConfiguration::UnknownHolder::alarm;
    sharing.holder_inquiry = {0};
    // The other node's fence has another key: that this one's is not there is no loss.
    for (auto& drive : sharing.drives)
        drive.fenced = false;
    return sharing;
}

std::vector<std::string> table_servers(const runtime::LradConfiguration& configuration) {
    return postgres::table_connections(configuration.pair->database);
}

std::optional<mounts::MountFault> why_not_mounting(const pair_node::NodeRunner& node,
                                                   bool serving) {
    using Kind = mounts::MountFault::Kind;
    using pair::NodeState;
    const auto& other = node.options().pair.peer.name;
    const auto busy = [](const std::string& words, const char* reason) {
        return mounts::MountFault{Kind::busy, words, reason, {}};
    };
    const auto not_yet = [&](const std::string& words) {
        return busy("BUSY: this controller " + words + "; try again", "not_serving");
    };
    if (!node.started()) return not_yet("is only just starting");
    switch (node.rules().state()) {
        case NodeState::single:
        case NodeState::primary:
        case NodeState::primary_alone:
            break;
        case NodeState::standby:
        case NodeState::taking_over:
            return busy("RETRY_ELSEWHERE: controller " + other +
                            " serves the library, this one stands by: ask there",
                        "retry_elsewhere");
        case NodeState::draining:
        case NodeState::shut_down:
            return busy("SHUTTING_DOWN: this controller leaves service or has left it; ask " +
                            other + " if it serves",
                        "shutting_down");
        case NodeState::offline:
            return busy("SYSTEM_OFFLINE: " + node.why() +
                            "; `lractl pair show` and `lractl pair votes` tell what is missing",
                        "system_offline");
        case NodeState::recovering:
            return not_yet("finds out whether it may serve");
        case NodeState::waiting_peer:
            return not_yet("waits for the other one's copy of the drive table, or for the agents");
        case NodeState::fenced:
            return busy("RETRY_ELSEWHERE: this controller has stopped acting, " + other +
                            " may be serving: ask there",
                        "retry_elsewhere");
    }
    if (!serving) return not_yet("looks at drives and claims before it mounts anything");
    return std::nullopt;
}

}  // namespace agent::lrad
