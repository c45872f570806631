#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace agent::core {

// Unit serial number of a drive, VPD page 80h with blanks and NULs trimmed at both ends
// (SPC-4 7.8.10). The identity of a drive everywhere; device nodes and addresses only lead to it.
struct DriveSerial {
    std::string text;
    auto operator<=>(const DriveSerial&) const = default;
};

enum class Transport : std::uint8_t { unknown, fc, iscsi, sas, srp };

// The port that sent a command to the drive (SPC-4 7.6.4, TransportID).
struct InitiatorPort {
    Transport transport = Transport::unknown;
    std::string
        name;  // fc, sas: 16 lower-case hex digits; srp: 32; iscsi: the iSCSI name, lower case
    std::string isid;     // iscsi only: 12 lower-case hex digits, empty when not known
    std::string address;  // IP address the session came from, empty when not known; never part of
                          // the identity
    auto operator<=>(const InitiatorPort&) const = default;
};

// Do both describe the same host port? An iSCSI host comes back with another ISID after a new login
// and is still the same host, so ISID and address do not count.
[[nodiscard]] bool same_host_port(const InitiatorPort& a, const InitiatorPort& b);

// The form used in notices and in the shell: "fc:2100000e1e09a1b0",
// "iscsi:iqn.x:y,i,0x00023d000001@192.0.2.17".
[[nodiscard]] std::string to_text(const InitiatorPort& port);
[[nodiscard]] std::optional<InitiatorPort> initiator_port_from_text(std::string_view text);

enum class ReservationState : std::uint8_t { free, reserved, unknown };

enum class ReservationKind : std::uint8_t {
    none,
    reserve6,    // RESERVE(6), SPC-2 7.21
    reserve10,   // RESERVE(10), SPC-2 7.22
    legacy,      // one of the two above; a third party can not tell which (SPC-2 5.5.1)
    persistent,  // PERSISTENT RESERVE OUT, SPC-4 5.13
};
// By RESERVE(6) or (10), whichever of the two.
[[nodiscard]] constexpr bool is_legacy(ReservationKind kind) {
    return kind == ReservationKind::reserve6 || kind == ReservationKind::reserve10 ||
           kind == ReservationKind::legacy;
}

// TYPE and RESERVATION KEY of a persistent reservation (SPC-4 6.15.3). The key is 0 for the
// all-registrants types.
struct PersistentReservation {
    std::uint8_t type = 0;
    std::uint64_t key = 0;
    auto operator<=>(const PersistentReservation&) const = default;
};

// 16 lower-case hexadecimal digits, as `sg_persist` and drive events write keys.
[[nodiscard]] std::string reservation_key_text(std::uint64_t key);
// 16 hexadecimal digits, "0x" before them allowed; nothing for 0, which is no key.
[[nodiscard]] std::optional<std::uint64_t> reservation_key_from_text(std::string_view text);

// Who may use a drive, as far as can be told.
struct Reservation {
    ReservationState state = ReservationState::unknown;
    ReservationKind kind = ReservationKind::none;
    std::optional<PersistentReservation> persistent;
    std::vector<InitiatorPort>
        holders;  // sorted; empty while reserved means the holder is not known
    bool operator==(const Reservation&) const = default;
};

// How the holder is known, strongest first.
enum class HolderEvidence : std::uint8_t {
    drive_event,    // the drive itself said so as it happened
    full_status,    // PERSISTENT RESERVE IN, READ FULL STATUS
    key,            // reservation key found in a configured map
    conflict_list,  // DT device status log page, potential conflict list: a probable user
    host_asserted,  // a host's agent says its application holds it
    none,
};

// What a drive can be used for, as seen by the library controller.
enum class OperationalState : std::uint8_t {
    online,
    forced_offline,  // the drive reports 04h/44h/00h to everyone until an administrator clears it
    unprotected,  // should be forced offline, but the drive could not be made to; it is tried again
                  // and again
    unreachable,  // the controller can not talk to the drive; its reservation is the last one known
};

// Fixed names of enumerators, as they stand in JSON, in the store and in the shell.
[[nodiscard]] std::string_view to_text(Transport value);
[[nodiscard]] std::string_view to_text(ReservationState value);
[[nodiscard]] std::string_view to_text(ReservationKind value);
[[nodiscard]] std::string_view to_text(HolderEvidence value);
[[nodiscard]] std::string_view to_text(OperationalState value);
[[nodiscard]] std::optional<Transport> transport_from_text(std::string_view text);
[[nodiscard]] std::optional<ReservationState> reservation_state_from_text(std::string_view text);
[[nodiscard]] std::optional<ReservationKind> reservation_kind_from_text(std::string_view text);
[[nodiscard]] std::optional<HolderEvidence> holder_evidence_from_text(std::string_view text);
[[nodiscard]] std::optional<OperationalState> operational_state_from_text(std::string_view text);

}  // namespace agent::core
