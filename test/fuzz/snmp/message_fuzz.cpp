// What a peer with a valid key but a broken program could send: any bytes as the encrypted part of
// an SNMPv3 message, signed and in time. What is read without the SNMP library must mean the same
// to the library. And any bytes as a whole datagram, which nobody signed.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "snmp_mib/quick_message.hpp"
#include "snmp_mib/snmp_library.hpp"
#include "snmp_mib/snmp_message.hpp"
#include "snmp_mib/usm_users.hpp"
#include "test/fuzz/snmp/fuzz_engine.hpp"

namespace {

using namespace snmp_mib;

constexpr std::size_t pdu_length_max = 4'096;
constexpr auto user_name = "host-a";

const std::string& own_engine() {
    static const std::string id = [] {
        auto started = fuzz::start_engine("message");
        UsmUserKeys keys;
        keys.name = user_name;
        keys.authentication_master = std::string(32, 'a');
        keys.privacy_master = std::string(32, 'p');
        if (!add_user(keys, started)) std::abort();
        return started;
    }();
    return id;
}

std::vector<std::uint8_t> sealed(std::span<const std::uint8_t> scoped_pdu) {
    UserAtEngine* user = find_user(user_name, own_engine());
    const auto now = EngineClock(own_engine()).now();
    if (user == nullptr || !now) std::abort();
    V3Header header;
    header.message_id = 77;
    header.reportable = true;
    header.engine_id = own_engine();
    header.engine_boots = now->boots;
    header.engine_time = now->time;
    header.user = user_name;
    header.signature_length = user->seal->signature_length();
    std::array<std::uint8_t, datagram_length_max> space{};
    const auto plain = write_v3(space, header, scoped_pdu);
    if (!plain || !user->seal->close(*plain, now->boots, now->time)) std::abort();
    return {plain->datagram.begin(), plain->datagram.end()};
}

ReceivedMessage::Command command_of(V3Pdu type) {
    switch (type) {
        case V3Pdu::inform:
            return ReceivedMessage::Command::inform;
        case V3Pdu::trap:
            return ReceivedMessage::Command::trap;
        case V3Pdu::response:
            return ReceivedMessage::Command::response;
    }
    std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::span input(data, size);
    own_engine();
    const Envelope unsigned_envelope = envelope_of(input);
    if (const auto* v3 = std::get_if<V3Envelope>(&unsigned_envelope)) {
        if (open_quickly(*v3, input)) std::abort();
    }
    if (size > pdu_length_max) return 0;
    const std::vector<std::uint8_t> datagram = sealed(input);
    const Envelope envelope = envelope_of(datagram);
    const auto* v3 = std::get_if<V3Envelope>(&envelope);
    if (v3 == nullptr) std::abort();
    const auto quick = open_quickly(*v3, datagram);
    ReceivedMessage library = ReceivedMessage::decode(datagram);
    if (!quick) return 0;
    // Of a Response the variables are not looked at: they are what was sent.
    const bool is_accepted = library.verdict() == ReceivedMessage::Verdict::accepted;
    if (quick->type == V3Pdu::response && !is_accepted) return 0;
    if (!is_accepted || library.command() != command_of(quick->type) ||
        library.request_id() != quick->request_id ||
        (quick->type != V3Pdu::response && library.varbinds() != quick->varbinds)) {
        std::abort();
    }
    if (quick->type == V3Pdu::inform) {
        const auto response = answer_quickly(*quick);
        if (!response) std::abort();
        const std::vector<std::uint8_t> bytes(response->begin(), response->end());
        if (ReceivedMessage::decode(bytes).command() != ReceivedMessage::Command::response)
            std::abort();
    }
    return 0;
}
