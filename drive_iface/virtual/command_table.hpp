#pragma once

// Every command a virtual drive knows, one row a command and service action. Dispatch, REPORT
// SUPPORTED OPERATION CODES, the reservation conflict check, forced offline and
// docs/RESERVATIONS.md all come from this table.

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "drive_iface/scsi/opcodes.hpp"
#include "drive_iface/virtual/conflict_table.hpp"
#include "drive_iface/virtual/drive_state.hpp"

namespace drive_iface::virtual_library {

using Cdb = std::array<std::uint8_t, 16>;

struct CommandRow;

// One command on its way through a drive.
struct Call {
    DriveState& drive;
    NexusId nexus_id;
    Nexus& nexus;
    const CommandRow& row;
    const Cdb& cdb;  // padded with zeros
    std::span<const std::uint8_t> data_out;
    std::vector<LibraryEvent>& events;
};

// What a command does while the drive is forced offline.
enum class WhileForcedOffline : std::uint8_t {
    works,
    fails,      // HARDWARE ERROR, INTERNAL TARGET FAILURE (04h/44h/00h)
    giving_up,  // works when it only gives something back: unregisters, or allows medium removal;
                // else fails
};

// Where a CDB says how much data-out it comes with.
enum class DataOutLength : std::uint8_t { none, byte_4, bytes_3_4, bytes_7_8, bytes_5_8, blocks };

struct CommandRow {
    std::uint8_t opcode;
    std::optional<std::uint8_t> service_action;  // byte 1 bits 4-0
    std::string_view name;
    std::array<std::uint8_t, 16>
        usage;  // CDB usage data after the operation code, SPC-4 6.34.4: a 1 for each bit evaluated
    const ConflictRule& conflict;
    WhileForcedOffline forced_offline;
    DataOutLength data_out;
    CommandReply (*handle)(const Call& call);
};

[[nodiscard]] std::span<const CommandRow> command_table();

// Null: the operation code, or this service action of it, is not there.
[[nodiscard]] const CommandRow* find_command(const Cdb& cdb);
// Is there any row with this operation code, and do its rows have service actions?
[[nodiscard]] bool has_opcode(std::uint8_t opcode);
[[nodiscard]] bool has_service_actions(std::uint8_t opcode);

// The rule of the row, but for commands that only give back: PREVENT ALLOW MEDIUM REMOVAL with
// PREVENT=0.
[[nodiscard]] const ConflictRule& conflict_rule_of(const CommandRow& row, const Cdb& cdb);

// Data-out the CDB announces, in bytes; `block_length` is the current one, for WRITE(6) with FIXED.
[[nodiscard]] std::size_t announced_data_out(const CommandRow& row, const Cdb& cdb,
                                             std::uint32_t block_length);

}  // namespace drive_iface::virtual_library
