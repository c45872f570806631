// The host of a peer that the configuration names gets another address while both run.

#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "test/integration/snmp/channel_driver.hpp"
#include "test/integration/snmp/datagrams.hpp"
#include "test/support/catch.hpp"

namespace {

constexpr auto program = SNMP_CHANNEL_PROCESS;

// A controller that knows its agent as "moving-host".
class MovingAgent {
  public:
    MovingAgent() {
        say_address("127.0.0.1");
        ::setenv("LD_PRELOAD", LRA_NAMED_HOSTS, 1);
        ::setenv("LRA_NAMED_HOST", folder_.path("address").c_str(), 1);
        ::setenv("ASAN_OPTIONS", "verify_asan_link_order=0", 0);  // ours is no part of it
        const UdpSocket free_port;
        agent_port_ = free_port.port();
        controller = std::make_unique<ChannelDriver>(
            program, std::vector<std::string>{
                         "role controller", "name ctl", "state " + folder_.folder("ctl"),
                         "user host-a " + key_, "listen udp:0.0.0.0:0", "attempts 20",
                         "peer host-a udp:moving-host:" + std::to_string(agent_port_) + " host-a"});
        ::unsetenv("LD_PRELOAD");
        ::unsetenv("LRA_NAMED_HOST");
    }

    void start_agent_at(const std::string& address) {
        agent = std::make_unique<ChannelDriver>(
            program,
            std::vector<std::string>{
                "role agent", "name host-a", "state " + folder_.folder("agent"),
                "user host-a " + key_, "attempts 20",
                "listen udp:" + address + ":" + std::to_string(agent_port_),
                "peer ctl udp:127.0.0.1:" + std::to_string(controller->port()) + " host-a"});
        REQUIRE(agent->ready());
    }

    // To 127.0.0.2, after a notice and its acknowledgement at 127.0.0.1.
    void move() {
        start_agent_at("127.0.0.1");
        controller->tell("notice host-a VT0001 1");
        REQUIRE_FALSE(controller->wait_for("acknowledged host-a VT0001 1").empty());
        agent->end();
        say_address("127.0.0.2");
        start_agent_at("127.0.0.2");
    }

    std::unique_ptr<ChannelDriver> controller;
    std::unique_ptr<ChannelDriver> agent;

  private:
    void say_address(const std::string& address) {
        std::ofstream(folder_.path("address"), std::ios::trunc) << address << std::flush;
    }

    TemporaryFolder folder_;
    std::string key_ = folder_.file("key", "passphrase correct horse battery\n");
    std::uint16_t agent_port_ = 0;
};

}  // namespace

TEST_CASE("a configuration that is read again resolves the names of peers again") {
    MovingAgent host;
    REQUIRE(host.controller->ready());
    host.move();
    host.controller->tell("add_peer host-b udp:127.0.0.1:9 host-a");
    CHECK_FALSE(host.controller->wait_for("has another address now, 127.0.0.2").empty());
    host.controller->tell("notice host-a VT0001 2");
    CHECK_FALSE(host.controller->wait_for("acknowledged host-a VT0001 2", 3'000).empty());
    host.agent->tell("confirm ctl VT0001 2");
    CHECK_FALSE(host.controller->wait_for("message host-a confirmation").empty());
}

TEST_CASE("a message that is not answered finds the peer at its new address") {
    MovingAgent host;
    REQUIRE(host.controller->ready());
    host.move();
    host.controller->tell("notice host-a VT0001 2");
    CHECK_FALSE(host.controller->wait_for("acknowledged host-a VT0001 2", 20'000).empty());
}

TEST_CASE("a peer that speaks from its new address first is heard") {
    MovingAgent host;
    REQUIRE(host.controller->ready());
    host.move();
    host.agent->tell("confirm ctl VT0001 1");
    CHECK_FALSE(host.controller->wait_for("message host-a confirmation", 20'000).empty());
}
