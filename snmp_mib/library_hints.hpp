#pragma once

// Traps of tape libraries, taken from the notification socket as hints to look at drives. Whatever
// they say, they change nothing by themselves.

#include <asio/ip/address.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "agent/core/result.hpp"
#include "snmp_mib/library_trap.hpp"
#include "snmp_mib/message_receiver.hpp"
#include "snmp_mib/snmp_configuration.hpp"
#include "snmp_mib/snmp_counters.hpp"
#include "snmp_mib/usm_users.hpp"
#include "snmp_mib/varbind.hpp"

namespace snmp_mib {

class LibraryHints {
  public:
    // Errors: an address that is no IP address or stands twice; a user that is not in `users`.
    [[nodiscard]] static agent::core::Result<LibraryHints> from(
        const std::vector<HintSourceConfiguration>& sources,
        const std::map<std::string, UsmUserKeys>& users, SnmpCounters& counters,
        LibraryHintHandler on_hint);

    // Not taken: not from a library, or not its kind of message; somebody else may want it.
    // Versions 1 and 2c need the community, version 3 a trap that its user has authenticated and
    // encrypted. Only an engine ID that somebody with the user's key has sent gets as far as the
    // SNMP library, which keeps each for ever, and of those at most `engines_max` for a library.
    Overheard take(std::span<const std::uint8_t> datagram, const asio::ip::address& from);

    // An inform of version 3 goes the way of all informs to our engine: what has been authenticated
    // and decrypted there is shown here. True: it is from this user of a library at this address.
    bool take_inform(const ReceivedMessage& inform, const asio::ip::address& from);
    // Where such informs come from.
    [[nodiscard]] std::set<asio::ip::address> addresses_of_v3() const;

  private:
    static constexpr std::size_t engines_max = 16;
    struct Source {
        HintSourceConfiguration configuration;
        UsmUserKeys keys;               // version 3
        std::set<std::string> engines;  // known to the SNMP library
    };
    LibraryHints(SnmpCounters& counters, LibraryHintHandler on_hint)
        : counters_(&counters), on_hint_(std::move(on_hint)) {}
    bool take_v3(Source& source, std::span<const std::uint8_t> datagram);
    void hint(const Source& source, const Oid& trap, const std::vector<Varbind>& varbinds);

    SnmpCounters* counters_;
    LibraryHintHandler on_hint_;
    std::map<asio::ip::address, Source> sources_;
};

}  // namespace snmp_mib
