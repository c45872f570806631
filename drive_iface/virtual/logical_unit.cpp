#include "drive_iface/virtual/logical_unit.hpp"

#include <algorithm>
#include <utility>

#include "agent/core/assert.hpp"
#include "drive_iface/virtual/handlers.hpp"
#include "drive_iface/virtual/other_logical_units.hpp"
#include "drive_iface/virtual/replies.hpp"

namespace drive_iface::virtual_library {
namespace {

using agent::core::InitiatorPort;
using agent::core::Reservation;
using agent::core::ReservationState;

constexpr std::size_t seen_max = 256;

// INQUIRY, REPORT LUNS and REQUEST SENSE neither report nor clear a unit attention condition on
// their way (SAM-5 5.14); REQUEST SENSE reports it as its data.
bool exempt_from_unit_attention(std::uint8_t opcode) {
    return opcode == scsi::opcode::inquiry || opcode == scsi::opcode::report_luns ||
           opcode == scsi::opcode::request_sense;
}

// Giving back is possible while the unit is forced offline, or it would come back with
// reservations of hosts that tried to leave it in an orderly way.
bool only_gives_up(const Call& call) {
    if (call.row.opcode == scsi::opcode::prevent_allow_medium_removal)
        return (call.cdb[4] & 0x03) == 0;
    constexpr std::size_t key_at = 8;
    constexpr std::size_t key_end = 16;
    if (call.data_out.size() < key_end) return false;
    const auto key = std::span(call.data_out).subspan(key_at, key_end - key_at);
    return std::all_of(key.begin(), key.end(), [](std::uint8_t byte) { return byte == 0; });
}

bool fails_forced_offline(const Call& call) {
    if (!call.unit.forced_offline) return false;
    switch (call.row.forced_offline) {
        case WhileForcedOffline::works:
            return false;
        case WhileForcedOffline::fails:
            return true;
        case WhileForcedOffline::giving_up:
            return !only_gives_up(call);
    }
    return true;
}

// Commands that can come in the way of somebody else: those that conflict with a foreign
// reservation.
bool is_use(const ConflictRule& rule) {
    return rule.exclusive_access_other != Access::allowed;
}

bool contains(const std::vector<InitiatorPort>& ports, const InitiatorPort& port) {
    return std::any_of(ports.begin(), ports.end(),
                       [&port](const auto& entry) { return same_port(entry, port); });
}

LibraryEvent event(const LogicalUnit& unit, LibraryEvent::Change change) {
    return {.drive = {unit.identity.serial},
            .change = change,
            .reservation = unit.reservations.described(),
            .port = {}};
}

LibraryEvent::Change change_of(const ReservationEffects& effects, const Reservation& before,
                               const Reservation& after) {
    if (before == after) return LibraryEvent::Change::registrations;
    if (after.state == ReservationState::free) return LibraryEvent::Change::released;
    return effects.taken_over ? LibraryEvent::Change::preempted : LibraryEvent::Change::reserved;
}

}  // namespace

// ---- nexuses
// --------------------------------------------------------------------------------------------------------

agent::core::Outcome nexus_established(LogicalUnit& unit, NexusId id, const InitiatorPort& port,
                                       std::vector<LibraryEvent>& events) {
    for (const auto& [other_id, nexus] : unit.nexuses) {
        if (!same_port(nexus.port, port)) continue;
        nexus_lost(unit, NexusId{other_id}, events);
        break;
    }
    if (unit.nexuses.size() >= LogicalUnit::nexuses_max) {
        return agent::core::Error{
            unit.identity.serial + ": " + std::to_string(LogicalUnit::nexuses_max) +
            " host ports are logged in already; no further port can log in until one logs out"};
    }
    Nexus nexus{.port = port};
    const bool returns = contains(unit.seen, port);
    nexus.attentions.restart_with(returns ? scsi::additional_sense::nexus_loss
                                          : scsi::additional_sense::power_on_or_reset);
    if (!returns) {
        if (unit.seen.size() == seen_max) unit.seen.erase(unit.seen.begin());
        unit.seen.push_back(port);
    }
    unit.reservations.nexus_established(port);
    unit.nexuses.emplace(id, std::move(nexus));
    return agent::core::Nothing{};
}

void nexus_lost(LogicalUnit& unit, NexusId id, std::vector<LibraryEvent>& events) {
    const auto found = unit.nexuses.find(id);
    if (found == unit.nexuses.end()) return;
    const InitiatorPort port = found->second.port;
    unit.nexuses.erase(found);
    const auto before = unit.reservations.described();
    apply(unit, unit.reservations.nexus_lost(port), before, port, events);
}

// ---- commands
// -------------------------------------------------------------------------------------------------------

namespace {

// A probable user for log page 11h: each nexus that holds the reservation which was in the way.
void note_refusal(LogicalUnit& unit, const Nexus& refused) {
    constexpr std::uint16_t relative_target_port = 1;
    const auto holders = unit.reservations.described().holders;
    for (const InitiatorPort& holder : holders) {
        if (same_port(holder, refused.port)) continue;
        std::uint8_t last_use = scsi::opcode::persistent_reserve_out;
        for (const auto& [id, nexus] : unit.nexuses) {
            if (same_port(nexus.port, holder)) last_use = nexus.last_use.value_or(last_use);
        }
        auto& list = unit.potential_conflicts;
        std::erase_if(list, [&holder](const auto& entry) {
            return entry.port && same_port(*entry.port, holder);
        });
        if (list.size() == LogicalUnit::potential_conflicts_max) list.erase(list.begin());
        list.push_back({.operation_code = last_use,
                        .detail = 0,
                        .timestamp_ms = 0,
                        .relative_target_port = relative_target_port,
                        .port = holder});
    }
}

// A command that begins: everything that may end it before the device hears of it.
std::optional<CommandReply> refused_at_the_door(const Call& call) {
    const ConflictRule& rule = conflict_rule_of(call.row, call.cdb);
    if (conflicts(call.unit.reservations, call.nexus.port, rule)) {
        note_refusal(call.unit, call.nexus);
        return reservation_conflict();
    }
    if (!exempt_from_unit_attention(call.row.opcode)) {
        if (const auto attention = call.nexus.attentions.take()) {
            return check_condition(scsi::SenseKey::unit_attention, *attention);
        }
    }
    if (is_use(rule)) call.nexus.last_use = call.row.opcode;
    return std::nullopt;
}

bool medium_in_use(const Call& call) {
    if (call.row.medium == Medium::not_used) return false;
    return std::any_of(call.unit.nexuses.begin(), call.unit.nexuses.end(), [&call](auto& entry) {
        const bool counts = entry.first == call.nexus_id || !call.unit.medium_per_nexus;
        return counts && entry.second.unfinished;
    });
}

}  // namespace

Answer execute(LogicalUnit& unit, const Device& device, CommandTable table, NexusId id,
               std::uint64_t lun, std::span<const std::uint8_t> cdb, Bytes& data_out,
               std::vector<LibraryEvent>& events, CommandNumber number) {
    const auto found = unit.nexuses.find(id);
    AGENT_ASSERT(found != unit.nexuses.end());
    Nexus& nexus = found->second;
    const Cdb whole = padded(cdb);
    if (lun != 0) return execute_without_logical_unit(whole);

    const CommandRow* row = cdb.empty() ? nullptr : find_command(table, whole);
    if (row == nullptr) {
        constexpr std::uint16_t service_action_byte = 1;
        if (!cdb.empty() && has_opcode(table, whole[0]))
            return invalid_field_in_cdb(service_action_byte, 4);
        return invalid_operation_code();
    }
    const std::size_t length = scsi::cdb_length(row->opcode);
    if (cdb.size() < length) return invalid_field_in_cdb(static_cast<std::uint16_t>(cdb.size()));
    constexpr std::uint8_t normal_aca_bit = 2;  // NACA: NORMACA is 0 in INQUIRY data (SAM-5 5.2)
    if ((whole[length - 1] >> normal_aca_bit & 1) != 0) {
        return invalid_field_in_cdb(static_cast<std::uint16_t>(length - 1), normal_aca_bit);
    }

    const bool goes_on =
        nexus.unfinished && nexus.unfinished->number == number && nexus.unfinished->cdb == whole;
    Unfinished so_far{.number = number, .cdb = whole};
    if (goes_on) so_far = *std::exchange(nexus.unfinished, std::nullopt);
    const Call call{unit, device, table, id, nexus, so_far, *row, whole, data_out, events};
    // A drive that is broken says so to everyone, whoever has it reserved.
    if (fails_forced_offline(call)) return check_condition(readiness(call));
    if (!goes_on) {
        if (auto refused = refused_at_the_door(call)) return refused;
        if (medium_in_use(call)) return std::nullopt;
    }
    Answer answer = (*row->handle)(call);
    if (!answer) nexus.unfinished = std::move(so_far);
    if (answer && answer->status == Status::reservation_conflict) note_refusal(unit, nexus);
    return answer;
}

void abandon(LogicalUnit& unit, NexusId id) {
    const auto found = unit.nexuses.find(id);
    if (found != unit.nexuses.end()) found->second.unfinished.reset();
}

// ---- resets
// ---------------------------------------------------------------------------------------------------------

namespace {

// SAM-5 6.3.3: every nexus hears of it, the causing one too.
void reset(LogicalUnit& unit, scsi::AdditionalSense attention, NexusId cause,
           std::vector<LibraryEvent>& events) {
    static_cast<void>(unit.reservations.reset());
    unit.potential_conflicts.clear();
    for (auto& [id, nexus] : unit.nexuses) {
        nexus.prevents_removal = false;
        nexus.unfinished.reset();
        nexus.attentions.restart_with(attention);
    }
    LibraryEvent reset_event = event(unit, LibraryEvent::Change::reset);
    if (const auto found = unit.nexuses.find(cause); found != unit.nexuses.end()) {
        reset_event.port = found->second.port;
    }
    events.push_back(std::move(reset_event));
}

}  // namespace

// What is taken back of a command is only what it has not done.
Managed manage(LogicalUnit& unit, NexusId id, std::uint64_t lun, TaskManagement function,
               std::vector<LibraryEvent>& events) {
    switch (function) {
        case TaskManagement::abort_task:
        case TaskManagement::abort_task_set:
            abandon(unit, id);
            return Managed::done;
        case TaskManagement::clear_task_set:
            for (auto& [other, nexus] : unit.nexuses)
                nexus.unfinished.reset();
            return Managed::done;
        case TaskManagement::clear_aca:
            return Managed::not_supported;
        case TaskManagement::logical_unit_reset:
            if (lun != 0) return Managed::not_supported;
            reset(unit, scsi::additional_sense::bus_device_reset, id, events);
            return Managed::was_reset;
        case TaskManagement::target_warm_reset:
            reset(unit, scsi::additional_sense::scsi_bus_reset, id, events);
            return Managed::was_reset;
        case TaskManagement::target_cold_reset:
            reset(unit, scsi::additional_sense::power_on, id, events);
            return Managed::was_reset;
    }
    return Managed::not_supported;
}

void power_cycle(LogicalUnit& unit, std::vector<LibraryEvent>& events) {
    static_cast<void>(unit.reservations.power_cycle());
    unit.seen.clear();
    unit.clock.offset_ms = 0;
    unit.clock.set_by_host = false;
    reset(unit, scsi::additional_sense::power_on, NexusId{}, events);
}

void lose_reservation(LogicalUnit& unit, std::vector<LibraryEvent>& events) {
    const Reservation before = unit.reservations.described();
    apply(unit, unit.reservations.lose(), before, std::nullopt, events);
}

// ---- forced offline
// -------------------------------------------------------------------------------------------------

void force_offline(LogicalUnit& unit, const std::string& reason,
                   std::vector<LibraryEvent>& events) {
    const bool already = unit.forced_offline;
    unit.forced_offline = true;
    unit.forced_offline_reason = reason;
    if (!already) events.push_back(event(unit, LibraryEvent::Change::forced_offline));
}

void lift_forced_offline(LogicalUnit& unit, std::vector<LibraryEvent>& events) {
    if (!unit.forced_offline) return;
    unit.forced_offline = false;
    unit.forced_offline_reason.clear();
    attend_all(unit, scsi::additional_sense::medium_may_have_changed);
    events.push_back(event(unit, LibraryEvent::Change::forced_offline_lifted));
}

// ---- for the commands
// -----------------------------------------------------------------------------------------------

void abort_commands_of(LogicalUnit& unit, const std::vector<InitiatorPort>& victims) {
    for (auto& [id, nexus] : unit.nexuses) {
        if (!contains(victims, nexus.port)) continue;
        nexus.unfinished.reset();
        unit.aborted.push_back(id);
    }
}

void attend_all(LogicalUnit& unit, scsi::AdditionalSense sense) {
    for (auto& [id, nexus] : unit.nexuses)
        nexus.attentions.establish(sense);
}

void attend_others(LogicalUnit& unit, NexusId except, scsi::AdditionalSense sense) {
    for (auto& [id, nexus] : unit.nexuses) {
        if (id != except) nexus.attentions.establish(sense);
    }
}

bool removal_prevented(const LogicalUnit& unit) {
    return std::any_of(unit.nexuses.begin(), unit.nexuses.end(),
                       [](const auto& entry) { return entry.second.prevents_removal; });
}

void apply(LogicalUnit& unit, const ReservationEffects& effects, const Reservation& before,
           const std::optional<InitiatorPort>& cause, std::vector<LibraryEvent>& events) {
    for (auto& [id, nexus] : unit.nexuses) {
        for (const Attention& attention : effects.attentions) {
            if (same_port(nexus.port, attention.port)) nexus.attentions.establish(attention.sense);
        }
        // A preempted nexus no longer prevents medium removal (SPC-4 5.13.11.4, 6.11).
        if (contains(effects.unregistered_by_other, nexus.port)) nexus.prevents_removal = false;
    }
    if (!effects.changed) return;
    const Reservation after = unit.reservations.described();
    if (after != before) unit.potential_conflicts.clear();
    events.push_back({.drive = {unit.identity.serial},
                      .change = change_of(effects, before, after),
                      .reservation = after,
                      .port = cause});
}

}  // namespace drive_iface::virtual_library
