#include "agent/host/device_events.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <string>

#include <asio/io_context.hpp>

#include "test/support/catch.hpp"

using agent::host::concerns_drives_or_ports;
using agent::host::device_event_from;
using agent::host::DeviceEvent;
using agent::host::DeviceEvents;
using namespace std::chrono_literals;

namespace {

// Of the form that the kernel sends (test/kernel/scenarios/hotplug.sh has the real ones).
const std::string tape_came = [] {
    using namespace std::string_literals;
    return "add@/devices/pseudo_0/tcm_loop_adapter_0/host2/target2:0:1/2:0:1:0/scsi_tape/nst0\0"s +
           "ACTION=add\0"s +
           "DEVPATH=/devices/pseudo_0/tcm_loop_adapter_0/host2/target2:0:1/2:0:1:0/scsi_tape/"
           "nst0\0"s +
           "SUBSYSTEM=scsi_tape\0MAJOR=9\0MINOR=128\0DEVNAME=nst0\0SEQNUM=1234\0"s;
}();
// Seen on a host.
const std::string port_left = [] {
    using namespace std::string_literals;
    return "remove@/devices/virtual/net/vcap1\0ACTION=remove\0DEVPATH=/devices/virtual/net/vcap1\0"
           "SUBSYSTEM=net\0INTERFACE=vcap1\0IFINDEX=7\0SEQNUM=866\0"s;
}();

struct Listening {
    explicit Listening(DeviceEvents::Pauses pauses = {{20}, {100}}) {
        REQUIRE(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
        events.emplace(loop, ends[1], pauses, [this] { ++told; });
    }
    ~Listening() { ::close(ends[0]); }
    void send(const std::string& message) const {
        REQUIRE(::send(ends[0], message.data(), message.size(), 0) ==
                static_cast<ssize_t>(message.size()));
    }

    // Until it is told `times` in all; a slow machine takes as long as it takes.
    void run_until_told(int times) {
        const auto deadline = std::chrono::steady_clock::now() + 20s;
        while (told < times && std::chrono::steady_clock::now() < deadline)
            loop.run_one_until(deadline);
    }

    std::array<int, 2> ends{};
    asio::io_context loop;
    int told = 0;
    std::optional<DeviceEvents> events;
};

}  // namespace

TEST_CASE("a message of the kernel says what happened to which device of which kind") {
    const auto event = device_event_from(tape_came);
    REQUIRE(event);
    CHECK(
        *event ==
        DeviceEvent{"add",
                    "/devices/pseudo_0/tcm_loop_adapter_0/host2/target2:0:1/2:0:1:0/scsi_tape/nst0",
                    "scsi_tape"});
    CHECK(concerns_drives_or_ports(*event));
    REQUIRE(device_event_from(port_left));
    CHECK(device_event_from(port_left)->action == "remove");
    CHECK_FALSE(concerns_drives_or_ports(*device_event_from(port_left)));
}

TEST_CASE("what is no message of the kernel, or half a one, is none") {
    CHECK_FALSE(device_event_from(""));
    CHECK_FALSE(device_event_from("@"));
    CHECK_FALSE(device_event_from("add@"));
    CHECK_FALSE(device_event_from("@/devices/x"));
    CHECK_FALSE(device_event_from(std::string("libudev\0\xfe\xed\xca\xfe", 12)));
    CHECK_FALSE(device_event_from(std::string("add@/devices/x\0SUBSYSTEM=\0", 26)));
    const std::size_t complete = tape_came.find("SUBSYSTEM=scsi_tape") + 19;
    for (std::size_t size = 0; size < tape_came.size(); ++size) {
        const auto event = device_event_from(std::string_view(tape_came).substr(0, size));
        INFO(size);
        if (size >= complete) {
            REQUIRE(event);
            CHECK(event->subsystem == "scsi_tape");
        } else if (event) {
            CHECK_FALSE(concerns_drives_or_ports(*event));
        }
    }
}

TEST_CASE("many events in a row are told once, when it is quiet") {
    // Quiet for longer than a busy machine needs to read them all.
    Listening kernel({{400}, {10'000}});
    for (int count = 0; count < 50; ++count)
        kernel.send(tape_came);
    kernel.run_until_told(1);
    kernel.loop.poll();  // no timer is set any more: whatever else was to be told is due
    CHECK(kernel.told == 1);
    kernel.send(tape_came);
    kernel.run_until_told(2);
    CHECK(kernel.told == 2);
}

TEST_CASE("events that never stop are told all the same") {
    Listening kernel;
    const auto until = std::chrono::steady_clock::now() + 20s;
    while (kernel.told == 0 && std::chrono::steady_clock::now() < until) {
        kernel.send(tape_came);
        kernel.loop.run_for(5ms);
    }
    CHECK(kernel.told >= 1);
}

TEST_CASE("what has nothing to do with tape drives and ports is not told") {
    Listening kernel;
    kernel.send(port_left);
    kernel.send("nonsense");
    kernel.send(std::string(20'000, 'x'));
    kernel.loop.run_for(60ms);
    CHECK(kernel.told == 0);
    kernel.send(tape_came);
    kernel.run_until_told(1);
    CHECK(kernel.told == 1);
}

TEST_CASE("who has stopped listening is told nothing more") {
    Listening kernel;
    kernel.send(tape_came);
    kernel.events.reset();
    kernel.loop.run_for(60ms);
    CHECK(kernel.told == 0);
    // Also when the pause had begun.
    Listening waiting({{1'000}, {1'000}});
    waiting.send(tape_came);
    waiting.loop.run_one_for(20s);
    waiting.events.reset();
    waiting.loop.run_for(60ms);
    CHECK(waiting.told == 0);
}

TEST_CASE("the kernel's socket can be opened, or it is said why not") {
    asio::io_context loop;
    const auto listening = DeviceEvents::listen(loop, [] {});
    if (!listening) {
        CHECK_THAT(listening.error().message, ContainsSubstring("netlink socket: "));
        return;
    }
    loop.run_for(1ms);
}
