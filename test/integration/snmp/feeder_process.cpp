// A MibFeeder in a process of its own, for tests: arguments PROGRAM STATE_DIR KEY_FILE [AGENTX
// SOCKET]. Says what its helper does and what is set; on standard input "grow" adds a drive,
// "drives N" makes it N, "counts" asks for its counts. Drive VT1001 refuses every change; a drive
// is added meanwhile, and the helper gets the refusal and the new tables in one piece. With the
// reason "at the other node" nothing can be changed here.

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/read_until.hpp>
#include <asio/steady_timer.hpp>
#include <asio/streambuf.hpp>
#include <csignal>
#include <iostream>
#include <string>

#include "snmp_mib/mib_feeder.hpp"

namespace {

using namespace snmp_mib;
using namespace agent::core;

constexpr auto stubborn_drive = "VT1001";
constexpr auto elsewhere_reason = "at the other node";

MibSnapshot snapshot(unsigned drives) {
    MibSnapshot result;
    result.scalars.controller = "ctl";
    result.scalars.version = "0.1.0";
    result.scalars.started_at = {1'770'000'000'000};
    result.scalars.epoch = 3;
    for (unsigned i = 0; i < drives; ++i) {
        MibDrive drive;
        drive.view.record.drive.text = "VT" + std::to_string(1000 + i);
        drive.view.record.reservation = {ReservationState::reserved,
                                         ReservationKind::reserve6,
                                         {},
                                         {{Transport::fc, "2100000e1e09a1b0", "", ""}}};
        drive.view.record.since = {1'770'000'000'000};
        drive.vendor = "IBM";
        drive.element_address = static_cast<std::uint16_t>(256 + i);
        result.drives.push_back(drive);
    }
    MibAgent agent;
    agent.view.record.agent = "host-a";
    agent.view.record.state = AgentState::started;
    agent.address = "udp:127.0.0.1:10162";
    result.agents.push_back(agent);
    result.handshakes.push_back({{"VT1000"}, "host-a", {3, 7}, {3, 6}, {1'500}, 2, true, ""});
    result.events.push_back(
        {1, {{1'770'000'000'000}, Severity::warning, "LRA2003", {"VT1000"}, "host-a", {}, "text"}});
    result.alarms.push_back({{AlarmKind::drive_forced_offline, {"VT1000"}, ""},
                             Severity::critical,
                             {1'770'000'000'000},
                             "why"});
    result.consumers.push_back({"udp:192.0.2.50:162",
                                ConsumerVersion::v3,
                                Delivery::inform,
                                1,
                                40,
                                2,
                                7,
                                {1'770'000'000'000},
                                "it does not answer"});
    return result;
}

}  // namespace

int main(int argc, char* argv[]) {
    asio::io_context loop;
    unsigned drives = 2;
    MibFeederConfiguration configuration;
    configuration.program = argv[1];
    configuration.state_dir = argv[2];
    if (argc > 4) {
        configuration.agentx = argv[4];
    } else {
        configuration.listen = "udp:127.0.0.1:0";
    }
    for (const char* name : {"reader", "noc"}) {
        configuration.users.push_back(
            {.name = name, .authentication_key_file = argv[3], .privacy_key_file = argv[3]});
    }
    configuration.writers = {"noc"};
    configuration.interval_ms = 50;
    configuration.restart_first_ms = 50;
    std::uint64_t held_at_snapshot = 0;  // the helper is stopped until there is one more
    MibFeeder* fed = nullptr;
    MibFeeder feeder(
        loop, configuration, [&] { return snapshot(drives); },
        [](const std::string& trouble) { std::cout << "trouble " << trouble << std::endl; },
        [&](const DriveChange& change) -> Outcome {
            if (change.only_ask) {
                if (change.reason != elsewhere_reason) return Nothing{};
                std::cout << "asked by " << change.user << "@" << change.address << std::endl;
                return Error{"the other one serves"};
            }
            std::cout << "change " << change.drive << (change.offline ? " offline " : " available ")
                      << change.user << "@" << change.address << ": " << change.reason << std::endl;
            if (change.drive != stubborn_drive) return Nothing{};
            held_at_snapshot = fed->status().snapshots_sent;
            ::kill(fed->status().pid, SIGSTOP);
            ++drives;
            fed->changed();
            return Error{"not this one"};
        });
    fed = &feeder;
    const Outcome started = feeder.start();
    if (!started) {
        std::cout << "error " << started.error().message << std::endl;
        return 1;
    }
    asio::steady_timer tick(loop);
    std::string said;
    std::function<void()> look = [&] {
        const MibFeederStatus status = feeder.status();
        const std::string now = "status " + std::to_string(status.pid) + " " +
                                std::to_string(status.listen_port) + " " +
                                std::to_string(status.snapshots_sent) +
                                (status.master_connected ? " master" : "");
        if (now != said) std::cout << (said = now) << std::endl;
        if (held_at_snapshot != 0 && status.snapshots_sent > held_at_snapshot) {
            held_at_snapshot = 0;
            ::kill(status.pid, SIGCONT);
        }
        tick.expires_after(std::chrono::milliseconds(10));
        tick.async_wait([&](const asio::error_code& error) {
            if (!error) look();
        });
    };
    look();
    asio::posix::stream_descriptor input(loop, 0);
    asio::streambuf buffer;
    std::function<void()> listen = [&] {
        asio::async_read_until(
            input, buffer, '\n', [&](const asio::error_code& error, std::size_t length) {
                if (error) {
                    loop.stop();
                    return;
                }
                std::istream stream(&buffer);
                std::string line;
                std::getline(stream, line);
                static_cast<void>(length);
                if (line == "counts") {
                    std::cout << "counts";
                    for (const auto& [what, n] : feeder.status().counts)
                        std::cout << ' ' << what << '=' << n;
                    std::cout << std::endl;
                } else {
                    drives = line.starts_with("drives ")
                                 ? static_cast<unsigned>(std::stoul(line.substr(7)))
                                 : drives + 1;
                    feeder.changed();
                }
                listen();
            });
    };
    listen();
    loop.run();
    return 0;
}
