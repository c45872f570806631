// What can come back to a sender's sockets: anybody on the way can answer with any bytes, from the
// peer's address and with the number of a message that is under way. One destination of version 3
// with a user, one of version 2c; each step of the input hears what was sent, or says something.
// No bytes may end a message of version 3 without its user's key, nor make us forget an engine
// that has shown it.
//
//   step: one octet, what; then, for datagrams: two octets of length, and the bytes

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "snmp_mib/message_sender.hpp"
#include "snmp_mib/snmp_message.hpp"
#include "test/fuzz/snmp/fuzz_engine.hpp"

namespace {

using namespace snmp_mib;

constexpr std::size_t steps_max = 64;
const std::string known_engine("\x80\x00\x1f\x88\x05known678", 13);

const std::string& own_engine() {
    static const std::string id = [] {
        auto started = fuzz::start_engine("sender");
        set_engine_clock(known_engine, 7, 1'000'000, true);
        return started;
    }();
    return id;
}

// Where a destination's datagrams end; what was heard last is answered.
class Peer {
  public:
    Peer() : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        auto* generic = reinterpret_cast<sockaddr*>(&address);
        if (::bind(socket_, generic, size) != 0 || ::getsockname(socket_, generic, &size) != 0)
            std::abort();
        address_ = "udp:127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    }
    ~Peer() { ::close(socket_); }
    Peer(const Peer&) = delete;
    Peer& operator=(const Peer&) = delete;

    [[nodiscard]] const std::string& address() const { return address_; }
    void hear() {
        std::array<std::uint8_t, datagram_length_max> space{};
        for (;;) {
            from_size_ = sizeof from_;
            const auto size = ::recvfrom(socket_, space.data(), space.size(), 0,
                                         reinterpret_cast<sockaddr*>(&from_), &from_size_);
            if (size < 0) return;
            last_.assign(space.begin(), space.begin() + size);
            heard_from_ = from_;
        }
    }
    void say(std::span<const std::uint8_t> bytes) const {
        if (!heard_from_) return;
        static_cast<void>(::sendto(socket_, bytes.data(), bytes.size(), 0,
                                   reinterpret_cast<const sockaddr*>(&*heard_from_),
                                   sizeof *heard_from_));
    }
    [[nodiscard]] const std::vector<std::uint8_t>& last() const { return last_; }

  private:
    int socket_;
    std::string address_;
    sockaddr_in from_{};
    socklen_t from_size_ = 0;
    std::optional<sockaddr_in> heard_from_;
    std::vector<std::uint8_t> last_;
};

// The number of what was heard last is put where the fuzzer left its place: four octets of 5a.
std::vector<std::uint8_t> with_number(std::span<const std::uint8_t> bytes,
                                      const std::vector<std::uint8_t>& asked) {
    std::vector<std::uint8_t> answer(bytes.begin(), bytes.end());
    const Envelope envelope = envelope_of(asked);
    const auto* v2c = std::get_if<V2cEnvelope>(&envelope);
    const auto* v3 = std::get_if<V3Envelope>(&envelope);
    if (v2c == nullptr && v3 == nullptr) return answer;
    const auto number =
        static_cast<std::uint32_t>(v3 != nullptr ? v3->message_id : v2c->request_id);
    const std::array<std::uint8_t, 4> place{0x5a, 0x5a, 0x5a, 0x5a};
    for (auto at = answer.begin();;) {
        at = std::search(at, answer.end(), place.begin(), place.end());
        if (at == answer.end()) return answer;
        for (unsigned shift = 32; shift != 0; shift -= 8)
            *at++ = static_cast<std::uint8_t>(number >> (shift - 8));
    }
}

class Story {
  public:
    Story() {
        DestinationConfiguration secured;
        secured.address = secured_.address();
        secured.known_engine_id = known_engine;
        secured.user.emplace();
        secured.user->name = "host-a";
        secured.user->authentication_master = std::string(32, 'a');
        secured.user->privacy_master = std::string(32, 'p');
        DestinationConfiguration open;
        open.address = open_.address();
        open.community = "public";
        if (!sender_.set_destination("secured", secured) ||
            !sender_.set_destination("open", open)) {
            std::abort();
        }
    }
    void step(std::uint8_t what, std::span<const std::uint8_t> bytes) {
        Peer& peer = (what & 1U) != 0 ? secured_ : open_;
        if ((what & 2U) != 0) {
            sender_.submit((what & 1U) != 0 ? "secured" : "open", "", body_, Delivery::inform,
                           [secured = (what & 1U) != 0](MessageEnd end) {
                               // Nobody here has the key.
                               if (secured && end == MessageEnd::acknowledged) std::abort();
                           });
        }
        turn();
        peer.hear();
        if (!bytes.empty()) peer.say(with_number(bytes, peer.last()));
        turn();
        if (sender_.status("secured").engine_id != known_engine) std::abort();
    }

  private:
    void turn() {
        loop_.restart();
        loop_.poll();
    }

    asio::io_context loop_;
    SnmpCounters counters_;
    Peer secured_;
    Peer open_;
    SharedBody body_ = notification_body(
        {{oids::sys_up_time_0, TimeTicks{1}}, {oids::snmp_trap_oid_0, Oid{1, 3, 6, 1, 4, 1, 9}}});
    MessageSender sender_{loop_, {.own_engine_id = own_engine()}, counters_, [](const auto&) {}};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    own_engine();
    std::span<const std::uint8_t> left(data, size);
    Story story;
    for (std::size_t steps = 0; steps < steps_max && left.size() >= 3; ++steps) {
        const std::uint8_t what = left[0];
        const std::size_t wanted = std::size_t{left[1]} << 8U | left[2];
        const auto bytes = left.subspan(3, std::min(wanted, left.size() - 3));
        left = left.subspan(3 + bytes.size());
        story.step(what, bytes);
    }
    return 0;
}
