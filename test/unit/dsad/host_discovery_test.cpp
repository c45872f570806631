#include "agent/dsad/host_discovery.hpp"

#include "test/support/catch.hpp"

using agent::core::InitiatorPort;
using agent::core::Transport;
using agent::dsad::complete;
using agent::host::HostDevices;
using agent::runtime::DsadConfiguration;

namespace {

const InitiatorPort first_port{Transport::fc, "2100000e1e09a1b0", "", ""};
const InitiatorPort second_port{Transport::fc, "2100000e1e09a1b1", "", ""};

HostDevices host_with(std::vector<InitiatorPort> ports, const std::string& node) {
    HostDevices devices;
    for (auto& port : ports)
        devices.ports.push_back({std::move(port), "fc_host/host3"});
    devices.drives.push_back({{"8031BDC7DB"}, "HPE", "Ultrium 9-SCSI", {node}, {"/dev/sg3"}});
    return devices;
}

DsadConfiguration left_to_discovery() {
    DsadConfiguration configuration;
    configuration.discover_ports = true;
    configuration.discover_drives = true;
    configuration.application_names = {{"8031BDC7DB", "LTO 1"}};
    return configuration;
}

}  // namespace

TEST_CASE("ports and drives that are left to discovery are those of the host") {
    auto configuration = left_to_discovery();
    const auto added = complete(configuration, host_with({first_port}, "/dev/nst0"));
    CHECK(added == std::vector<std::string>{"port fc:2100000e1e09a1b0 (fc_host/host3)",
                                            "drive 8031BDC7DB (/dev/nst0, HPE Ultrium 9-SCSI)"});
    CHECK(configuration.host.ports == std::vector{first_port});
    CHECK(configuration.host.drives == std::vector<agent::core::DriveSerial>{{"8031BDC7DB"}});
    REQUIRE(configuration.drives.size() == 1);
    CHECK(configuration.drives[0].application_name == "LTO 1");
    CHECK(configuration.drives[0].device == "/dev/nst0");
    CHECK(complete(configuration, host_with({first_port}, "/dev/nst0")).empty());
}

TEST_CASE("what was found once stays, what is new is added, and nodes are followed") {
    auto configuration = left_to_discovery();
    complete(configuration, host_with({first_port}, "/dev/nst0"));
    const auto added = complete(configuration, host_with({second_port}, "/dev/nst5"));
    CHECK(added == std::vector<std::string>{"port fc:2100000e1e09a1b1 (fc_host/host3)",
                                            "drive 8031BDC7DB is at /dev/nst5 now"});
    CHECK(configuration.host.ports == std::vector{first_port, second_port});
    CHECK(configuration.drives[0].device == "/dev/nst5");
    CHECK(complete(configuration, HostDevices{}).empty());
    CHECK(configuration.drives.size() == 1);
}

TEST_CASE("what dsad.json lists by itself is left as it is") {
    DsadConfiguration configuration;
    configuration.host.ports = {second_port};
    CHECK(complete(configuration, host_with({first_port}, "/dev/nst0")).empty());
    CHECK(configuration.host.ports == std::vector{second_port});
    CHECK(configuration.drives.empty());
}
