#pragma once

// What happened to datagrams and messages, one count per cause. Names as shown by the control
// socket.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace snmp_mib {

enum class SnmpCount : std::uint8_t {
    // received
    datagrams_received,
    messages_delivered,  // to the handler
    acknowledgements_sent,
    discoveries_answered,
    reports_sent,
    // dropped before any parser
    dropped_source,  // from an address that is no peer's
    dropped_oversize,
    dropped_malformed,       // not the outer shape of an SNMPv3 message
    dropped_version,         // SNMPv1 or v2c
    dropped_security_model,  // not the user-based security model
    dropped_engine,          // for another engine, or from one that is not known
    dropped_security_level,  // less than authenticated and encrypted
    dropped_rate,            // more discovery requests than anybody needs
    // refused by the security model
    refused_unknown_user,
    refused_wrong_key,
    refused_time_window,  // replayed, or from before a restart
    refused_decryption,
    refused_parse,
    refused_repeated,  // a message that was taken already, sent again as it was
    // authenticated, and still not believed
    refused_user_not_a_peer,
    refused_command,  // not a notification
    refused_content,  // unknown notification, wrong, missing or oversized varbind
    refused_name,     // says a name that does not belong to its user, or addresses someone else
    refused_role,     // a message that this side does not take
    // traps of tape libraries
    hints_taken,    // led to a look
    hints_ignored,  // not about a drive's state
    hints_refused,  // wrong community, user or key
    // sent
    messages_sent,  // first transmissions
    messages_resent,
    messages_acknowledged,
    messages_superseded,
    messages_given_up,
    messages_unknown_peer,
    messages_not_queued,  // more than messages_per_peer_max
    send_failed,          // the socket or the encoder refused
    probes_sent,
    answers_late,        // acknowledges an earlier transmission: counts
    answers_unexpected,  // nobody waits for it, or it comes from another address or engine
    reports_received,
    peer_engine_changes,
    library_messages,
    library_messages_suppressed,
};
inline constexpr std::size_t snmp_count_kinds =
    static_cast<std::size_t>(SnmpCount::library_messages_suppressed) + 1;

[[nodiscard]] std::string_view to_text(SnmpCount value);

class SnmpCounters {
  public:
    void add(SnmpCount what) { ++values_[static_cast<std::size_t>(what)]; }
    [[nodiscard]] std::uint64_t of(SnmpCount what) const {
        return values_[static_cast<std::size_t>(what)];
    }

  private:
    std::array<std::uint64_t, snmp_count_kinds> values_{};
};

}  // namespace snmp_mib
