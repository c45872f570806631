#pragma once

// Users of the user-based security model: keys derived once, localized per engine (RFC 3414 2.6).

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "agent/core/result.hpp"
#include "snmp_mib/datagram.hpp"
#include "snmp_mib/engine_clock.hpp"
#include "snmp_mib/message_seal.hpp"
#include "snmp_mib/snmp_configuration.hpp"

namespace snmp_mib {

// Ku of both protocols. Wiped on destruction.
struct UsmUserKeys {
    std::string name;
    AuthenticationProtocol authentication = AuthenticationProtocol::sha256;
    PrivacyProtocol privacy = PrivacyProtocol::aes128;
    std::string authentication_master;
    std::string privacy_master;

    UsmUserKeys() = default;
    UsmUserKeys(const UsmUserKeys&) = default;
    UsmUserKeys(UsmUserKeys&&) = default;
    UsmUserKeys& operator=(const UsmUserKeys&) = default;
    UsmUserKeys& operator=(UsmUserKeys&&) = default;
    ~UsmUserKeys();
};

// Reads the key files. Takes about 4 ms per passphrase (a megabyte is hashed), nothing for a master
// key or a passphrase that was derived before.
[[nodiscard]] agent::core::Result<UsmUserKeys> load_user(const UsmUserConfiguration& user);

// Kept for engine `engine_id`, with keys localized to it; replaces an entry of the same name and
// engine. The library does not see it before show_user() or show_all_users().
[[nodiscard]] agent::core::Outcome add_user(const UsmUserKeys& user, const std::string& engine_id);
// Did somebody who knows the user's key write this datagram (RFC 3414 6.3.2)? Looked at without the
// library's lists, so that a stranger's engine ID leaves nothing behind. `envelope` is the
// datagram's own.
[[nodiscard]] bool is_authentic(const UsmUserKeys& user, const V3Envelope& envelope,
                                std::span<const std::uint8_t> datagram);
void remove_user(const std::string& name, const std::string& engine_id);

// A user that was added, ready for its messages at this engine.
struct UserAtEngine {
    std::unique_ptr<MessageSeal> seal;  // never null
    EngineClock clock;
};
// Null: it was not added. Borrowed until it is added again or removed.
[[nodiscard]] UserAtEngine* find_user(const std::string& name, const std::string& engine_id);

// The library looks for a message's user in a list, from its beginning: with a thousand agents that
// is half of what a message costs. So the list has one entry, that of the message at hand, or none
// when it is nobody's. To be called before a message is encoded or decoded.
void show_user(const std::string& name, const std::string& engine_id);
// For a process whose messages the library decodes by itself: all are in the list from now on.
void show_all_users();

}  // namespace snmp_mib
