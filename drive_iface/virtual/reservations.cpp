#include "drive_iface/virtual/reservations.hpp"

#include <algorithm>

#include "agent/core/assert.hpp"

namespace drive_iface::virtual_library {
namespace {

using agent::core::InitiatorPort;
using agent::core::ReservationKind;
using scsi::PrOutAction;
using scsi::PrType;
using Verdict = ReservationEffects::Verdict;

ReservationEffects conflict() {
    return {.verdict = Verdict::conflict};
}

ReservationEffects changed() {
    return {.changed = true};
}

ReservationEffects invalid_parameter(std::uint16_t byte, std::optional<std::uint8_t> bit = {}) {
    return {.verdict = Verdict::illegal_request,
            .sense = scsi::additional_sense::invalid_field_in_parameter_list,
            .field = scsi::FieldPointer{.in_cdb = false, .byte = byte, .bit = bit}};
}

ReservationEffects invalid_cdb(std::uint16_t byte, std::optional<std::uint8_t> bit = {}) {
    return {.verdict = Verdict::illegal_request,
            .sense = scsi::additional_sense::invalid_field_in_cdb,
            .field = scsi::FieldPointer{.in_cdb = true, .byte = byte, .bit = bit}};
}

// SCOPE 0h (logical unit) and one of the six types, SPC-4 6.15.3.3.
std::optional<PrType> type_of(std::uint8_t scope_type) {
    if ((scope_type >> 4) != 0) return std::nullopt;
    return scsi::pr_type_from_code(scope_type & 0x0f);
}

constexpr std::uint16_t service_action_key_byte = 8;
constexpr std::uint16_t flags_byte = 20;

}  // namespace

bool same_port(const InitiatorPort& a, const InitiatorPort& b) {
    return a.transport == b.transport && a.name == b.name && a.isid == b.isid;
}

// ---- questions
// ------------------------------------------------------------------------------------------------------

const Reservations::Registration* Reservations::find(const InitiatorPort& port) const {
    const auto found =
        std::find_if(registrations_.begin(), registrations_.end(),
                     [&port](const Registration& entry) { return same_port(entry.port, port); });
    return found == registrations_.end() ? nullptr : &*found;
}

bool Reservations::is_registered(const InitiatorPort& port) const {
    return find(port) != nullptr;
}

bool Reservations::registered_with(const InitiatorPort& port, std::uint64_t key) const {
    const Registration* registration = find(port);
    return registration != nullptr && registration->key == key;
}

bool Reservations::holds_persistent(const InitiatorPort& port) const {
    if (!persistent_) return false;
    return scsi::is_all_registrants(persistent_->type) ? is_registered(port)
                                                       : same_port(persistent_->holder, port);
}

std::uint64_t Reservations::holder_key() const {
    AGENT_ASSERT(persistent_ && is_registered(persistent_->holder));
    return find(persistent_->holder)->key;
}

Standing Reservations::standing(const InitiatorPort& port) const {
    if (legacy_)
        return same_port(legacy_->holder, port) ? Standing::legacy_holder : Standing::legacy_other;
    if (!persistent_) return Standing::no_reservation;
    if (holds_persistent(port)) return Standing::persistent_holder;
    switch (persistent_->type) {
        case PrType::write_exclusive:
            return Standing::write_exclusive_other;
        case PrType::exclusive_access:
            return Standing::exclusive_access_other;
        case PrType::write_exclusive_registrants_only:
        case PrType::write_exclusive_all_registrants:
            return is_registered(port) ? Standing::registrants_only_registered
                                       : Standing::write_exclusive_unregistered;
        case PrType::exclusive_access_registrants_only:
        case PrType::exclusive_access_all_registrants:
            return is_registered(port) ? Standing::registrants_only_registered
                                       : Standing::exclusive_access_unregistered;
    }
    return Standing::exclusive_access_other;
}

bool Reservations::exempt_from_spc2_rules(const InitiatorPort& port) const {
    if (!persistent_) return false;
    const bool registrants =
        scsi::is_registrants_only(persistent_->type) || scsi::is_all_registrants(persistent_->type);
    return holds_persistent(port) || (registrants && is_registered(port));
}

bool Reservations::release_conflicts(const InitiatorPort& port) const {
    return !registrations_.empty() && !exempt_from_spc2_rules(port);
}

bool Reservations::reserve_conflicts(const InitiatorPort& port) const {
    return release_conflicts(port) || (legacy_ && !same_port(legacy_->holder, port));
}

agent::core::Reservation Reservations::described() const {
    agent::core::Reservation reservation{.state = agent::core::ReservationState::free,
                                         .kind = ReservationKind::none,
                                         .persistent = {},
                                         .holders = {}};
    if (legacy_) {
        reservation.state = agent::core::ReservationState::reserved;
        reservation.kind = legacy_->kind;
        reservation.holders = {legacy_->holder};
    } else if (persistent_) {
        const bool all = scsi::is_all_registrants(persistent_->type);
        reservation.state = agent::core::ReservationState::reserved;
        reservation.kind = ReservationKind::persistent;
        reservation.persistent = agent::core::PersistentReservation{
            .type = static_cast<std::uint8_t>(persistent_->type), .key = all ? 0 : holder_key()};
        for (const Registration& entry : registrations_) {
            if (holds_persistent(entry.port)) reservation.holders.push_back(entry.port);
        }
        std::sort(reservation.holders.begin(), reservation.holders.end());
    }
    return reservation;
}

// ---- RESERVE and RELEASE of SPC-2
// -----------------------------------------------------------------------------------

ReservationEffects Reservations::reserve(const InitiatorPort& port, ReservationKind kind) {
    if (reserve_conflicts(port)) return conflict();
    if (exempt_from_spc2_rules(port) || legacy_) return {};  // it has what it asks for
    legacy_ = Legacy{.holder = port, .kind = kind};
    return changed();
}

ReservationEffects Reservations::release(const InitiatorPort& port) {
    if (release_conflicts(port)) return conflict();
    // From anyone but the holder it is GOOD and releases nothing (SPC-2 7.16).
    if (!legacy_ || !same_port(legacy_->holder, port)) return {};
    legacy_.reset();
    return changed();
}

// ---- PERSISTENT RESERVE OUT
// -----------------------------------------------------------------------------------------

ReservationEffects Reservations::persistent_reserve_out(const InitiatorPort& port,
                                                        PrOutAction action, std::uint8_t scope_type,
                                                        const scsi::PrOutParameters& parameters) {
    if (legacy_) return conflict();  // SPC-2 5.5.1: even for the holder
    const auto type = type_of(scope_type);
    const bool needs_type = action == PrOutAction::reserve || action == PrOutAction::release ||
                            action == PrOutAction::preempt ||
                            action == PrOutAction::preempt_and_abort;
    if (needs_type && !type) return invalid_cdb(2);

    const bool registers = action == PrOutAction::register_key ||
                           action == PrOutAction::register_and_ignore_existing_key;
    if (registers) {
        return register_key(port, parameters,
                            action == PrOutAction::register_and_ignore_existing_key);
    }
    if (!registered_with(port, parameters.reservation_key)) return conflict();
    switch (action) {
        case PrOutAction::reserve:
            return reserve_persistent(port, *type);
        case PrOutAction::release:
            return release_persistent(port, scope_type);
        case PrOutAction::clear:
            return clear(port);
        case PrOutAction::preempt:
        case PrOutAction::preempt_and_abort:
            return preempt(port, *type, parameters.service_action_reservation_key);
        case PrOutAction::register_key:
        case PrOutAction::register_and_ignore_existing_key:
        case PrOutAction::register_and_move:
            break;
    }
    return invalid_cdb(1, 4);
}

// SPC-4 5.13.7, tables for REGISTER and REGISTER AND IGNORE EXISTING KEY.
ReservationEffects Reservations::register_key(const InitiatorPort& port,
                                              const scsi::PrOutParameters& parameters,
                                              bool ignore_existing_key) {
    // Both as REPORT CAPABILITIES says: SIP_C and ATP_C are 0.
    if (parameters.specify_initiator_ports) return invalid_parameter(flags_byte, 3);
    if (parameters.all_target_ports) return invalid_parameter(flags_byte, 2);

    const Registration* existing = find(port);
    const std::uint64_t expected_key = existing != nullptr ? existing->key : 0;
    if (!ignore_existing_key && parameters.reservation_key != expected_key) return conflict();

    const std::uint64_t key = parameters.service_action_reservation_key;
    if (existing == nullptr && key == 0) return {};
    if (existing == nullptr && registrations_.size() >= registrations_max) {
        return {.verdict = Verdict::illegal_request,
                .sense = scsi::additional_sense::insufficient_registration_resources};
    }
    ReservationEffects effects = changed();
    if (existing == nullptr) {
        registrations_.push_back({.port = port, .key = key});
    } else if (key != 0) {
        const auto index = static_cast<std::size_t>(existing - registrations_.data());
        registrations_[index].key = key;
    } else {
        effects = unregister(port);
    }
    persists_ = parameters.persist;  // the last one to say so decides for the logical unit
    ++generation_;
    return effects;
}

// SPC-4 5.13.11.3.
ReservationEffects Reservations::unregister(const InitiatorPort& port) {
    ReservationEffects effects = changed();
    const bool held = holds_persistent(port);
    remove(port);
    if (!held) return effects;
    if (scsi::is_all_registrants(persistent_->type)) {
        if (registrations_.empty()) {
            persistent_.reset();
        } else if (same_port(persistent_->holder, port)) {
            persistent_->holder = registrations_.front().port;
        }
        return effects;
    }
    if (scsi::is_registrants_only(persistent_->type)) {
        attend_others(effects, port, scsi::additional_sense::reservations_released);
    }
    persistent_.reset();
    return effects;
}

// SPC-4 5.13.9.
ReservationEffects Reservations::reserve_persistent(const InitiatorPort& port, PrType type) {
    if (persistent_) {
        const bool has_it_already = holds_persistent(port) && persistent_->type == type;
        return has_it_already ? ReservationEffects{} : conflict();
    }
    persistent_ = Persistent{.type = type, .holder = port};
    return changed();
}

// SPC-4 5.13.11.2.
ReservationEffects Reservations::release_persistent(const InitiatorPort& port,
                                                    std::uint8_t scope_type) {
    if (!holds_persistent(port)) return {};
    if (static_cast<std::uint8_t>(persistent_->type) != scope_type) {
        return {.verdict = Verdict::illegal_request,
                .sense = scsi::additional_sense::invalid_release_of_persistent_reservation};
    }
    ReservationEffects effects = changed();
    if (scsi::is_registrants_only(persistent_->type) ||
        scsi::is_all_registrants(persistent_->type)) {
        attend_others(effects, port, scsi::additional_sense::reservations_released);
    }
    persistent_.reset();
    return effects;
}

// SPC-4 5.13.11.6.
ReservationEffects Reservations::clear(const InitiatorPort& port) {
    ReservationEffects effects = changed();
    attend_others(effects, port, scsi::additional_sense::reservations_preempted);
    for (const Attention& attention : effects.attentions)
        effects.unregistered_by_other.push_back(attention.port);
    registrations_.clear();
    persistent_.reset();
    ++generation_;
    return effects;
}

// SPC-4 5.13.11.4: which of the two preemptions it is depends on whose key is named.
ReservationEffects Reservations::preempt(const InitiatorPort& port, PrType type,
                                         std::uint64_t victim_key) {
    const bool all_registrants = persistent_ && scsi::is_all_registrants(persistent_->type);
    if (all_registrants && victim_key == 0) return preempt_reservation(port, type, victim_key);
    if (victim_key == 0) return invalid_parameter(service_action_key_byte);
    if (persistent_ && !all_registrants && holder_key() == victim_key) {
        return preempt_reservation(port, type, victim_key);
    }
    return preempt_registrations(port, victim_key);
}

ReservationEffects Reservations::preempt_reservation(const InitiatorPort& port, PrType type,
                                                     std::uint64_t victim_key) {
    ReservationEffects effects = changed();
    const bool every_key = scsi::is_all_registrants(persistent_->type);
    const bool type_changes = persistent_->type != type;
    std::vector<Registration> staying;
    for (const Registration& entry : registrations_) {
        const bool is_victim =
            (every_key || entry.key == victim_key) && !same_port(entry.port, port);
        if (is_victim) {
            effects.attentions.push_back(
                {entry.port, scsi::additional_sense::registrations_preempted});
            effects.unregistered_by_other.push_back(entry.port);
        } else {
            staying.push_back(entry);
        }
    }
    registrations_ = std::move(staying);
    if (type_changes) attend_others(effects, port, scsi::additional_sense::reservations_released);
    persistent_ = Persistent{.type = type, .holder = find(port)->port};
    ++generation_;
    effects.taken_over = true;
    return effects;
}

// Removes the sender's own registration as well when it names its own key.
ReservationEffects Reservations::preempt_registrations(const InitiatorPort& port,
                                                       std::uint64_t victim_key) {
    ReservationEffects effects = changed();
    std::vector<InitiatorPort> victims;
    for (const Registration& entry : registrations_) {
        if (entry.key == victim_key) victims.push_back(entry.port);
    }
    if (victims.empty()) return conflict();
    for (const InitiatorPort& victim : victims) {
        // Only under an all-registrants type can a victim be a holder here; that reservation goes
        // with the last one.
        static_cast<void>(unregister(victim));
        if (same_port(victim, port)) continue;
        effects.attentions.push_back({victim, scsi::additional_sense::registrations_preempted});
        effects.unregistered_by_other.push_back(victim);
    }
    ++generation_;
    return effects;
}

// SPC-4 5.13.8.
ReservationEffects Reservations::register_and_move(
    const InitiatorPort& port, const scsi::RegisterAndMoveParameters& parameters) {
    constexpr std::uint16_t relative_target_port_byte = 18;
    constexpr std::uint16_t transport_id_byte = 24;
    constexpr std::uint16_t only_target_port = 1;
    if (legacy_ || !registered_with(port, parameters.reservation_key)) return conflict();
    if (parameters.service_action_reservation_key == 0)
        return invalid_parameter(service_action_key_byte);
    if (parameters.relative_target_port != only_target_port)
        return invalid_parameter(relative_target_port_byte);
    const InitiatorPort& destination = parameters.destination;
    // A name without ISID is a host, not a port; and a nexus can not hand over to itself.
    const bool names_a_port =
        destination.transport != agent::core::Transport::unknown &&
        (destination.transport != agent::core::Transport::iscsi || !destination.isid.empty());
    if (!names_a_port || same_port(destination, port)) return invalid_parameter(transport_id_byte);
    if (!persistent_) return invalid_cdb(1, 4);
    if (scsi::is_all_registrants(persistent_->type) || !holds_persistent(port)) return conflict();

    const Registration* existing = find(destination);
    if (existing == nullptr && registrations_.size() >= registrations_max) {
        return {.verdict = Verdict::illegal_request,
                .sense = scsi::additional_sense::insufficient_registration_resources};
    }
    if (existing == nullptr) {
        registrations_.push_back(
            {.port = destination, .key = parameters.service_action_reservation_key});
    } else {
        const auto index = static_cast<std::size_t>(existing - registrations_.data());
        registrations_[index].key = parameters.service_action_reservation_key;
    }
    persistent_->holder = find(destination)->port;
    if (parameters.unregister) remove(port);
    persists_ = parameters.persist;
    ++generation_;
    ReservationEffects effects = changed();
    effects.taken_over = true;
    return effects;
}

// ---- events
// ---------------------------------------------------------------------------------------------------------

void Reservations::nexus_established(const InitiatorPort& port) {
    for (Registration& entry : registrations_) {
        if (same_port(entry.port, port)) entry.port.address = port.address;
    }
    if (persistent_ && same_port(persistent_->holder, port))
        persistent_->holder.address = port.address;
}

ReservationEffects Reservations::nexus_lost(const InitiatorPort& port) {
    if (!legacy_ || !same_port(legacy_->holder, port)) return {};
    legacy_.reset();
    return changed();
}

ReservationEffects Reservations::reset() {
    if (!legacy_) return {};
    legacy_.reset();
    return changed();
}

ReservationEffects Reservations::power_cycle() {
    ReservationEffects effects = changed();
    legacy_.reset();
    generation_ = 0;  // SPC-4 6.15.2
    if (!persists_) {
        registrations_.clear();
        persistent_.reset();
    }
    return effects;
}

ReservationEffects Reservations::lose() {
    ReservationEffects effects = changed();
    for (const Registration& entry : registrations_)
        effects.attentions.push_back({entry.port, scsi::additional_sense::reservations_preempted});
    if (legacy_) {
        effects.attentions.push_back(
            {legacy_->holder, scsi::additional_sense::reservations_preempted});
    }
    legacy_.reset();
    registrations_.clear();
    persistent_.reset();
    ++generation_;
    return effects;
}

bool Reservations::restore(std::vector<Registration> registrations,
                           std::optional<Persistent> persistent) {
    if (registrations.size() > registrations_max) return false;
    Reservations restored;
    for (Registration& entry : registrations) {
        if (entry.key == 0 || restored.is_registered(entry.port)) return false;
        restored.registrations_.push_back(std::move(entry));
    }
    if (persistent && !restored.is_registered(persistent->holder)) return false;
    restored.persistent_ = std::move(persistent);
    restored.persists_ = !restored.registrations_.empty();
    *this = std::move(restored);
    return true;
}

void Reservations::remove(const InitiatorPort& port) {
    std::erase_if(registrations_,
                  [&port](const Registration& entry) { return same_port(entry.port, port); });
}

void Reservations::attend_others(ReservationEffects& effects, const InitiatorPort& except,
                                 scsi::AdditionalSense sense) const {
    for (const Registration& entry : registrations_) {
        if (!same_port(entry.port, except)) effects.attentions.push_back({entry.port, sense});
    }
}

}  // namespace drive_iface::virtual_library
