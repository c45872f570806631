#include "test/integration/snmp/datagrams.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <deque>
#include <stdexcept>

namespace {

sockaddr_in address_of(const std::string& host, std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    ::inet_pton(AF_INET, host.c_str(), &address.sin_addr);
    return address;
}

}  // namespace

UdpSocket::UdpSocket(const std::string& host)
    : descriptor_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = address_of(host, 0);
    socklen_t length = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(descriptor_, generic, length) != 0 ||
        ::getsockname(descriptor_, generic, &length) != 0) {
        throw std::runtime_error("bind");
    }
    port_ = ntohs(address.sin_port);
}

UdpSocket::~UdpSocket() {
    ::close(descriptor_);
}

void UdpSocket::send(const std::string& bytes, std::uint16_t port, const std::string& host) const {
    const sockaddr_in address = address_of(host, port);
    ::sendto(descriptor_, bytes.data(), bytes.size(), 0,
             reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

std::optional<std::string> UdpSocket::receive(std::chrono::milliseconds patience,
                                              std::uint16_t* from) const {
    pollfd ready{descriptor_, POLLIN, 0};
    if (::poll(&ready, 1, static_cast<int>(patience.count())) <= 0) return std::nullopt;
    std::array<char, 65'536> buffer;
    sockaddr_in address{};
    socklen_t length = sizeof address;
    const ssize_t n = ::recvfrom(descriptor_, buffer.data(), buffer.size(), 0,
                                 reinterpret_cast<sockaddr*>(&address), &length);
    if (n < 0) return std::nullopt;
    if (from != nullptr) *from = ntohs(address.sin_port);
    return std::string(buffer.data(), static_cast<std::size_t>(n));
}

Relay::Relay(std::uint16_t target) : target_port(target), thread_([this] { run(); }) {}

Relay::~Relay() {
    ended_ = true;
    thread_.join();
}

std::vector<std::string> Relay::to_target() const {
    const std::lock_guard lock(guard_);
    return to_target_;
}

std::vector<std::string> Relay::from_target() const {
    const std::lock_guard lock(guard_);
    return from_target_;
}

void Relay::run() {
    using Clock = std::chrono::steady_clock;
    std::uint16_t client = 0;
    std::deque<std::pair<Clock::time_point, std::string>> held;
    while (!ended_) {
        std::array<pollfd, 2> ready{pollfd{front_.descriptor(), POLLIN, 0},
                                    pollfd{back_.descriptor(), POLLIN, 0}};
        ::poll(ready.data(), ready.size(), 1);
        if ((ready[0].revents & POLLIN) != 0) {
            const auto bytes = front_.receive(std::chrono::milliseconds(0), &client);
            if (bytes) {
                {
                    const std::lock_guard lock(guard_);
                    to_target_.push_back(*bytes);
                }
                if (!drop_to_target) back_.send(*bytes, target_port);
            }
        }
        if ((ready[1].revents & POLLIN) != 0) {
            const auto bytes = back_.receive(std::chrono::milliseconds(0));
            if (bytes) {
                {
                    const std::lock_guard lock(guard_);
                    from_target_.push_back(*bytes);
                }
                if (!drop_from_target) {
                    held.emplace_back(
                        Clock::now() + std::chrono::milliseconds(delay_from_target_ms), *bytes);
                }
            }
        }
        while (!held.empty() && held.front().first <= Clock::now()) {
            front_.send(held.front().second, client);
            held.pop_front();
        }
    }
}

std::string from_hex(const std::string& text) {
    std::string bytes;
    std::string pair;
    for (const char c : text) {
        if (c == ' ' || c == '\n') continue;
        pair += c;
        if (pair.size() == 2) {
            bytes += static_cast<char>(std::stoi(pair, nullptr, 16));
            pair.clear();
        }
    }
    return bytes;
}
