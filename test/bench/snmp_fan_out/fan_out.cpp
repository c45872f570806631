// How long does it take to tell N hosts? fan_out.py runs the parts beside each other.
//
//   snmp_fan_out floor N ROUNDS              datagrams of the same size, there and back
//   snmp_fan_out inform N ROUNDS FOLDER [DEAD] [DRIVES]  notices as SNMPv3 informs until all are
//   acknowledged; the last DEAD hosts do not exist and are not waited for; DRIVES (1) notices each
//   snmp_fan_out handshake N ROUNDS FOLDER   and until every host's confirmation has come as well
//   snmp_fan_out trap N ROUNDS FOLDER        notices as traps, until every confirmation has come
//   snmp_fan_out sessions N ROUNDS FOLDER    Net-SNMP's API, a session for each host
//
// It starts snmp_fan_out_hosts, which stands beside it.

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <asio/io_context.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "snmp_mib/engine_state.hpp"
#include "snmp_mib/snmp_message.hpp"
#include "snmp_mib/snmp_notice_channel.hpp"
#include "test/bench/snmp_fan_out/fan_out_peers.hpp"
#include "test/bench/snmp_fan_out/library_sessions.hpp"

namespace {

using namespace snmp_mib;
using fan_out::Clock;

constexpr std::size_t datagram_size = 368;  // a usual notice with SNMPv3 (docs/SNMP.md)
constexpr auto round_patience = std::chrono::seconds(20);

// The hosts' process; ends with this object.
class Hosts {
  public:
    explicit Hosts(std::vector<std::string> arguments) {
        std::array<int, 2> in{};
        std::array<int, 2> out{};
        if (::pipe(in.data()) != 0 || ::pipe(out.data()) != 0) std::exit(1);
        pid_ = ::fork();
        if (pid_ == 0) {
            ::dup2(in[0], STDIN_FILENO);
            ::dup2(out[1], STDOUT_FILENO);
            for (const int fd : {in[0], in[1], out[0], out[1]})
                ::close(fd);
            std::array<char, 4'096> self{};
            const ssize_t length = ::readlink("/proc/self/exe", self.data(), self.size() - 1);
            std::string program(self.data(),
                                static_cast<std::size_t>(std::max<ssize_t>(length, 0)));
            program += "_hosts";
            std::vector<char*> argv{program.data()};
            for (std::string& word : arguments)
                argv.push_back(word.data());
            argv.push_back(nullptr);
            ::execv(program.c_str(), argv.data());
            std::_Exit(127);
        }
        ::close(in[0]);
        ::close(out[1]);
        input_ = in[1];
        char byte = 0;
        while (::read(out[0], &byte, 1) == 1 && byte != '\n') {
        }
        ::close(out[0]);
        if (byte != '\n') std::exit(1);
    }
    ~Hosts() {
        ::close(input_);
        ::waitpid(pid_, nullptr, 0);
    }
    Hosts(const Hosts&) = delete;
    Hosts& operator=(const Hosts&) = delete;

