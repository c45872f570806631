// Targets that pass for one that has proven itself (mutual CHAP), each by a login of its own kind.
// The honest one and the one with a wrong secret: test/integration/discovery.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>
#include <thread>
#include <vector>

#include "drive_iface/device/iscsi_discovery.hpp"
#include "drive_iface/device/iscsi_transport.hpp"
#include "test/support/catch.hpp"

using namespace agent::core;
using namespace drive_iface;

namespace {

struct LoginReply {
    std::uint8_t flags;  // byte 1 of a Login Response: T, CSG, NSG (RFC 7143 11.13)
    std::vector<std::string> keys;
};

constexpr std::array<std::uint8_t, 6> inquiry_cdb{0x12, 0, 0, 0, 36, 0};

constexpr std::uint8_t stay_in_security = 0x00;
constexpr std::uint8_t security_to_end = 0x83;
constexpr std::uint8_t security_to_operational = 0x81;
constexpr std::uint8_t operational_to_operational = 0x85;
constexpr std::uint8_t operational_to_end = 0x87;

// Says what it was told to, whatever it is asked; remembers the opcodes that came.
class FalseTarget {
  public:
    explicit FalseTarget(std::vector<LoginReply> replies)
        : listening_(::socket(AF_INET, SOCK_STREAM, 0)) {
        REQUIRE(listening_ >= 0);
        limit(listening_);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof(address);
        auto* any = reinterpret_cast<sockaddr*>(&address);
        REQUIRE(::bind(listening_, any, size) == 0);
        REQUIRE(::listen(listening_, 4) == 0);
        REQUIRE(::getsockname(listening_, any, &size) == 0);
        portal_ = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
        thread_ = std::thread([this, replies = std::move(replies)] { serve_one(replies); });
    }
    ~FalseTarget() { end(); }
    FalseTarget(const FalseTarget&) = delete;
    FalseTarget& operator=(const FalseTarget&) = delete;

    [[nodiscard]] const std::string& portal() const { return portal_; }
    // What came until the initiator went away.
    const std::vector<int>& opcodes() {
        end();
        return opcodes_;
    }

  private:
    static void limit(int socket) {
        const timeval patience{20, 0};
        ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    }

    void end() {
        if (thread_.joinable()) thread_.join();
        if (listening_ >= 0) ::close(listening_);
        listening_ = -1;
    }

    // A header and its data segment; empty: the initiator is gone.
    static std::vector<std::uint8_t> next_pdu(int socket) {
        std::vector<std::uint8_t> pdu(48);
        if (::recv(socket, pdu.data(), pdu.size(), MSG_WAITALL) != 48) return {};
        const std::size_t data = std::size_t{pdu[5]} << 16U | std::size_t{pdu[6]} << 8U | pdu[7];
        std::vector<std::uint8_t> rest((data + 3) / 4 * 4);
        if (!rest.empty() && ::recv(socket, rest.data(), rest.size(), MSG_WAITALL) !=
                                 static_cast<ssize_t>(rest.size()))
            return {};
        return pdu;
    }

    static void answer(int socket, const std::vector<std::uint8_t>& request,
                       const LoginReply& reply, std::uint8_t number) {
        std::string data;
        for (const auto& key : reply.keys)
            data += key + '\0';
        std::vector<std::uint8_t> pdu(48);
        pdu[0] = 0x23;
        pdu[1] = reply.flags;
        pdu[6] = static_cast<std::uint8_t>(data.size() >> 8U);
        pdu[7] = static_cast<std::uint8_t>(data.size());
        std::copy_n(request.begin() + 8, 12, pdu.begin() + 8);  // ISID, TSIH, Initiator Task Tag
        pdu[27] = number;
        std::copy_n(request.begin() + 24, 4, pdu.begin() + 28);  // CmdSN as ExpCmdSN
        std::copy_n(request.begin() + 24, 4, pdu.begin() + 32);  // and as MaxCmdSN
        pdu.insert(pdu.end(), data.begin(), data.end());
        pdu.resize((pdu.size() + 3) / 4 * 4);
        static_cast<void>(::send(socket, pdu.data(), pdu.size(), MSG_NOSIGNAL));
    }

    void serve_one(const std::vector<LoginReply>& replies) {
        const int connection = ::accept(listening_, nullptr, nullptr);
        if (connection < 0) return;
        limit(connection);
        std::size_t answered = 0;
        for (;;) {
            const auto request = next_pdu(connection);
            if (request.empty()) break;
            opcodes_.push_back(request[0] & 0x3f);
            if (answered == replies.size()) break;
            answer(connection, request, replies[answered], static_cast<std::uint8_t>(answered + 1));
            ++answered;
        }
        ::close(connection);
    }

