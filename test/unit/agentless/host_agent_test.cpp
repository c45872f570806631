#include "agent/agentless/host_agent.hpp"

#include <thread>

#include <asio/steady_timer.hpp>

#include "test/unit/agentless/played_hosts.hpp"

using namespace agentless_test;
using core::HolderRequest;

namespace {

constexpr std::uint64_t first_release_number = (std::uint64_t{1} << 63U) + 1;  // as lrad has it

core::HolderInquiry inquiry_of(std::uint64_t sequence, HolderRequest request) {
    return {{1, sequence}, "lra-a", {"VT1"}, request};
}

std::vector<std::uint64_t> answered_inquiries(const PlayedHosts& played) {
    std::vector<std::uint64_t> numbers;
    for (const auto& message : played.said) {
        if (const auto* one = std::get_if<snmp_mib::HolderStatementMessage>(&message))
            numbers.push_back(one->statement.id.sequence);
    }
    return numbers;
}

}  // namespace

TEST_CASE("a host without an agent answers ordinary questions after a request to release") {
    PlayedHosts played;
    played.start();
    const auto ask = [&](std::uint64_t sequence, HolderRequest request) {
        played.host().deliver(snmp_mib::HolderInquiryMessage{inquiry_of(sequence, request)});
        played.settle();
    };
    ask(1, HolderRequest::tell);
    ask(first_release_number, HolderRequest::release);
    ask(2, HolderRequest::tell);
    CHECK(answered_inquiries(played) == std::vector<std::uint64_t>{1, first_release_number, 2});
    ask(2, HolderRequest::tell);
    ask(1, HolderRequest::tell);
    CHECK(answered_inquiries(played).size() == 3);
}

TEST_CASE("shorter limits do not shorten what was begun under longer ones") {
    PlayedHosts played;
    played.remember_online_command("VT1");
    played.agent["application"]["timeout_ms"] = 600'000;
    played.start();
    for (const int limit_ms : {60'000, 30'000}) {
        played.agent["application"]["timeout_ms"] = limit_ms;
        REQUIRE(played.hosts->follow(played.configuration()).ok());
        played.settle();
    }
    played.hosts.reset();
    const auto events = played.store().events({.newest_first = false}).value();
    REQUIRE(events.size() == 3);
    for (const auto& event : events) {
        CHECK(event.record.message == "DSA5230");
        CHECK(event.record.text == events.front().record.text);
        CHECK_THAT(event.record.text, ContainsSubstring("for up to 1230 s"));
    }
}

TEST_CASE("a found drive that the profile does not fit is left out, and nothing else is") {
    PlayedHosts played;
    played.agent["drives"] = "discover";
    played.agent["ports"] = "discover";
    played.agent["application"]["offline"].push_back("--note={device}");
    played.remember("port fc:2100000e1e09a1bf\ndrive VT1 /dev/nst0\ndrive OTHER1\n");
    played.start();
    CHECK(played.host().begun());
    CHECK(played.host().completed().host.ports.size() == 1);
    REQUIRE(played.host().completed().drives.size() == 1);
    CHECK(played.host().completed().drives[0].serial.text == "VT1");
    REQUIRE(played.unused.size() == 1);
    CHECK(played.unused[0].drive.text == "OTHER1");
    CHECK_THAT(played.unused[0].why, ContainsSubstring("application.offline"));
    CHECK(played.host().unused() == played.unused);
}

TEST_CASE("of the same refusal over and over the first is in the audit trail") {
    PlayedHosts played;
    played.start();
    int answers = 0;
    for (int times = 0; times < 3; ++times) {
        played.host().application().call({"VT1"}, core::ApplicationAction::set_offline,
                                         [&](const host::ProgramCall&) { ++answers; });
        played.settle();
    }
    CHECK(answers == 3);
    REQUIRE(played.audit.size() == 1);
    CHECK_THAT(played.audit[0].reason,
               ContainsSubstring("agent backup3 over ssh: set_offline VT1"));
}

TEST_CASE("a host whose handler waits in the loop may go") {
    asio::io_context loop;
    agentless::SshSlots slots(4, 4);
    runtime::AgentlessConfiguration configuration;
    configuration.ssh.key_file = "/no/such/key";
    configuration.ssh.look_interval = {1};
    agentless::ContactBook book([](core::HostContact::State, const std::string&) {});
    int looks_made = 0;
    std::optional<agentless::HostLooks> looks;
    looks.emplace(loop, configuration, "/nonexistent/found", "", slots, book,
                  [&](const agentless::Looked&) { ++looks_made; });
    looks->start();
    while (looks_made == 0)
        loop.run_one();
    // Both timers are due when the loop looks next, so both handlers are queued when the first
    // runs.
    asio::steady_timer before(loop, std::chrono::steady_clock::time_point());
    before.async_wait([&](const std::error_code&) { looks.reset(); });
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    loop.run();
    CHECK(looks_made == 1);
}
