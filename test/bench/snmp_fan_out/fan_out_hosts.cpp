// The hosts of the benchmark: N sockets on addresses of their own, in one process, each an SNMP
// engine of its own.
//
//   snmp_fan_out_hosts N echo                            sends every datagram back
//   snmp_fan_out_hosts N answer FOLDER [KEY]             acknowledges informs, as the product does;
//                                                        KEY: the users' master key in hexadecimal
//   snmp_fan_out_hosts N quick FOLDER                    the same at next to no cost
//   snmp_fan_out_hosts N confirm FOLDER PORT ENGINE BOOTS ROUNDS  quick, and a confirmation for
//   each notice, made beforehand, to the controller there
//
// Says "ready" and ends with its input.

#include <arpa/inet.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "snmp_mib/engine_state.hpp"
#include "snmp_mib/notice_codec.hpp"
#include "snmp_mib/snmp_library.hpp"
#include "snmp_mib/snmp_message.hpp"
#include "snmp_mib/usm_users.hpp"
#include "test/bench/snmp_fan_out/fan_out_peers.hpp"
#include "test/bench/snmp_fan_out/quick_engine.hpp"

namespace {

using namespace snmp_mib;

[[noreturn]] void give_up(const std::string& why) {
    std::fprintf(stderr, "snmp_fan_out_hosts: %s\n", why.c_str());
    std::exit(1);
}

sockaddr_in address_of(const std::string& host, std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    ::inet_pton(AF_INET, host.c_str(), &address.sin_addr);
    return address;
}

int open_socket(std::size_t host) {
    const int descriptor = ::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const sockaddr_in address = address_of(fan_out::host_address(host), fan_out::hosts_port);
    if (descriptor < 0 ||
        ::bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        give_up("can not bind " + fan_out::host_address(host));
    return descriptor;
}

struct Controller {
    sockaddr_in address{};
    std::string engine_id;  // empty: nothing is confirmed
};

void become_engines(std::size_t hosts, const std::string& folder, const std::string& master_key) {
    const auto identity = next_engine_identity(folder, "");
    if (!identity) give_up(identity.error().message);
    const auto prepared = prepare_snmp_library({"hosts", folder, *identity, [](const auto&) {}});
    if (!prepared || !start_snmp_library()) give_up("the SNMP library does not start");
    for (std::size_t i = 0; i < hosts; ++i) {
        UsmUserKeys keys;
        keys.name = fan_out::host_name(i);
        keys.authentication_master = master_key;
        keys.privacy_master = master_key;
        if (!add_user(keys, fan_out::host_engine_id(i))) give_up("no user");
        // The library has one engine of its own; the others it has to have heard of.
        set_engine_clock(fan_out::host_engine_id(i), 0, 0, true);
    }
}

void become_agents(std::size_t hosts, const Controller& controller, std::uint32_t boots) {
    set_engine_clock(controller.engine_id, boots, 1, true);
    for (std::size_t i = 0; i < hosts; ++i) {
        UsmUserKeys keys;
        keys.name = fan_out::host_name(i);
        keys.authentication_master = fan_out::master_key();
        keys.privacy_master = fan_out::master_key();
        if (!add_user(keys, controller.engine_id)) give_up("no user");
    }
}

void send_to(int descriptor, const std::string& datagram, const sockaddr_in& to) {
    ::sendto(descriptor, datagram.data(), datagram.size(), 0,
             reinterpret_cast<const sockaddr*>(&to), sizeof to);
}

std::string confirmation_of(std::size_t host, const Controller& controller) {
    static std::int32_t id = 1;
    const agent::core::Confirmation confirmation{{3, 1},
                                                 "lra",
                                                 fan_out::host_name(host),
                                                 {"VT00000001"},
                                                 agent::core::ConfirmationResult::set_offline,
                                                 ""};
    auto inform = encode_message(
        V3Notification{true, ++id, id, controller.engine_id, fan_out::host_name(host)},
        encode(AgentMessage{NoticeConfirmation{confirmation}}, {0}));
    if (!inform) give_up(inform.error().message);
    return std::move(inform).value();
}

struct QuickHost {
    fan_out::QuickEngine own;  // of an inform, the receiver's is the engine that counts
    std::optional<fan_out::QuickEngine> controller;
    std::vector<std::string> confirmations;
    std::size_t confirmed = 0;
};

// Each confirmation is sent once: what was taken is not taken again.
std::vector<QuickHost> quick_hosts(std::size_t hosts, const Controller& controller,
                                   std::size_t rounds) {
    std::vector<QuickHost> quick;
    for (std::size_t i = 0; i < hosts; ++i) {
        quick.push_back({{fan_out::master_key(), fan_out::host_engine_id(i)}, {}, {}, 0});
        if (controller.engine_id.empty()) continue;
        quick.back().controller.emplace(fan_out::master_key(), controller.engine_id);
        for (std::size_t round = 0; round < rounds; ++round)
            quick.back().confirmations.push_back(confirmation_of(i, controller));
    }
    return quick;
}

void take_quickly(int descriptor, QuickHost& host, std::span<std::uint8_t> datagram,
                  const sockaddr_in& from, const Controller& controller) {
    const Envelope envelope = envelope_of(datagram);
    const auto* v3 = std::get_if<V3Envelope>(&envelope);
    if (v3 == nullptr) return;
    const bool controllers = v3->authoritative_engine_id == controller.engine_id;
    if (controllers && !host.controller) return;
    auto& engine = controllers ? *host.controller : host.own;
    const fan_out::PduType type = engine.open(datagram);
    if (type == fan_out::PduType::inform) {
        engine.answer(datagram);
        ::sendto(descriptor, datagram.data(), datagram.size(), 0,
                 reinterpret_cast<const sockaddr*>(&from), sizeof from);
    }
    const bool is_notice = type == fan_out::PduType::inform || type == fan_out::PduType::trap;
    if (is_notice && !host.confirmations.empty()) {
        send_to(descriptor, host.confirmations[host.confirmed++ % host.confirmations.size()],
                controller.address);
    }
}

void take(int descriptor, std::span<const std::uint8_t> datagram, const sockaddr_in& from) {
    ReceivedMessage message = ReceivedMessage::decode(datagram);
    if (!message.authenticated_and_encrypted() ||
        message.command() != ReceivedMessage::Command::inform)
        return;
    if (const auto response = message.response()) send_to(descriptor, *response, from);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) {
        give_up(
            "N echo | N answer FOLDER | N quick FOLDER | N confirm FOLDER PORT ENGINE BOOTS "
            "ROUNDS");
    }
    const std::size_t hosts =
        std::min<std::size_t>(std::strtoul(argv[1], nullptr, 10), fan_out::hosts_max);
    const std::string how = argv[2];
    Controller controller;
    std::string master_key = fan_out::master_key();
    if (how == "answer" && argc > 4) master_key = from_hexadecimal(argv[4]).value_or(master_key);
    if (how == "answer" || how == "confirm") become_engines(hosts, argv[3], master_key);
    const std::size_t rounds = argc > 7 ? std::strtoul(argv[7], nullptr, 10) : 1;
    if (argc > 6) {
        controller.address =
            address_of("127.0.0.1", static_cast<std::uint16_t>(std::atoi(argv[4])));
        controller.engine_id = from_hexadecimal(argv[5]).value_or("");
        become_agents(hosts, controller, static_cast<std::uint32_t>(std::atoi(argv[6])));
    }
    std::vector<QuickHost> quick;
    if (how == "quick" || how == "confirm") quick = quick_hosts(hosts, controller, rounds);
    const int poller = ::epoll_create1(EPOLL_CLOEXEC);
    std::vector<int> sockets;
    for (std::size_t i = 0; i < hosts; ++i) {
        sockets.push_back(open_socket(i));
        epoll_event wanted{.events = EPOLLIN, .data = {.u64 = i}};
        ::epoll_ctl(poller, EPOLL_CTL_ADD, sockets.back(), &wanted);
    }
    epoll_event input{.events = EPOLLIN, .data = {.u64 = hosts}};
    ::epoll_ctl(poller, EPOLL_CTL_ADD, STDIN_FILENO, &input);
    std::puts("ready");
    std::fflush(stdout);
    std::array<epoll_event, 64> ready{};
    std::array<std::uint8_t, 8'192> buffer{};
    for (;;) {
        const int count = ::epoll_wait(poller, ready.data(), static_cast<int>(ready.size()), -1);
        for (int i = 0; i < count; ++i) {
            const auto host =
                static_cast<std::size_t>(ready.at(static_cast<std::size_t>(i)).data.u64);
            if (host == hosts) return 0;
            sockaddr_in from{};
            socklen_t length = sizeof from;
            const ssize_t size = ::recvfrom(sockets[host], buffer.data(), buffer.size(), 0,
                                            reinterpret_cast<sockaddr*>(&from), &length);
            if (size <= 0) continue;
            const auto datagram = std::span(buffer).first(static_cast<std::size_t>(size));
            if (!quick.empty()) {
                take_quickly(sockets[host], quick[host], datagram, from, controller);
            } else if (how == "echo") {
                ::sendto(sockets[host], datagram.data(), datagram.size(), 0,
                         reinterpret_cast<const sockaddr*>(&from), length);
            } else {
                take(sockets[host], datagram, from);
            }
        }
    }
}