    int listening_;
    std::string portal_;
    std::vector<int> opcodes_;  // of the thread until it is joined
    std::thread thread_;
};

const std::string zeros = "CHAP_R=0x" + std::string(32, '0');

// Each is let in by libiscsi 1.19 when nobody looks after it.
const std::vector<std::vector<LoginReply>>& false_logins() {
    static const std::vector<std::vector<LoginReply>> logins{
        // The security stage left out.
        {{operational_to_end, {}}},
        {{operational_to_operational, {}}, {operational_to_end, {}}},
        // Zeros for an answer before the challenge has been sent.
        {{security_to_end, {"CHAP_N=silo", zeros}}},
        {{security_to_end, {"CHAP_A=5", "CHAP_I=1", "CHAP_C=0x0102", "CHAP_N=silo", zeros}}},
        // Signs that are no digits and come to zeros all the same.
        {{security_to_end,
          {"CHAP_N=silo", "CHAP_R=0x" + std::string("@0") + std::string(30, '0')}}},
        // A challenge, then on without the answer to it, and zeros later on.
        {{security_to_operational, {"CHAP_I=1", "CHAP_C=0x0102", "CHAP_N=silo", zeros}},
         {operational_to_end, {}}},
        {{operational_to_operational, {"CHAP_A=5", "CHAP_I=1", "CHAP_C=0x0102"}},
         {operational_to_end, {"CHAP_N=silo", zeros}}},
        // All of CHAP but the target's own part.
        {{stay_in_security, {"AuthMethod=CHAP"}},
         {stay_in_security, {"CHAP_A=5", "CHAP_I=1", "CHAP_C=0x0102"}},
         {operational_to_end, {}}},
    };
    return logins;
}

Result<IscsiCredentials> both_ways() {
    return IscsiCredentials{"lra", "what-lrad-says-it-is", "silo", "what-the-library-is"};
}

void only_logins_came(FalseTarget& target, std::size_t count) {
    const auto& opcodes = target.opcodes();
    CHECK(opcodes == std::vector<int>(count, 0x03));
}

}  // namespace

TEST_CASE("a target that lets everybody in has not proven itself, and is asked nothing") {
    for (std::size_t i = 0; i < false_logins().size(); ++i) {
        INFO("login " << i);
        const auto& login = false_logins()[i];
        FalseTarget target(login);
        IscsiTransportOptions options;
        options.url = "iscsi://" + target.portal() + "/iqn.2026-01.example:drive/0";
        options.initiator_name = "iqn.2026-01.example:lra";
        options.credentials = both_ways;
        auto transport = make_iscsi_transport(std::move(options));
        REQUIRE(transport.ok());
        ScsiCommand inquiry;
        inquiry.cdb = inquiry_cdb;
        inquiry.data_in_max = 36;
        const auto reply = (*transport)->execute(inquiry, Duration{20'000});
        REQUIRE_FALSE(reply.ok());
        CHECK_THAT(reply.error().message, ContainsSubstring("has not proven who it is"));
        CHECK_THAT(reply.error().message, ContainsSubstring(target.portal()));
        only_logins_came(target, login.size());
    }
}

TEST_CASE("a portal that has not proven itself is not asked for its targets") {
    FalseTarget target(std::vector<LoginReply>{{operational_to_end, {}}});
    IscsiDiscoveryOptions options;
    options.portal = target.portal();
    options.initiator_name = "iqn.2026-01.example:lra";
    options.credentials = both_ways;
    const auto targets = discover_iscsi_targets(options);
    REQUIRE_FALSE(targets.ok());
    CHECK_THAT(targets.error().message, ContainsSubstring("has not proven who it is"));
    only_logins_came(target, 1);
}

TEST_CASE("a portal where nobody listens refuses the connection in so many words") {
    const int taken = ::socket(AF_INET, SOCK_STREAM, 0);  // and never listens
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* any = reinterpret_cast<sockaddr*>(&address);
    REQUIRE(::bind(taken, any, size) == 0);
    REQUIRE(::getsockname(taken, any, &size) == 0);
    IscsiTransportOptions options;
    options.url = "iscsi://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) +
                  "/iqn.2026-01.example:drive/0";
    options.initiator_name = "iqn.2026-01.example:lra";
    auto drive = make_iscsi_transport(options);
    REQUIRE(drive.ok());
    const auto reply = drive.value()->execute({inquiry_cdb, {}, 36}, Duration{5'000});
    REQUIRE_FALSE(reply.ok());
    CHECK_THAT(reply.error().message, ContainsSubstring("can not connect: Connection refused"));
    ::close(taken);
}

TEST_CASE("without mutual CHAP a target has nothing to prove") {
    FalseTarget target(std::vector<LoginReply>{{operational_to_end, {}}});
    IscsiDiscoveryOptions options;
    options.portal = target.portal();
    options.initiator_name = "iqn.2026-01.example:lra";
    const auto targets = discover_iscsi_targets(options);
    CHECK_FALSE(targets.ok());
    CHECK(target.opcodes() == std::vector<int>{0x03, 0x04});  // Text Request: SendTargets
}
