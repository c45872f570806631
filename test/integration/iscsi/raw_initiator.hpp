#pragma once

// An initiator that can do what a well-behaved one does not, over a real socket.

#include <optional>

#include "drive_iface/iscsi/negotiation.hpp"
#include "drive_iface/iscsi/output.hpp"
#include "drive_iface/iscsi/pdu.hpp"

namespace iscsi_server_test {

using namespace drive_iface::iscsi;

class RawInitiator {
  public:
    explicit RawInitiator(int port);
    ~RawInitiator();
    RawInitiator(const RawInitiator&) = delete;
    RawInitiator& operator=(const RawInitiator&) = delete;

    // Straight to full feature phase; fails the test when it does not get there.
    void log_in(const std::string& target, const TextKeys& keys, Digests digests);
    void send(const InitiatorPdu& pdu, const Bytes& data = {});
    // With one byte of the data segment changed after the digest was made.
    void send_damaged(const InitiatorPdu& pdu, const Bytes& data);

    struct Answer {
        TargetPdu pdu;
        Bytes data;
    };
    // The next one, within 10 s; nothing: the connection ended.
    [[nodiscard]] std::optional<Answer> receive();

    ScsiCommand command(std::uint8_t opcode, std::uint32_t length, bool writes);

    std::uint32_t cmd_sn = 1;
    std::uint32_t task_tag = 100;

  private:
    void send_bytes(const Bytes& bytes) const;

    int fd_;
    Digests digests_;
    FrameReader reader_;
};

}  // namespace iscsi_server_test
