#include "test/integration/iscsi/raw_initiator.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test/support/catch.hpp"

namespace iscsi_server_test {

namespace {

constexpr int patience_ms = 10'000;

}  // namespace

RawInitiator::RawInitiator(int port)
    : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), reader_(1U << 24) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
}

RawInitiator::~RawInitiator() {
    ::close(fd_);
}

void RawInitiator::send_bytes(const Bytes& bytes) const {
    for (std::size_t at = 0; at < bytes.size();) {
        const auto sent = ::send(fd_, &bytes[at], bytes.size() - at, MSG_NOSIGNAL);
        REQUIRE(sent > 0);
        at += static_cast<std::size_t>(sent);
    }
}

void RawInitiator::send(const InitiatorPdu& pdu, const Bytes& data) {
    Bytes stream;
    append_frame(stream, encode(pdu), data, digests_);
    send_bytes(stream);
}

void RawInitiator::send_damaged(const InitiatorPdu& pdu, const Bytes& data) {
    Bytes stream;
    append_frame(stream, encode(pdu), data, digests_);
    stream[stream.size() - 2 * digest_size] ^= 1;
    send_bytes(stream);
}

std::optional<RawInitiator::Answer> RawInitiator::receive() {
    while (true) {
        const auto next = reader_.next();
        REQUIRE_FALSE(std::holds_alternative<StreamBroken>(next));
        if (const auto* frame = std::get_if<Frame>(&next)) {
            REQUIRE_FALSE(frame->data_digest_wrong);
            return Answer{std::get<TargetPdu>(decode_target_pdu(frame->header)), frame->data};
        }
        pollfd ready{fd_, POLLIN, 0};
        REQUIRE(::poll(&ready, 1, patience_ms) == 1);
        Bytes bytes(64 * 1024);
        const auto got = ::recv(fd_, bytes.data(), bytes.size(), 0);
        if (got <= 0) return std::nullopt;
        reader_.append(ByteView(bytes).first(static_cast<std::size_t>(got)));
    }
}

void RawInitiator::log_in(const std::string& target, const TextKeys& keys, Digests digests) {
    Bytes text;
    append_text(text, "InitiatorName", "iqn.2026-01.example:raw");
    append_text(text, "TargetName", target);
    for (const auto& [name, value] : keys)
        append_text(text, name, value);
    send(LoginRequest{.transit = true,
                      .current = LoginStage::operational,
                      .next = LoginStage::full_feature,
                      .isid = {0, 2, 0x3d, 0, 0, 1},
                      .cmd_sn = cmd_sn},
         text);
    const auto answer = receive();
    REQUIRE(answer);
    REQUIRE(std::get<LoginResponse>(answer->pdu).tsih != 0);
    digests_ = digests;
    reader_.set_digests(digests);
}

ScsiCommand RawInitiator::command(std::uint8_t opcode, std::uint32_t length, bool writes) {
    ScsiCommand pdu{.read = !writes && length > 0,
                    .write = writes,
                    .task_tag = ++task_tag,
                    .expected_length = length,
                    .cmd_sn = cmd_sn++};
    pdu.cdb[0] = opcode;
    pdu.cdb[2] = static_cast<std::uint8_t>(length >> 16);
    pdu.cdb[3] = static_cast<std::uint8_t>(length >> 8);
    pdu.cdb[4] = static_cast<std::uint8_t>(length);
    return pdu;
}

}  // namespace iscsi_server_test
