// Somebody sets the wall clock of a controller, or of an agent: time windows (RFC 3414 2.2.3) hold
// all the same, since an engine's time is not the wall clock's.

#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>

#include "test/integration/snmp/channel_driver.hpp"
#include "test/integration/snmp/datagrams.hpp"
#include "test/support/catch.hpp"

namespace {

constexpr auto program = SNMP_CHANNEL_PROCESS;
constexpr long day = 86'400;

void set_clock(const std::string& file, long seconds) {
    std::ofstream(file, std::ios::trunc) << seconds << std::flush;
}

// Programs started while it lives have the clock that set_clock() sets.
class SettableClock {
  public:
    explicit SettableClock(const std::string& file) {
        ::setenv("LD_PRELOAD", LRA_STEPPED_CLOCK, 1);
        ::setenv("LRA_CLOCK_STEP", file.c_str(), 1);
        ::setenv("ASAN_OPTIONS", "verify_asan_link_order=0", 0);  // ours is no part of it
    }
    ~SettableClock() {
        ::unsetenv("LD_PRELOAD");
        ::unsetenv("LRA_CLOCK_STEP");
    }
    SettableClock(const SettableClock&) = delete;
    SettableClock& operator=(const SettableClock&) = delete;
};

}  // namespace

TEST_CASE("a step of the wall clock of either side disturbs no message") {
    const TemporaryFolder folder;
    const std::string key = folder.file("key", "passphrase correct horse battery\n");
    const std::string controller_clock = folder.path("controller-clock");
    const std::string agent_clock = folder.path("agent-clock");
    const UdpSocket nobody;
    const auto start_controller = [&](std::uint16_t agent_port) {
        const SettableClock clock(controller_clock);
        return ChannelDriver(
            program,
            {"role controller", "name ctl", "state " + folder.folder("ctl"), "user host-a " + key,
             "peer host-a udp:127.0.0.1:" + std::to_string(agent_port) + " host-a"});
    };
    ChannelDriver controller = start_controller(nobody.port());
    REQUIRE(controller.ready());
    const auto agent = [&] {
        const SettableClock clock(agent_clock);
        return std::make_unique<ChannelDriver>(
            program,
            std::vector<std::string>{
                "role agent", "name host-a", "state " + folder.folder("agent"),
                "user host-a " + key,
                "peer ctl udp:127.0.0.1:" + std::to_string(controller.port()) + " host-a"});
    }();
    REQUIRE(agent->ready());
    int sequence = 1;
    const auto confirmed = [&] {
        const std::string number = std::to_string(sequence++);
        agent->tell("confirm ctl VT0001 " + number);
        return controller.wait_for("message") ==
                   "message host-a confirmation host-a VT0001 " + number + " 1" &&
               !agent->wait_for("acknowledged ctl VT0001 " + number).empty();
    };
    CHECK(confirmed());
    const std::uint64_t out_of_step = controller.count("refused_time_window");
    for (const long seconds : {day, -day, 365 * day, 0L}) {
        INFO("clock set by " << seconds << " s");
        set_clock(controller_clock, seconds);
        CHECK(confirmed());
        set_clock(agent_clock, -seconds);
        CHECK(confirmed());
    }
    CHECK(controller.count("refused_time_window") == out_of_step);

    // Started anew a year in the past: boots rise all the same, and the agent is in step at once.
    set_clock(controller_clock, -365 * day);
    const unsigned boots = controller.boots();
    controller.end();
    ChannelDriver again = start_controller(nobody.port());
    REQUIRE(again.ready());
    CHECK(again.boots() == boots + 1);
}
