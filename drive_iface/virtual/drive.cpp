#include "drive_iface/virtual/drive.hpp"

#include <algorithm>
#include <utility>

#include "agent/core/assert.hpp"
#include "drive_iface/virtual/command_table.hpp"
#include "drive_iface/virtual/handlers.hpp"
#include "drive_iface/virtual/other_logical_units.hpp"
#include "drive_iface/virtual/replies.hpp"

namespace drive_iface::virtual_library {
namespace {

using agent::core::InitiatorPort;

constexpr std::size_t seen_max = 256;

Cdb padded(std::span<const std::uint8_t> cdb) {
    Cdb whole{};
    std::copy_n(cdb.begin(), std::min(cdb.size(), whole.size()), whole.begin());
    return whole;
}

// INQUIRY, REPORT LUNS and REQUEST SENSE neither report nor clear a unit attention condition on
// their way (SAM-5 5.14); REQUEST SENSE reports it as its data.
bool exempt_from_unit_attention(std::uint8_t opcode) {
    return opcode == scsi::opcode::inquiry || opcode == scsi::opcode::report_luns ||
           opcode == scsi::opcode::request_sense;
}

// Giving back is possible while the drive is forced offline, or it would come back with
// reservations of hosts that tried to leave it in an orderly way.
bool only_gives_up(const Call& call) {
    if (call.row.opcode == scsi::opcode::prevent_allow_medium_removal)
        return (call.cdb[4] & 0x03) == 0;
    constexpr std::size_t key_at = 8;
    constexpr std::size_t key_end = 16;
    if (call.data_out.size() < key_end) return false;
    const auto key = call.data_out.subspan(key_at, key_end - key_at);
    return std::all_of(key.begin(), key.end(), [](std::uint8_t byte) { return byte == 0; });
}

bool fails_forced_offline(const Call& call) {
    if (!call.drive.forced_offline) return false;
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

}  // namespace

Drive::Drive(DriveIdentity identity) {
    state_.identity = std::move(identity);
}

LibraryEvent Drive::event(LibraryEvent::Change change) const {
    return {.drive = {state_.identity.serial},
            .change = change,
            .reservation = state_.reservations.described(),
            .port = {}};
}

// ---- nexuses
// --------------------------------------------------------------------------------------------------------

agent::core::Outcome Drive::nexus_established(NexusId id, const InitiatorPort& port,
                                              std::vector<LibraryEvent>& events) {
    for (const auto& [other_id, nexus] : state_.nexuses) {
        if (!same_port(nexus.port, port)) continue;
        nexus_lost(NexusId{other_id}, events);
        break;
    }
    if (state_.nexuses.size() >= nexuses_max) {
        return agent::core::Error{
            "drive " + state_.identity.serial + ": " + std::to_string(nexuses_max) +
            " host ports are logged in already; no further port can log in until one logs out"};
    }
    Nexus nexus{.port = port};
    const bool returns = contains(seen_, port);
    nexus.attentions.restart_with(returns ? scsi::additional_sense::nexus_loss
                                          : scsi::additional_sense::power_on_or_reset);
    if (!returns) {
        if (seen_.size() == seen_max) seen_.erase(seen_.begin());
        seen_.push_back(port);
    }
    state_.reservations.nexus_established(port);
    state_.nexuses.emplace(id, std::move(nexus));
    return agent::core::Nothing{};
}

void Drive::nexus_lost(NexusId id, std::vector<LibraryEvent>& events) {
    const auto found = state_.nexuses.find(id);
    if (found == state_.nexuses.end()) return;
    const InitiatorPort port = found->second.port;
    state_.nexuses.erase(found);
    const auto before = state_.reservations.described();
    apply(state_, state_.reservations.nexus_lost(port), before, port, events);
}

// ---- commands
// -------------------------------------------------------------------------------------------------------

CommandReply Drive::execute(NexusId id, std::uint64_t lun, std::span<const std::uint8_t> cdb,
                            std::span<const std::uint8_t> data_out,
                            std::vector<LibraryEvent>& events) {
    const auto found = state_.nexuses.find(id);
    AGENT_ASSERT(found != state_.nexuses.end());
    Nexus& nexus = found->second;
    const Cdb whole = padded(cdb);
    if (lun != 0) return execute_without_logical_unit(whole);

    const CommandRow* row = cdb.empty() ? nullptr : find_command(whole);
    if (row == nullptr) {
        constexpr std::uint16_t service_action_byte = 1;
        if (!cdb.empty() && has_opcode(whole[0]))
            return invalid_field_in_cdb(service_action_byte, 4);
        return invalid_operation_code();
    }
    const std::size_t length = scsi::cdb_length(row->opcode);
    if (cdb.size() < length) return invalid_field_in_cdb(static_cast<std::uint16_t>(cdb.size()));
    constexpr std::uint8_t normal_aca_bit = 2;  // NACA: NORMACA is 0 in INQUIRY data (SAM-5 5.2)
    if ((whole[length - 1] >> normal_aca_bit & 1) != 0) {
        return invalid_field_in_cdb(static_cast<std::uint16_t>(length - 1), normal_aca_bit);
    }

    const Call call{state_, id, nexus, *row, whole, data_out, events};
    // A drive that is broken says so to everyone, whoever has it reserved.
    if (fails_forced_offline(call)) return check_condition(readiness(state_));
    const ConflictRule& rule = conflict_rule_of(*row, whole);
    if (conflicts(state_.reservations, nexus.port, rule)) {
        note_refusal(nexus);
        return reservation_conflict();
    }
    if (!exempt_from_unit_attention(row->opcode)) {
        if (const auto attention = nexus.attentions.take()) {
            return check_condition(scsi::SenseKey::unit_attention, *attention);
        }
    }
    if (is_use(rule)) nexus.last_use = row->opcode;
    CommandReply reply = row->handle(call);
    if (reply.status == Status::reservation_conflict) note_refusal(nexus);
    return reply;
}

// A probable user for log page 11h: each nexus that holds the reservation which was in the way.
void Drive::note_refusal(const Nexus& refused) {
    constexpr std::uint16_t relative_target_port = 1;
    const auto holders = state_.reservations.described().holders;
    for (const InitiatorPort& holder : holders) {
        if (same_port(holder, refused.port)) continue;
        std::uint8_t last_use = scsi::opcode::persistent_reserve_out;
        for (const auto& [id, nexus] : state_.nexuses) {
            if (same_port(nexus.port, holder)) last_use = nexus.last_use.value_or(last_use);
        }
        auto& list = state_.potential_conflicts;
        std::erase_if(list, [&holder](const auto& entry) {
            return entry.port && same_port(*entry.port, holder);
        });
        if (list.size() == DriveState::potential_conflicts_max) list.erase(list.begin());
        list.push_back({.operation_code = last_use,
                        .detail = 0,
                        .timestamp_ms = 0,
                        .relative_target_port = relative_target_port,
                        .port = holder});
    }
}

std::size_t Drive::data_out_length(std::span<const std::uint8_t> cdb) const {
    const Cdb whole = padded(cdb);
    const CommandRow* row = cdb.empty() ? nullptr : find_command(whole);
    return row == nullptr ? 0 : announced_data_out(*row, whole, state_.block_length);
}

// ---- resets
// ---------------------------------------------------------------------------------------------------------

bool Drive::manage(NexusId id, std::uint64_t lun, TaskManagement function,
                   std::vector<LibraryEvent>& events) {
    switch (function) {
        case TaskManagement::abort_task:
        case TaskManagement::abort_task_set:
        case TaskManagement::clear_task_set:
            return true;  // a command here is over before anything else is looked at
        case TaskManagement::clear_aca:
            return false;
        case TaskManagement::logical_unit_reset:
            if (lun != 0) return false;
            reset(scsi::additional_sense::bus_device_reset, id, events);
            return true;
        case TaskManagement::target_warm_reset:
            reset(scsi::additional_sense::scsi_bus_reset, id, events);
            return true;
        case TaskManagement::target_cold_reset:
            reset(scsi::additional_sense::power_on, id, events);
            return true;
    }
    return false;
}

// SAM-5 6.3.3: every nexus hears of it, the causing one too.
void Drive::reset(scsi::AdditionalSense attention, NexusId cause,
                  std::vector<LibraryEvent>& events) {
    static_cast<void>(state_.reservations.reset());
    state_.potential_conflicts.clear();
    state_.block_length = 0;
    for (auto& [id, nexus] : state_.nexuses) {
        nexus.prevents_removal = false;
        nexus.attentions.restart_with(attention);
    }
    LibraryEvent reset_event = event(LibraryEvent::Change::reset);
    if (const auto found = state_.nexuses.find(cause); found != state_.nexuses.end()) {
        reset_event.port = found->second.port;
    }
    events.push_back(std::move(reset_event));
}

void Drive::power_cycle(std::vector<LibraryEvent>& events) {
    static_cast<void>(state_.reservations.power_cycle());
    state_.medium_loaded = true;
    state_.host_unloaded = false;
    seen_.clear();
    reset(scsi::additional_sense::power_on, NexusId{}, events);
}

// ---- forced offline
// -------------------------------------------------------------------------------------------------

void Drive::force_offline(const std::string& reason, std::vector<LibraryEvent>& events) {
    const bool already = state_.forced_offline;
    state_.forced_offline = true;
    state_.forced_offline_reason = reason;
    if (!already) events.push_back(event(LibraryEvent::Change::forced_offline));
}

void Drive::lift_forced_offline(std::vector<LibraryEvent>& events) {
    if (!state_.forced_offline) return;
    state_.forced_offline = false;
    state_.forced_offline_reason.clear();
    for (auto& [id, nexus] : state_.nexuses) {
        nexus.attentions.establish(scsi::additional_sense::medium_may_have_changed);
    }
    events.push_back(event(LibraryEvent::Change::forced_offline_lifted));
}

}  // namespace drive_iface::virtual_library
