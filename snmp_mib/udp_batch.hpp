#pragma once

// Datagrams by the dozen: one call to the system sends or receives several. With a thousand hosts
// that is a fifth of what a message costs.

#include <array>
#include <asio/ip/udp.hpp>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "snmp_mib/datagram.hpp"

namespace snmp_mib {

inline constexpr std::size_t datagrams_at_once = 32;
inline constexpr std::size_t datagrams_read_at_once = 16;  // each has room for the longest

class OutgoingDatagrams {
  public:
    // `whose`: told when it can not be sent.
    void add(std::string bytes, const asio::ip::udp::endpoint& to, const std::string& whose);
    [[nodiscard]] std::size_t size() const { return waiting_.size(); }
    void clear() { waiting_.clear(); }

    // Sends all, in order. What the system refuses is dropped and told. False: the socket is full,
    // the rest still waits.
    using Refused = std::function<void(const std::string& whose, const asio::error_code& error)>;
    bool flush(asio::ip::udp::socket& socket, const Refused& refused);

  private:
    struct Datagram {
        std::string bytes;
        asio::ip::udp::endpoint to;
        std::string whose;
    };
    std::deque<Datagram> waiting_;
};

class IncomingDatagrams {
  public:
    IncomingDatagrams();
    // At most datagrams_read_at_once of those that have arrived, and at most `most`; what was read
    // before is gone. Never waits.
    std::size_t read(asio::ip::udp::socket& socket, std::size_t most);
    // One that was longer than a message may be has one octet more than datagram_length_max.
    [[nodiscard]] std::span<const std::uint8_t> bytes(std::size_t i) const {
        return {space_.data() + i * room, lengths_.at(i)};
    }
    [[nodiscard]] const asio::ip::udp::endpoint& from(std::size_t i) const { return from_.at(i); }

  private:
    static constexpr std::size_t room = datagram_length_max + 1;
    std::vector<std::uint8_t> space_;
    std::array<std::size_t, datagrams_read_at_once> lengths_{};
    std::array<asio::ip::udp::endpoint, datagrams_read_at_once> from_;
};

}  // namespace snmp_mib
