#pragma once

// Traps of tape libraries about their drives. None of them says who reserves a drive; they are
// hints to look, and nothing else. Pure.

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/reservation.hpp"
#include "snmp_mib/varbind.hpp"

namespace snmp_mib {

// A notification with a community: the Trap-PDU of version 1 (RFC 1157 4.1.6), or the
// SNMPv2-Trap-PDU or InformRequest-PDU of version 2c (RFC 3416 3, RFC 1901). Values but OCTET
// STRING and OBJECT IDENTIFIER are told as OtherType.
struct CommunityTrap {
    std::string community;
    // snmpTrapOID; of version 1 what RFC 3584 3.1 makes of enterprise, generic and specific trap.
    // Empty when a version 2c notification does not say.
    Oid trap;
    std::vector<Varbind> varbinds;
    std::string response;  // to an inform: the datagram to send back; empty for traps
};
// Nothing for anything else, and for one with more than 64 variables.
[[nodiscard]] std::optional<CommunityTrap> community_trap_of(
    std::span<const std::uint8_t> datagram);

// What a trap about a drive's state is called, by its snmpTrapOID; nothing for all others. Known:
// SNIA SML driveOpStatusChanged; Quantum driveModeChange, driveStateChange, driveRASStatusChange
// and driveOnlineStateChange; Oracle StorageTek drive good and drive check.
[[nodiscard]] std::optional<std::string_view> drive_trap_name(const Oid& trap);

// The snmpTrapOID among the variables of a trap.
[[nodiscard]] std::optional<Oid> trap_oid_of(std::span<const Varbind> varbinds);

// Which of `drives` the variables name: each whose serial number stands in some text as a word of
// its own. Empty: none, so that every drive of that library is meant.
[[nodiscard]] std::vector<agent::core::DriveSerial> drives_named_in(
    std::span<const Varbind> varbinds, const std::vector<agent::core::DriveSerial>& drives);

// A trap of a library about a drive's state, `trap` as drive_trap_name() calls it.
using LibraryHintHandler = std::function<void(const std::string& library, const std::string& trap,
                                              const std::vector<Varbind>& varbinds)>;

}  // namespace snmp_mib
