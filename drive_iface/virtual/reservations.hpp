#pragma once

// Who may use one logical unit: RESERVE/RELEASE of SPC-2 (5.5) and persistent reservations of SPC-4
// (5.13), and how the two live together. A state machine of its own: it knows ports, keys and
// rules, nothing of commands and bytes.

#include <cstdint>
#include <optional>
#include <vector>

#include "agent/core/reservation.hpp"
#include "drive_iface/scsi/persistent_reserve.hpp"
#include "drive_iface/scsi/sense.hpp"

namespace drive_iface::virtual_library {

// A unit attention condition for the nexus of a port.
struct Attention {
    agent::core::InitiatorPort port;
    scsi::AdditionalSense sense;
    bool operator==(const Attention&) const = default;
};

// How a nexus stands to the reservation there is. One column of the conflict table each.
enum class Standing : std::uint8_t {
    no_reservation,
    legacy_holder,
    legacy_other,                   // RESERVE held by another nexus
    persistent_holder,              // under the all-registrants types: registered
    write_exclusive_other,          // type 1 held by another nexus
    exclusive_access_other,         // type 3 held by another nexus
    registrants_only_registered,    // types 5 and 6, registered, not the holder
    write_exclusive_unregistered,   // types 5 and 7
    exclusive_access_unregistered,  // types 6 and 8
};

// What an operation did.
struct ReservationEffects {
    enum class Verdict : std::uint8_t { good, conflict, illegal_request };
    Verdict verdict = Verdict::good;
    scsi::AdditionalSense sense;              // with illegal_request
    std::optional<scsi::FieldPointer> field;  // with illegal_request, where one field is to blame
    std::vector<Attention> attentions;
    std::vector<agent::core::InitiatorPort>
        unregistered_by_other;  // lost their registration to somebody else
    bool changed = false;       // anything of the state, the generation included
    bool taken_over = false;    // the reservation went straight from one holder to another
    bool operator==(const ReservationEffects&) const = default;
};

// Ports are told apart by transport, name and ISID; the address does not count. A refused operation
// changes nothing.
class Reservations {
  public:
    static constexpr std::size_t registrations_max = 128;

    struct Registration {
        agent::core::InitiatorPort port;
        std::uint64_t key = 0;
        bool operator==(const Registration&) const = default;
    };
    struct Persistent {
        scsi::PrType type = scsi::PrType::write_exclusive;
        agent::core::InitiatorPort
            holder;  // who made it; under the all-registrants types every registrant holds it
        bool operator==(const Persistent&) const = default;
    };

    // ---- commands, from the port that sent them

    // `kind` is reserve6 or reserve10.
    ReservationEffects reserve(const agent::core::InitiatorPort& port,
                               agent::core::ReservationKind kind);
    ReservationEffects release(const agent::core::InitiatorPort& port);
    // All service actions but REGISTER AND MOVE. `scope_type` is byte 2 of the CDB.
    ReservationEffects persistent_reserve_out(const agent::core::InitiatorPort& port,
                                              scsi::PrOutAction action, std::uint8_t scope_type,
                                              const scsi::PrOutParameters& parameters);
    ReservationEffects register_and_move(const agent::core::InitiatorPort& port,
                                         const scsi::RegisterAndMoveParameters& parameters);

    // ---- events

    void nexus_established(
        const agent::core::InitiatorPort& port);  // remembers the address it comes from now
    ReservationEffects nexus_lost(const agent::core::InitiatorPort& port);
    ReservationEffects reset();  // logical unit or target reset: ends what RESERVE holds
    ReservationEffects
    power_cycle();  // also ends what is persistent unless APTPL was asked for last

    ReservationEffects lose();  // forgets everything, for no reason

    // ---- questions

    [[nodiscard]] Standing standing(const agent::core::InitiatorPort& port) const;
    [[nodiscard]] bool is_registered(const agent::core::InitiatorPort& port) const;
    // RESERVE and RELEASE conflict while anybody is registered (SPC-2 5.5.1), except for who holds
    // the persistent reservation or is registered under a registrants-only or all-registrants type
    // (SPC-4 5.13.3, CRH): for them they are GOOD and change nothing. RESERVE conflicts with
    // RESERVE of another nexus.
    [[nodiscard]] bool reserve_conflicts(const agent::core::InitiatorPort& port) const;
    [[nodiscard]] bool release_conflicts(const agent::core::InitiatorPort& port) const;

    [[nodiscard]] const std::vector<Registration>& registrations() const { return registrations_; }
    [[nodiscard]] const std::optional<Persistent>& persistent() const { return persistent_; }
    [[nodiscard]] bool holds_persistent(const agent::core::InitiatorPort& port) const;
    [[nodiscard]] std::uint32_t generation() const { return generation_; }
    [[nodiscard]] bool persists_through_power_loss() const { return persists_; }
    [[nodiscard]] agent::core::Reservation described() const;

    // What a drive remembers over power loss. False: the parts contradict each other and nothing is
    // taken.
    [[nodiscard]] bool restore(std::vector<Registration> registrations,
                               std::optional<Persistent> persistent);

    bool operator==(const Reservations&) const = default;

  private:
    struct Legacy {
        agent::core::InitiatorPort holder;
        agent::core::ReservationKind kind = agent::core::ReservationKind::reserve6;
        bool operator==(const Legacy&) const = default;
    };

    [[nodiscard]] const Registration* find(const agent::core::InitiatorPort& port) const;
    [[nodiscard]] bool registered_with(const agent::core::InitiatorPort& port,
                                       std::uint64_t key) const;
    [[nodiscard]] std::uint64_t holder_key() const;
    [[nodiscard]] bool exempt_from_spc2_rules(const agent::core::InitiatorPort& port) const;

    ReservationEffects register_key(const agent::core::InitiatorPort& port,
                                    const scsi::PrOutParameters& parameters,
                                    bool ignore_existing_key);
    ReservationEffects unregister(const agent::core::InitiatorPort& port);
    ReservationEffects reserve_persistent(const agent::core::InitiatorPort& port,
                                          scsi::PrType type);
    ReservationEffects release_persistent(const agent::core::InitiatorPort& port,
                                          std::uint8_t scope_type);
    ReservationEffects clear(const agent::core::InitiatorPort& port);
    ReservationEffects preempt(const agent::core::InitiatorPort& port, scsi::PrType type,
                               std::uint64_t victim_key);
    ReservationEffects preempt_reservation(const agent::core::InitiatorPort& port,
                                           scsi::PrType type, std::uint64_t victim_key);
    ReservationEffects preempt_registrations(const agent::core::InitiatorPort& port,
                                             std::uint64_t victim_key);

    void remove(const agent::core::InitiatorPort& port);
    void attend_others(ReservationEffects& effects, const agent::core::InitiatorPort& except,
                       scsi::AdditionalSense sense) const;

    std::optional<Legacy> legacy_;
    std::vector<Registration> registrations_;  // in the order they came
    std::optional<Persistent> persistent_;
    std::uint32_t generation_ = 0;
    bool persists_ = false;
};

// The same port as far as reservations go: transport, name and ISID.
[[nodiscard]] bool same_port(const agent::core::InitiatorPort& a,
                             const agent::core::InitiatorPort& b);

}  // namespace drive_iface::virtual_library