  private:
    pid_t pid_ = -1;
    int input_ = -1;
};

double ms_since(Clock::time_point begin) {
    return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

// At most as many on their way as a default socket buffer holds; the same batches both ways.
int floor_exchange(std::size_t hosts, std::size_t rounds) {
    const Hosts echo({std::to_string(hosts), "echo"});
    const int descriptor = ::socket(AF_INET, SOCK_DGRAM, 0);
    constexpr std::size_t batch = 32;
    constexpr std::size_t window = 64;
    std::vector<sockaddr_in> addresses(hosts);
    for (std::size_t i = 0; i < hosts; ++i) {
        addresses[i].sin_family = AF_INET;
        addresses[i].sin_port = htons(fan_out::hosts_port);
        ::inet_pton(AF_INET, fan_out::host_address(i).c_str(), &addresses[i].sin_addr);
    }
    std::array<std::array<char, datagram_size>, batch> out{};
    std::array<std::array<char, 2'048>, batch> in{};
    std::array<iovec, batch> in_pieces{};
    std::array<mmsghdr, batch> in_headers{};
    for (std::size_t i = 0; i < batch; ++i) {
        in_pieces[i] = {in[i].data(), in[i].size()};
        in_headers[i].msg_hdr.msg_iov = &in_pieces[i];
        in_headers[i].msg_hdr.msg_iovlen = 1;
    }
    std::vector<double> took;
    std::chrono::microseconds cpu{};
    for (std::size_t round = 0; round < rounds; ++round) {
        const auto begin = Clock::now();
        const auto cpu_before = fan_out::processor_time();
        std::size_t sent = 0;
        std::size_t received = 0;
        while (received < hosts) {
            std::array<iovec, batch> pieces{};
            std::array<mmsghdr, batch> headers{};
            unsigned count = 0;
            while (count < batch && sent + count < hosts && sent + count - received < window) {
                pieces[count] = {out[count].data(), datagram_size};
                headers[count].msg_hdr.msg_name = &addresses[sent + count];
                headers[count].msg_hdr.msg_namelen = sizeof(sockaddr_in);
                headers[count].msg_hdr.msg_iov = &pieces[count];
                headers[count].msg_hdr.msg_iovlen = 1;
                ++count;
            }
            if (count > 0) {
                sent += static_cast<std::size_t>(
                    std::max(0, ::sendmmsg(descriptor, headers.data(), count, 0)));
            }
            const int got =
                ::recvmmsg(descriptor, in_headers.data(), batch, MSG_WAITFORONE, nullptr);
            received += static_cast<std::size_t>(std::max(0, got));
        }
        cpu += fan_out::processor_time() - cpu_before;
        took.push_back(ms_since(begin));
    }
    fan_out::print_rounds(std::move(took), cpu, hosts);
    return 0;
}

std::string write_key_file(const std::string& folder) {
    const std::string path = folder + "/key";
    ::umask(0077);
    std::ofstream(path) << "master " << to_hexadecimal(fan_out::master_key()) << "\n";
    return path;
}

SnmpChannelConfiguration channel_configuration(std::size_t hosts, const std::string& folder) {
    const std::string key = write_key_file(folder);
    SnmpChannelConfiguration configuration;
    configuration.own_name = "lra";
    configuration.listen = "udp:127.0.0.1:0";
    configuration.state_dir = folder;
    for (std::size_t i = 0; i < hosts; ++i) {
        const std::string name = fan_out::host_name(i);
        configuration.users.push_back(
            {.name = name, .authentication_key_file = key, .privacy_key_file = key});
        configuration.peers.push_back(
            {name, "udp:" + fan_out::host_address(i) + ":" + std::to_string(fan_out::hosts_port),
             name, to_hexadecimal(fan_out::host_engine_id(i))});
    }
    return configuration;
}

ReservationNotice notice_of(std::uint64_t sequence) {
    agent::core::Notice notice;
    notice.id = {3, sequence};
    notice.controller = "lra";
    notice.drive = {"VT00000001"};
    notice.reservation.state = agent::core::ReservationState::reserved;
    notice.reservation.kind = agent::core::ReservationKind::reserve6;
    notice.reservation.holders = {{agent::core::Transport::iscsi,
                                   "iqn.1991-05.com.microsoft:backup01.example.com", "00023d000001",
                                   "192.0.2.17"}};
    notice.holder_domain = "backup-a";
    return {notice};
}

int channel_rounds(const std::string& how, std::size_t hosts, std::size_t rounds,
                   const std::string& folder, std::size_t dead, std::size_t drives) {
    asio::io_context loop;
    std::size_t confirmed = 0;
    auto configuration = channel_configuration(hosts, folder);
    if (how == "trap") configuration.delivery = Delivery::trap;
    auto opened = SnmpNoticeChannel::open(
        loop, configuration, [&](const auto&, const auto&) { ++confirmed; }, [](const auto&) {});
    if (!opened) {
        std::fprintf(stderr, "%s\n", opened.error().message.c_str());
        return 1;
    }
    SnmpNoticeChannel& channel = **opened;
    for (std::size_t i = 0; i < hosts; ++i)
        set_engine_clock(fan_out::host_engine_id(i), 1, 1, true);
    const std::size_t living = hosts - dead;
    ::mkdir((folder + "/hosts").c_str(), 0700);
    std::vector<std::string> arguments{std::to_string(living),
                                       how == "inform" ? "quick" : "confirm", folder + "/hosts"};
    if (how != "inform") {
        arguments.push_back(std::to_string(channel.listen_port()));
        arguments.push_back(channel.engine_id());
        arguments.push_back(std::to_string(channel.engine_boots()));
        arguments.push_back(std::to_string(rounds + 1));
    }
    const Hosts answering(arguments);
    std::vector<double> took;
    std::chrono::microseconds cpu{};
    for (std::size_t round = 0; round < rounds + 1; ++round) {
        std::size_t acknowledged = 0;
        confirmed = 0;
        const auto begin = Clock::now();
        const auto cpu_before = fan_out::processor_time();
        // Dead ones first: they are to be in the way, if anything is.
        for (std::size_t i = hosts; i-- > 0;) {
            for (std::size_t drive = 0; drive < drives; ++drive) {
                channel.send(fan_out::host_name(i), "drive" + std::to_string(drive),
                             notice_of(round + 1), [&, i] {
                                 if (i < living) ++acknowledged;
                             });
            }
        }
        const auto done = [&] {
            return (how == "trap" || acknowledged >= living * drives) &&
                   (how == "inform" || confirmed >= living);
        };
        while (!done() && Clock::now() - begin < round_patience)
            loop.run_one_for(std::chrono::milliseconds(100));
        if (round == 0) continue;  // the first one learns clocks
        cpu += fan_out::processor_time() - cpu_before;
        took.push_back(ms_since(begin));
        for (std::size_t i = 0; i < hosts && how == "trap"; ++i)
            channel.stop_sending(fan_out::host_name(i), "drive0");
    }
    for (std::size_t i = 0; i < snmp_count_kinds; ++i) {
        const auto what = static_cast<SnmpCount>(i);
        const std::uint64_t count = channel.counters().of(what);
        if (count != 0) {
            std::fprintf(stderr, "%s %llu  ", std::string(to_text(what)).c_str(),
                         static_cast<unsigned long long>(count));
        }
    }
    std::fprintf(stderr, "\n");
    fan_out::print_rounds(std::move(took), cpu, hosts);
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> words(argv + 1, argv + argc);
    const auto number = [&](std::size_t i) {
        return i < words.size() ? std::strtoul(words[i].c_str(), nullptr, 10) : 0UL;
    };
    const std::size_t hosts = number(1);
    const std::size_t rounds = number(2);
    if (words.size() < 3 || hosts == 0 || hosts > fan_out::hosts_max || rounds == 0) {
        std::fprintf(stderr, "see the head of fan_out.cpp\n");
        return 2;
    }
    if (words[0] == "floor") return floor_exchange(hosts, rounds);
    if (words.size() < 4) return 2;
    if (words[0] == "sessions") {
        const std::string folder = words[3] + "/hosts";
        ::mkdir(folder.c_str(), 0700);
        const Hosts answering({words[1], "quick", folder});
        return fan_out::library_sessions(hosts, rounds, words[3].c_str());
    }
    return channel_rounds(words[0], hosts, rounds, words[3], std::min(number(4), hosts - 1),
                          std::max(number(5), 1UL));
}
