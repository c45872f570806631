#pragma once

// The snmp object, which lrad.json and dsad.json share.

#include <cstdint>
#include <string>
#include <vector>

#include "agent/runtime/address_text.hpp"
#include "agent/runtime/configuration.hpp"

namespace agent::runtime {

enum class SnmpAuthentication : std::uint8_t { sha256, sha384, sha512 };
enum class SnmpPrivacy : std::uint8_t { aes128, aes256 };
enum class SnmpDelivery : std::uint8_t { inform, trap };
enum class SnmpVersion : std::uint8_t { v2c, v3 };

// A user of the SNMPv3 user-based security model; always authPriv.
struct SnmpUser {
    std::string name;  // security name
    SnmpAuthentication authentication = SnmpAuthentication::sha256;
    std::string authentication_key;       // passphrase, as read from its key file
    std::string authentication_key_file;  // its full path
    SnmpPrivacy privacy = SnmpPrivacy::aes128;
    std::string privacy_key;
    std::string privacy_key_file;
    bool operator==(const SnmpUser&) const = default;
};

// Somebody who wants to hear of alarms: a management station.
struct SnmpConsumer {
    AddressText address;
    SnmpVersion version = SnmpVersion::v3;
    std::string user;       // v3
    std::string community;  // v2c
    SnmpDelivery delivery = SnmpDelivery::inform;
};

// A tape library whose traps are taken as hints to look at its drives.
struct SnmpHintSource {
    std::string library;
    std::string address;  // an IP address
    SnmpVersion version = SnmpVersion::v3;
    std::string user;       // v3
    std::string community;  // v2c
};

struct SnmpConfiguration {
    AddressText listen;                   // where notifications arrive
    std::vector<std::uint8_t> engine_id;  // 5 to 32 bytes; empty: made once and kept in the store
    SnmpDelivery delivery = SnmpDelivery::inform;
    std::vector<SnmpUser> users;
    std::vector<SnmpConsumer> consumers;  // lrad only
    std::vector<SnmpHintSource> hints;    // lrad only
    AddressText
        mib_listen;  // lrad only: where lra-mibd answers when it is standalone; host empty: off
    std::vector<std::string> mib_writers;  // users that may change drives there
    std::string agentx;                    // socket of snmpd, as Net-SNMP writes it; empty: off
    std::uint32_t heartbeat_s = 0;         // to consumers; 0: none
    std::uint32_t refused_per_minute = 0;  // messages not believed, before there is an alarm
};

// The schema's keys, and their values; errors are appended.
[[nodiscard]] ValueShape lrad_snmp_shape();
[[nodiscard]] ValueShape dsad_snmp_shape();
[[nodiscard]] SnmpConfiguration snmp_configuration(const Configuration& configuration,
                                                   ConfigurationErrors& errors);

// Is `user` one of snmp.users[]? If not, an error at `path` is appended.
void check_snmp_user(const Configuration& configuration, const SnmpConfiguration& snmp,
                     const std::string& path, const std::string& user, ConfigurationErrors& errors);

}  // namespace agent::runtime
