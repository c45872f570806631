#pragma once

// What a program tells the SNMP channel: who we are, who the others are, which keys. Plain values;
// lrad.cpp and dsad.cpp fill them from their configuration files. Nothing here is read from disk
// but the key files and state_dir.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace snmp_mib {

// RFC 7860 (HMAC-SHA-2). MD5 and SHA-1 are not offered.
enum class AuthenticationProtocol : std::uint8_t { sha256, sha384, sha512 };

// RFC 3826 (AES-128). AES-256 follows the expired Blumenthal draft: it works between our own
// programs and Net-SNMP, other managers may not understand it.
enum class PrivacyProtocol : std::uint8_t { aes128, aes256 };

// A key file belongs to its reader (mode 0600 or stricter) and holds one line: `passphrase TEXT` (8
// or more characters) or `master HEX` (the user's key Ku of RFC 3414 A.2, as long as the hash).
struct UsmUserConfiguration {
    std::string name;  // 1..32 bytes
    AuthenticationProtocol authentication = AuthenticationProtocol::sha256;
    std::string authentication_key_file;
    PrivacyProtocol privacy = PrivacyProtocol::aes128;
    std::string privacy_key_file;
    bool operator==(const UsmUserConfiguration&) const = default;
};

// What a peer may say. Nodes and voting agents of a pair of controllers say lines of the pair
// (pair_line.hpp): an agent to a node besides its confirmations, the other node nothing else.
enum class Conversation : std::uint8_t { reservations, reservations_and_pair, pair };

// The other end of the handshake: a drive sharing agent at the controller, a controller at an
// agent; or somebody of the same pair.
struct PeerConfiguration {
    std::string name;       // what its messages must say: agent.name or controller.id
    std::string address;    // "udp:HOST:PORT", "HOST:PORT" or "[IPv6]:PORT"
    std::string user;       // one of users[]; messages of this peer must come from this user
    std::string engine_id;  // hexadecimal; fixed when given, otherwise learnt from the first
                            // authenticated answer
    Conversation conversation = Conversation::reservations;
    std::string path_of;  // another address of this peer: what comes from it says that name
};

// What a message may be about: a controller takes confirmations and presence, an agent takes
// notices.
enum class ChannelRole : std::uint8_t { controller, agent };

enum class Delivery : std::uint8_t {
    inform,  // acknowledged by the receiver's engine
    trap,    // not acknowledged; the receiver must know our engine ID
};

struct SnmpChannelConfiguration {
    ChannelRole role = ChannelRole::controller;
    std::string
        own_name;  // controller.id or agent.name; messages addressed to another name are refused
    std::string
        listen;  // as PeerConfiguration::address; port 0 takes a free one, see listen_port()
    std::string engine_id;  // hexadecimal, 5..32 bytes; empty: made at random on the first start
                            // and kept in state_dir
    std::string state_dir;  // exists, writable: engine ID, boots and learnt engine IDs live in
                            // files below it
    std::vector<PeerConfiguration> peers;
    std::vector<UsmUserConfiguration> users;
    Delivery delivery = Delivery::inform;  // of reservation notices; everything else is an inform

    std::size_t informs_unanswered_max =
        64;  // a larger window loses answers in a default socket buffer
    std::uint32_t first_resend_ms =
        500;  // doubles with each attempt, with jitter, up to resend_max_ms
    std::uint32_t resend_max_ms = 2'000;
    std::uint32_t attempts_max = 8;             // transmissions of one message
    std::size_t messages_per_peer_max = 1'024;  // distinct `replaces` keys on their way to one peer
};

enum class ConsumerVersion : std::uint8_t { v2c, v3 };

// Somebody who wants alarms: a network management system.
struct ConsumerConfiguration {
    std::string address;  // as PeerConfiguration::address
    ConsumerVersion version = ConsumerVersion::v3;
    std::string user;             // v3: one of users[]
    std::string community;        // v2c
    bool allow_insecure = false;  // v2c is refused without it
    Delivery delivery = Delivery::inform;
};

// A tape library whose traps about its drives are taken as hints to look (library_hints.hpp).
struct HintSourceConfiguration {
    std::string library;  // its name, for people
    std::string address;  // an IP address
    ConsumerVersion version = ConsumerVersion::v3;
    std::string user;       // v3: one of users[]
    std::string community;  // v2c
};

struct ConsumersConfiguration {
    std::string controller;  // controller.id, said in each notification
    std::vector<ConsumerConfiguration> consumers;
    std::size_t queue_max =
        256;  // per consumer; when full the oldest waiting one is dropped and counted
    std::uint32_t attempts_max = 6;
};

}  // namespace snmp_mib
