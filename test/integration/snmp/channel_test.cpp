#include <string>

#include "test/integration/snmp/channel_driver.hpp"
#include "test/integration/snmp/datagrams.hpp"
#include "test/support/catch.hpp"

namespace {

constexpr auto program = SNMP_CHANNEL_PROCESS;

// A controller "ctl" and an agent "host-a" that know each other.
struct Pair {
    TemporaryFolder folder;
    std::string key = folder.file("key", "passphrase correct horse battery\n");

    std::vector<std::string> controller_options(std::uint16_t agent_port,
                                                const std::string& state = "ctl") const {
        return {"role controller", "name ctl", "state " + folder.folder(state),
                "user host-a " + key,
                "peer host-a udp:127.0.0.1:" + std::to_string(agent_port) + " host-a"};
    }
    std::vector<std::string> agent_options(std::uint16_t controller_port,
                                           const std::string& state = "agent",
                                           std::uint16_t listen = 0) const {
        return {"role agent",
                "name host-a",
                "state " + folder.folder(state),
                "user host-a " + key,
                "listen udp:127.0.0.1:" + std::to_string(listen),
                "peer ctl udp:127.0.0.1:" + std::to_string(controller_port) + " host-a"};
    }
    std::vector<std::string> with(std::vector<std::string> options, const std::string& more) const {
        options.push_back(more);
        return options;
    }
};

}  // namespace

TEST_CASE("notices and confirmations go both ways as SNMPv3 informs, acknowledged") {
    const Pair pair;
    // A port that is free now: the agent needs the controller's before the controller knows the
    // agent's.
    const UdpSocket placeholder;
    ChannelDriver agent(program, pair.agent_options(placeholder.port()));
    REQUIRE(agent.ready());
    ChannelDriver controller(program, pair.controller_options(agent.port()));
    REQUIRE(controller.ready());

    controller.tell("notice host-a VT0001 7");
    CHECK(agent.wait_for("message") == "message ctl notice ctl VT0001 1 7 1");
    CHECK_FALSE(controller.wait_for("acknowledged host-a VT0001 7").empty());

    agent.tell("add_peer ctl2 udp:127.0.0.1:" + std::to_string(controller.port()) + " host-a");
    CHECK(agent.wait_for("done") == "done");
    CHECK(controller.count("probes_sent") == 1);
    CHECK(controller.count("messages_acknowledged") == 1);
    CHECK(agent.count("refused_time_window") == 0);
}

TEST_CASE("a confirmation reaches the controller in the agent's own name only") {
    const Pair pair;
    const UdpSocket nobody;
    ChannelDriver controller(program, pair.controller_options(nobody.port()));
    ChannelDriver agent(program, pair.agent_options(controller.port()));
    REQUIRE(agent.ready());
    agent.tell("confirm ctl VT0001 7");
    CHECK(controller.wait_for("message") == "message host-a confirmation host-a VT0001 7 1");
    CHECK_FALSE(agent.wait_for("acknowledged ctl VT0001 7").empty());
    agent.tell("started ctl 12");
    CHECK(controller.wait_for("message") == "message host-a started host-a 12");

    agent.tell("confirm ctl VT0002 8 host-b");
    CHECK(eventually([&] { return controller.count("refused_name") >= 1; }));
    agent.tell("notice ctl VT0003 9");
    CHECK(eventually([&] { return controller.count("refused_role") >= 1; }));
    CHECK(controller.count("messages_delivered") == 2);
}
