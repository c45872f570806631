#include "agent/lrad/portals_to_ask.hpp"

#include <algorithm>

#include "agent/runtime/url_credentials.hpp"
#include "drive_iface/device/iscsi_discovery.hpp"
#include "drive_iface/discovery/discovery.hpp"

namespace agent::lrad {

namespace {

// "192.0.2.7:3260" of "iscsi://user%password@192.0.2.7:3260/target/0".
std::string portal_in(const std::string& url) {
    const std::string plain = runtime::without_credentials(url);
    const auto begin = plain.find("://");
    if (begin == std::string::npos) return "";
    return plain.substr(begin + 3, plain.find('/', begin + 3) - begin - 3);
}

}  // namespace

PortalsToAsk portals_to_ask(const runtime::LradConfiguration& configuration,
                            const std::vector<std::string>& asked_for) {
    PortalsToAsk chosen;
    const auto add = [&chosen](const std::string& portal) {
        if (portal.empty()) return;
        const std::string whole = drive_iface::iscsi_portal(portal);
        auto& portals = chosen.portals;
        if (std::find(portals.begin(), portals.end(), whole) == portals.end())
            portals.push_back(whole);
    };
    for (const auto& portal : asked_for)
        add(portal);
    for (const auto& drive : configuration.drives) {
        if (!drive.interface) continue;
        add(portal_in(drive.interface->url));
        if (drive.interface->type == runtime::DriveInterface::Type::sg)
            chosen.sg_nodes_expected = true;
    }
    for (const auto& portal : configuration.discovery_portals)
        add(portal.portal);

    constexpr std::size_t most = drive_iface::discovery::portals_max;
    for (std::size_t i = most; i < chosen.portals.size(); ++i) {
        chosen.problems.push_back("iSCSI portal " + chosen.portals[i] + ": not asked; " +
                                  std::to_string(most) + " at most are asked at once");
    }
    chosen.portals.resize(std::min(chosen.portals.size(), most));
    return chosen;
}

}  // namespace agent::lrad
