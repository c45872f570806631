#pragma once

// Object identifiers of TAPE-LIBRARY-RESERVATION-MIB. A unit test compares each with the module's
// text. To move the module below an enterprise number of your own: change `module_root` here and
// the MODULE-IDENTITY line there.

#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <vector>

#include "snmp_mib/varbind.hpp"

namespace snmp_mib::oids {

// tlrMIB = { netSnmpPlaypen 8433 }; the playpen is Net-SNMP's arc for private use (NET-SNMP-MIB).
inline const Oid module_root{1, 3, 6, 1, 4, 1, 8072, 9999, 9999, 8433};

[[nodiscard]] inline Oid below(const Oid& parent, std::initializer_list<std::uint32_t> rest) {
    Oid result = parent;
    result.insert(result.end(), rest);
    return result;
}

// tlrMIB.0: a notification's parent arc ends in 0 so that SNMPv1 proxies can map it (RFC 2578 8.5).
enum class Notification : std::uint32_t {
    reservation_notice = 1,
    notice_confirmation = 2,
    agent_started = 3,
    agent_stopping = 4,
    holder_inquiry = 5,
    holder_statement = 6,
    test = 7,
    heartbeat = 8,
    pair_message = 9,
    pair_role_changed = 10,
    handshake_incomplete = 11,
    handshake_completed = 12,
    drive_forced_offline = 13,
    drive_cleared = 14,
    drive_unprotected = 15,
    drive_protected = 16,
    drive_unreachable = 17,
    drive_reachable = 18,
    holder_unknown = 19,
    holder_known = 20,
    agent_lost = 21,
    agent_returned = 22,
    drive_concern = 23,
    drive_concern_over = 24,
    refusals_many = 25,
    refusals_over = 26,
    pair_trouble = 27,
    pair_trouble_over = 28,
};

// tlrMIB.2: what notifications carry; instance .0.
enum class NotifyObject : std::uint32_t {
    controller = 1,
    drive = 2,
    notice = 3,
    reservation = 4,
    holders = 5,
    domain = 6,
    agent = 7,
    result = 8,
    detail = 9,
    incarnation = 10,
    sequence = 11,
    alarm_kind = 12,
    severity = 13,
    raised_at = 14,
    text = 15,
    request = 16,
    answer = 17,
    release = 18,
    active_alarms = 19,
    interval = 20,
    sender = 21,
    receiver = 22,
    pair_line = 23,
    pair_state = 24,
    pair_epoch = 25,
};

// tlrMIB.1.1: scalars; instance .0.
enum class Scalar : std::uint32_t {
    controller = 1,
    version = 2,
    started_at = 3,
    epoch = 4,
    reservation_changes = 5,
    notices_sent = 6,
    confirmations_received = 7,
    handshakes_incomplete = 8,
    drives_forced_offline = 9,
    messages_refused = 10,
    snapshot_age = 11,  // of what the helper was fed: not fed itself
    active_alarms = 12,
    notifications_sent = 13,
    notifications_lost = 14,
    drive_changes_by_snmp = 15,
    pair_name = 16,
    pair_state = 17,
    pair_epoch = 18,
    pair_acts = 19,
    pair_peer_heard = 20,
    pair_copy = 21,
    pair_lag = 22,
};

// tlrMIB.1.N: tables; columns are below N.1.
enum class Table : std::uint32_t {
    drive = 2,
    agent = 3,
    handshake = 4,
    event = 5,
    alarm = 6,
    consumer = 7,
    pair = 8,
};

[[nodiscard]] inline Oid of(Notification which) {
    return below(module_root, {0, static_cast<std::uint32_t>(which)});
}
[[nodiscard]] inline Oid of(NotifyObject which) {
    return below(module_root, {2, static_cast<std::uint32_t>(which), 0});
}
[[nodiscard]] inline Oid of(Scalar which) {
    return below(module_root, {1, 1, static_cast<std::uint32_t>(which)});
}
[[nodiscard]] inline Oid of(Table which) {
    return below(module_root, {1, static_cast<std::uint32_t>(which)});
}

// RFC 3418: sysUpTime.0 and snmpTrapOID.0 lead every notification (RFC 3416 4.2.6).
inline const Oid sys_up_time_0{1, 3, 6, 1, 2, 1, 1, 3, 0};
inline const Oid snmp_trap_oid_0{1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0};

// RFC 3414 5: the usmStats object that a Report names as its reason.
enum class UsmReport : std::uint32_t {
    unsupported_security_level = 1,
    not_in_time_window = 2,
    unknown_user_name = 3,
    unknown_engine_id = 4,
    wrong_digest = 5,
    decryption_error = 6,
};
inline const Oid usm_stats{1, 3, 6, 1, 6, 3, 15, 1, 1};
[[nodiscard]] inline Oid of(UsmReport which) {
    return below(usm_stats, {static_cast<std::uint32_t>(which), 0});
}

}  // namespace snmp_mib::oids
