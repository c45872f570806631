#pragma once

// Datagrams by hand: a socket to send any bytes with, and a relay between two parties that sees all
// that passes.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

class UdpSocket {
  public:
    explicit UdpSocket(const std::string& host = "127.0.0.1");
    ~UdpSocket();
    UdpSocket(const UdpSocket&) = delete;
    UdpSocket& operator=(const UdpSocket&) = delete;
    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] int descriptor() const { return descriptor_; }
    void send(const std::string& bytes, std::uint16_t port,
              const std::string& host = "127.0.0.1") const;
    // Nothing when no datagram came in time.
    [[nodiscard]] std::optional<std::string> receive(std::chrono::milliseconds patience,
                                                     std::uint16_t* from = nullptr) const;

  private:
    int descriptor_ = -1;
    std::uint16_t port_ = 0;
};

// Passes datagrams between whoever talks to port() and `target`; remembers them. One client.
class Relay {
  public:
    explicit Relay(std::uint16_t target);
    ~Relay();
    Relay(const Relay&) = delete;
    Relay& operator=(const Relay&) = delete;

    [[nodiscard]] std::uint16_t port() const { return front_.port(); }
    [[nodiscard]] std::vector<std::string> to_target() const;
    [[nodiscard]] std::vector<std::string> from_target() const;
    // Before traffic: swallow datagrams, or hold answers back for a while.
    std::atomic<bool> drop_to_target{false};
    std::atomic<bool> drop_from_target{false};
    std::atomic<int> delay_from_target_ms{0};
    std::atomic<std::uint16_t> target_port;

  private:
    void run();
    UdpSocket front_;
    UdpSocket back_;
    mutable std::mutex guard_;  // of the two lists
    std::vector<std::string> to_target_;
    std::vector<std::string> from_target_;
    std::atomic<bool> ended_{false};
    std::thread thread_;
};

std::string from_hex(const std::string& text);
