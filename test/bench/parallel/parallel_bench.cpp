// How fast 1, 2 and 8 hosts write to one parallel drive at the same time, over rmt and real files:
// what all of them get together must not fall. Prints a line for each number of hosts.

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <iostream>
#include <thread>

#include "test/integration/parallel/site.hpp"

using namespace parallel_test;

namespace {

constexpr std::size_t record_size = 256 * 1024;
constexpr std::size_t records_in_all = 768;  // 192 MiB

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

    // The answer has to be good.
    bool ask(const std::string& request, const std::string& record = {}) {
        return send(request) && send(record) && answered();
    }

  private:
    bool send(const std::string& bytes) {
        std::size_t sent = 0;
        while (sent < bytes.size()) {
            const auto count = ::write(number_, bytes.data() + sent, bytes.size() - sent);
            if (count <= 0) return false;
            sent += static_cast<std::size_t>(count);
        }
        return true;
    }
    bool answered() {
        std::string line;
        char c = 0;
        while (::read(number_, &c, 1) == 1 && c != '\n')
            line += c;
        return line.starts_with("A");
    }
    int number_;
};

// Everything written is durable and committed at its end. Seconds.
double write_with(Site& site, std::size_t hosts) {
    const auto begin = std::chrono::steady_clock::now();
    std::vector<std::thread> threads;
    std::atomic<bool> good{true};
    for (std::size_t host = 0; host < hosts; ++host) {
        threads.emplace_back([&] {
            Client client(site.folder + "/rmt.sock");
            const std::string record(record_size, 'x');
            bool all = client.ask("O0/VOL001L8\n1\n");
            for (std::size_t at = 0; all && at < records_in_all / hosts; ++at)
                all = client.ask("W" + std::to_string(record_size) + "\n", record);
            if (!all || !client.ask("C\n")) good = false;
        });
    }
    for (auto& thread : threads)
        thread.join();
    REQUIRE(good);
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace

TEST_CASE("aggregate rate of parallel sessions") {
    for (int round = 0; round < 3; ++round) {
        for (const std::size_t hosts : {1UL, 2UL, 8UL}) {
            Site site;
            const auto seconds = write_with(site, hosts);
            std::cout << hosts << " hosts: "
                      << static_cast<double>(record_size * records_in_all) / seconds / 1e6
                      << " MB/s together, each in two folders, synchronised\n"
                      << std::flush;
        }
    }
}
