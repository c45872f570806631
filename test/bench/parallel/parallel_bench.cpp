// How fast 1, 2 and 8 hosts write to one parallel drive at the same time, over rmt and real files:
// what all of them get together must not fall. Hosts share the processors with the library, so each
// number of hosts is measured twice: with a thread for each host, and with one thread for all of
// them, whose cost is the same however many they are. Interleaved rounds, medians and spans.
//
// PARALLEL_BENCH_ROUNDS: how many rounds, 9 when it is not set. PARALLEL_BENCH_MIB: what all hosts
// write together, 768; what a session costs however much is written shows with less.
// PARALLEL_BENCH_HOSTS: only this many, for who wants to look at them with a profiler.

#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <iostream>
#include <map>
#include <thread>

#include "test/integration/parallel/site.hpp"

using namespace parallel_test;

namespace {

constexpr std::size_t record_size = std::size_t{256} * 1024;

class Client {
  public:
    explicit Client(const std::string& socket) : number_(::socket(AF_UNIX, SOCK_STREAM, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, socket.c_str(), sizeof(address.sun_path) - 1);
        REQUIRE(::connect(number_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
    }
    ~Client() { ::close(number_); }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    [[nodiscard]] int number() const { return number_; }
    bool send(const std::string& bytes) const {
        std::size_t sent = 0;
        while (sent < bytes.size()) {
            const auto count = ::write(number_, bytes.data() + sent, bytes.size() - sent);
            if (count <= 0) return false;
            sent += static_cast<std::size_t>(count);
        }
        return true;
    }
    // The answer has to be good.
    [[nodiscard]] bool answered() const {
        std::string line;
        char c = 0;
        while (::read(number_, &c, 1) == 1 && c != '\n')
            line += c;
        return line.starts_with("A");
    }

  private:
    int number_;
};

// Opens the tape, writes its records, and closes the tape: what is to be sent next, each time the
// one before was answered.
class Host {
  public:
    Host(const std::string& socket, std::size_t records)
        : client(socket), left_(records), record_(record_size, 'x') {}

    Client client;
    // False: nothing is left to be sent, or it could not be.
    bool send_next() {
        if (!std::exchange(opened_, true)) return client.send("O0/VOL001L8\n1\n");
        if (left_ > 0) {
            --left_;
            return client.send(head_) && client.send(record_);
        }
        return !std::exchange(closed_, true) && client.send("C\n");
    }
    [[nodiscard]] bool done() const { return closed_; }

  private:
    std::size_t left_;
    std::string record_;
    const std::string head_ = "W" + std::to_string(record_size) + "\n";
    bool opened_ = false;
    bool closed_ = false;
};

bool serve(std::span<const std::unique_ptr<Host>> hosts) {
    std::vector<pollfd> waiting;
    for (const auto& host : hosts) {
        if (!host->send_next()) return false;
        waiting.push_back({host->client.number(), POLLIN, 0});
    }
    for (std::size_t done = 0; done < hosts.size();) {
        if (::poll(waiting.data(), waiting.size(), 60'000) <= 0) return false;
        for (std::size_t i = 0; i < hosts.size(); ++i) {
            if (waiting[i].revents == 0) continue;
            if (!hosts[i]->client.answered()) return false;
            if (hosts[i]->send_next()) continue;
            if (!hosts[i]->done()) return false;
            waiting[i].fd = -1;
            ++done;
        }
    }
    return true;
}

double cpu_seconds(int who) {
    rusage used{};
    ::getrusage(who, &used);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(used.ru_utime) + seconds(used.ru_stime);
}

struct Figures {
    double rate = 0;  // MB/s of all together; everything durable and committed
    double cpu = 0;   // processor seconds of the library for each GiB, without its hosts'
};

Figures write_with(Site& site, std::size_t hosts, std::size_t records, bool one_thread) {
    const auto cpu_before = cpu_seconds(RUSAGE_SELF);
    const auto begin = std::chrono::steady_clock::now();
    std::vector<std::unique_ptr<Host>> all;
    for (std::size_t i = 0; i < hosts; ++i)
        all.push_back(std::make_unique<Host>(site.folder + "/rmt.sock", records / hosts));
    const std::size_t a_thread = one_thread ? hosts : 1;
    std::vector<std::thread> threads;
    std::atomic<bool> good{true};
    std::atomic<double> cpu_of_hosts{0};
    for (std::size_t first = 0; first < hosts; first += a_thread) {
        threads.emplace_back([&, mine = std::span(all).subspan(first, a_thread)] {
            if (!serve(mine)) good = false;
            cpu_of_hosts += cpu_seconds(RUSAGE_THREAD);
        });
    }
    for (auto& thread : threads)
        thread.join();
    const auto took = std::chrono::steady_clock::now() - begin;
    const auto cpu = cpu_seconds(RUSAGE_SELF) - cpu_before - cpu_of_hosts;
    REQUIRE(good);
    const auto bytes = static_cast<double>(record_size * records);
    return {bytes / std::chrono::duration<double>(took).count() / 1e6, cpu / bytes * (1 << 30)};
}

std::string described(const std::vector<Figures>& all) {
    std::vector<double> rates;
    std::vector<double> cpu;
    for (const auto& one : all) {
        rates.push_back(one.rate);
        cpu.push_back(one.cpu);
    }
    std::sort(rates.begin(), rates.end());
    std::sort(cpu.begin(), cpu.end());
    std::array<char, 160> line{};
    std::snprintf(line.data(), line.size(), "%5.0f MB/s (%.0f to %.0f), CPU/G %.2f",
                  rates[rates.size() / 2], rates.front(), rates.back(), cpu[cpu.size() / 2]);
    return line.data();
}

}  // namespace

TEST_CASE("aggregate rate of parallel sessions") {
    const auto asked = [](const char* name, int otherwise) {
        const auto* text = std::getenv(name);
        return text == nullptr ? otherwise : std::atoi(text);
    };
    constexpr std::size_t mib = 1 << 20;
    const auto records =
        static_cast<std::size_t>(asked("PARALLEL_BENCH_MIB", 768)) * mib / record_size;
    const int rounds = asked("PARALLEL_BENCH_ROUNDS", 9);
    const auto only = static_cast<std::size_t>(asked("PARALLEL_BENCH_HOSTS", 0));
    std::map<std::pair<bool, std::size_t>, std::vector<Figures>> figures;
    for (int round = 0; round < rounds; ++round) {
        for (const bool one_thread : {false, true}) {
            for (const std::size_t hosts : {1UL, 2UL, 8UL}) {
                if (only != 0 && only != hosts) continue;
                Site site(cartridge::Placement::mirror, 2 * records * record_size);
                figures[{one_thread, hosts}].push_back(
                    write_with(site, hosts, records, one_thread));
            }
        }
    }
    std::cout << records * record_size / mib
              << " MiB together, each in two folders, synchronised; medians of " << rounds << '\n';
    for (const auto& [what, all] : figures) {
        std::cout << what.second << " hosts, "
                  << (what.first ? "one thread for all: " : "a thread for each:  ")
                  << described(all) << '\n';
    }
}
