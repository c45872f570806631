#include <algorithm>

#include "drive_iface/virtual/handlers.hpp"
#include "drive_iface/virtual/logical_unit.hpp"
#include "drive_iface/virtual/replies.hpp"

namespace drive_iface::virtual_library {
namespace {

using agent::core::Reservation;
using agent::core::ReservationKind;
using Verdict = ReservationEffects::Verdict;

constexpr std::uint8_t third_party_bit =
    4;  // 3RDPTY, SPC-2 7.21: reservations for somebody else are obsolete
constexpr std::uint8_t long_id_bit = 1;  // LONGID, SPC-2 7.22
constexpr std::uint8_t extent_bit = 0;   // EXTENT: SCSI-2 reservations of parts of a logical unit
constexpr std::uint16_t relative_target_port = 1;

CommandReply answer(const Call& call, const ReservationEffects& effects,
                    const Reservation& before) {
    switch (effects.verdict) {
        case Verdict::conflict:
            return reservation_conflict();
        case Verdict::illegal_request:
            return check_condition({.key = scsi::SenseKey::illegal_request,
                                    .additional = effects.sense,
                                    .field = effects.field});
        case Verdict::good:
            break;
    }
    apply(call.unit, effects, before, call.nexus.port, call.events);
    const bool aborts =
        call.row.opcode == scsi::opcode::persistent_reserve_out &&
        call.row.service_action == static_cast<std::uint8_t>(scsi::PrOutAction::preempt_and_abort);
    if (aborts) abort_commands_of(call.unit, effects.unregistered_by_other);
    return good();
}

// The bit of byte 1 that asks for something SPC-2 has made obsolete, if any.
std::optional<std::uint8_t> obsolete_form(const Cdb& cdb, bool ten_byte) {
    if ((cdb[1] >> third_party_bit & 1) != 0) return third_party_bit;
    if (ten_byte && (cdb[1] >> long_id_bit & 1) != 0) return long_id_bit;
    if ((cdb[1] >> extent_bit & 1) != 0) return extent_bit;
    return std::nullopt;
}

CommandReply reserve(const Call& call, ReservationKind kind) {
    if (const auto bit = obsolete_form(call.cdb, kind == ReservationKind::reserve10)) {
        return invalid_field_in_cdb(1, *bit);
    }
    const Reservation before = call.unit.reservations.described();
    return answer(call, call.unit.reservations.reserve(call.nexus.port, kind), before);
}

CommandReply release(const Call& call, bool ten_byte) {
    if (const auto bit = obsolete_form(call.cdb, ten_byte)) return invalid_field_in_cdb(1, *bit);
    const Reservation before = call.unit.reservations.described();
    return answer(call, call.unit.reservations.release(call.nexus.port), before);
}

std::size_t allocation_length(const Call& call) {
    return cdb_u16(call.cdb, 7);
}

CommandReply register_and_move(const Call& call) {
    constexpr std::size_t fixed_part = 24;
    if (call.data_out.size() < fixed_part) {
        return check_condition(scsi::SenseKey::illegal_request,
                               scsi::additional_sense::parameter_list_length_error);
    }
    auto parameters = scsi::decode_register_and_move_parameters(call.data_out);
    if (!parameters) return invalid_field_in_parameter_list(fixed_part);
    // The TransportID does not say where the port is logged in from; its nexus does.
    for (const auto& [id, nexus] : call.unit.nexuses) {
        if (same_port(nexus.port, parameters->destination)) {
            parameters.value().destination.address = nexus.port.address;
        }
    }
    const Reservation before = call.unit.reservations.described();
    return answer(call, call.unit.reservations.register_and_move(call.nexus.port, *parameters),
                  before);
}

}  // namespace

Answer handle_reserve_6(const Call& call) {
    return reserve(call, ReservationKind::reserve6);
}
Answer handle_reserve_10(const Call& call) {
    return reserve(call, ReservationKind::reserve10);
}
Answer handle_release_6(const Call& call) {
    return release(call, false);
}
Answer handle_release_10(const Call& call) {
    return release(call, true);
}

Answer handle_read_keys(const Call& call) {
    std::vector<std::uint64_t> keys;
    for (const auto& entry : call.unit.reservations.registrations())
        keys.push_back(entry.key);
    return good(scsi::encode_read_keys(call.unit.reservations.generation(), keys),
                allocation_length(call));
}

Answer handle_read_reservation(const Call& call) {
    const Reservation reservation = call.unit.reservations.described();
    std::optional<scsi::ReadReservationData::Held> held;
    if (reservation.persistent) {
        held = {
            .key = reservation.persistent->key, .scope = 0, .type = reservation.persistent->type};
    }
    return good(scsi::encode_read_reservation(call.unit.reservations.generation(), held),
                allocation_length(call));
}

Answer handle_report_capabilities(const Call& call) {
    // 001b: TEST UNIT READY is allowed under every type (SPC-4 6.15.4); the finer codes would
    // promise more than the conflict table keeps.
    constexpr std::uint8_t test_unit_ready_allowed = 1;
    const scsi::PrCapabilities capabilities{
        .compatible_reservation_handling = true,
        .persist_through_power_loss = true,
        .persist_active = call.unit.reservations.persists_through_power_loss(),
        .allow_commands = test_unit_ready_allowed,
        .types = std::vector<scsi::PrType>(scsi::pr_types.begin(), scsi::pr_types.end())};
    return good(scsi::encode_report_capabilities(capabilities), allocation_length(call));
}

Answer handle_read_full_status(const Call& call) {
    const Reservations& reservations = call.unit.reservations;
    std::vector<scsi::FullStatusDescriptor> descriptors;
    for (const auto& entry : reservations.registrations()) {
        scsi::FullStatusDescriptor descriptor{.key = entry.key,
                                              .holder = reservations.holds_persistent(entry.port),
                                              .relative_target_port = relative_target_port,
                                              .port = entry.port};
        if (descriptor.holder)
            descriptor.type = static_cast<std::uint8_t>(reservations.persistent()->type);
        descriptors.push_back(std::move(descriptor));
    }
    return good(scsi::encode_read_full_status(reservations.generation(), descriptors),
                allocation_length(call));
}

Answer handle_persistent_reserve_out(const Call& call) {
    const auto action = static_cast<scsi::PrOutAction>(*call.row.service_action);
    const std::size_t announced = cdb_u32(call.cdb, 5);
    if (call.data_out.size() < announced) {
        return check_condition(scsi::SenseKey::illegal_request,
                               scsi::additional_sense::parameter_list_length_error);
    }
    if (action == scsi::PrOutAction::register_and_move) return register_and_move(call);

    constexpr std::size_t basic_length = 24;
    constexpr std::size_t flags_byte = 20;
    constexpr std::uint8_t specify_initiator_ports = 0x08;
    const bool list_follows =
        announced > basic_length && (call.data_out[flags_byte] & specify_initiator_ports) != 0;
    if (announced != basic_length && !list_follows) {
        return check_condition(scsi::SenseKey::illegal_request,
                               scsi::additional_sense::parameter_list_length_error);
    }
    // SPEC_I_PT is refused by the rules below whatever the list says, so its TransportIDs are not
    // looked at.
    auto basic = Bytes(call.data_out.begin(), call.data_out.begin() + basic_length);
    const bool specified = (basic[flags_byte] & specify_initiator_ports) != 0;
    basic[flags_byte] = static_cast<std::uint8_t>(basic[flags_byte] & ~specify_initiator_ports);
    auto parameters = scsi::decode_pr_out_parameters(basic);
    if (!parameters) return invalid_field_in_parameter_list(flags_byte);
    parameters.value().specify_initiator_ports = specified;

    const Reservation before = call.unit.reservations.described();
    return answer(call,
                  call.unit.reservations.persistent_reserve_out(call.nexus.port, action,
                                                                call.cdb[2], *parameters),
                  before);
}

}  // namespace drive_iface::virtual_library
