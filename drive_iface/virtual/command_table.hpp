#pragma once

// What a command is to a device: one row a command and service action. Dispatch, REPORT SUPPORTED
// OPERATION CODES, the reservation conflict check, forced offline and docs/RESERVATIONS.md all come
// from the table of the device.

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "drive_iface/scsi/opcodes.hpp"
#include "drive_iface/virtual/conflict_table.hpp"
#include "drive_iface/virtual/target_device.hpp"

namespace drive_iface::virtual_library {

using Cdb = std::array<std::uint8_t, 16>;

struct ChangerState;
struct DriveState;
struct LogicalUnit;
struct Nexus;
struct Unfinished;
struct CommandRow;
using CommandTable = std::span<const CommandRow>;

// What makes a logical unit the device it is. Borrowed for the time of a call.
using Device = std::variant<DriveState*, ChangerState*>;

// One command on its way through a logical unit.
struct Call {
    LogicalUnit& unit;
    Device device;
    CommandTable table;
    NexusId nexus_id;
    Nexus& nexus;
    Unfinished& unfinished;  // what an earlier call of the same command did
    const CommandRow& row;
    const Cdb& cdb;   // padded with zeros
    Bytes& data_out;  // to be moved from only by who does not wait after it
    std::vector<LibraryEvent>& events;

    // The device that the table of this command belongs to.
    [[nodiscard]] DriveState& drive() const { return *std::get<DriveState*>(device); }
    [[nodiscard]] ChangerState& changer() const { return *std::get<ChangerState*>(device); }
};

// What a command does while the unit is forced offline.
enum class WhileForcedOffline : std::uint8_t {
    works,
    fails,      // HARDWARE ERROR, INTERNAL TARGET FAILURE (04h/44h/00h)
    giving_up,  // works when it only gives something back: unregisters, or allows medium removal;
                // else fails
};

// Where a CDB says how much data-out it comes with.
enum class DataOutLength : std::uint8_t {
    none,
    byte_4,
    bytes_3_4,
    bytes_7_8,
    bytes_8_9,
    bytes_5_8,
    bytes_6_8,
    bytes_6_9,
    bytes_10_13,
    blocks,
    blocks_16
};

// While a command that uses the medium waits, others that do wait behind it.
enum class Medium : std::uint8_t { not_used, used };

struct CommandRow {
    std::uint8_t opcode = 0;
    std::optional<std::uint8_t> service_action;  // byte 1 bits 4-0
    std::string_view name;
    std::array<std::uint8_t, 16>
        usage;  // CDB usage data after the operation code, SPC-4 6.34.4: a 1 for each bit evaluated
    ConflictRule conflict;
    WhileForcedOffline forced_offline = WhileForcedOffline::fails;
    DataOutLength data_out = DataOutLength::none;
    // Given in every row. An optional, not a null pointer: with UBSan gcc does not take the address
    // of a function for one that is never null (gcc bug 71962), and the tables are looked over when
    // compiling.
    std::optional<Answer (*)(const Call& call)> handle;
    Medium medium = Medium::not_used;
};

// The rows of all device types and a device's own as one table, ascending.
template <std::size_t general, std::size_t own>
constexpr std::array<CommandRow, general + own> merged(const CommandRow (&general_rows)[general],
                                                       const CommandRow (&own_rows)[own]) {
    std::array<CommandRow, general + own> all{};
    std::copy(general_rows, general_rows + general, all.begin());
    std::copy(own_rows, own_rows + own, all.begin() + general);
    std::sort(all.begin(), all.end(), [](const CommandRow& a, const CommandRow& b) {
        return a.opcode != b.opcode ? a.opcode < b.opcode : a.service_action < b.service_action;
    });
    return all;
}

// Ascending, no row twice, and the CDB usage data begins with the row's own code.
constexpr bool in_order_and_whole(CommandTable table) {
    for (std::size_t i = 0; i < table.size(); ++i) {
        const CommandRow& row = table[i];
        if (scsi::cdb_length(row.opcode) == 0 || row.usage[0] != row.opcode) return false;
        if (row.service_action && (row.usage[1] & 0x1f) != *row.service_action) return false;
        if (!row.handle) return false;
        if (i == 0) continue;
        const CommandRow& before = table[i - 1];
        if (before.opcode > row.opcode) return false;
        if (before.opcode == row.opcode && !(before.service_action < row.service_action))
            return false;
    }
    return true;
}

// Null: the operation code, or this service action of it, is not there.
[[nodiscard]] const CommandRow* find_command(CommandTable table, const Cdb& cdb);
// Is there any row with this operation code, and do its rows have service actions?
[[nodiscard]] bool has_opcode(CommandTable table, std::uint8_t opcode);
[[nodiscard]] bool has_service_actions(CommandTable table, std::uint8_t opcode);

// The rule of the row, but for commands that only give back: PREVENT ALLOW MEDIUM REMOVAL with
// PREVENT=0.
[[nodiscard]] const ConflictRule& conflict_rule_of(const CommandRow& row, const Cdb& cdb);

// Data-out the CDB announces, in bytes; `block_length` is the current one, for WRITE(6) with FIXED.
[[nodiscard]] std::size_t announced_data_out(const CommandRow& row, const Cdb& cdb,
                                             std::uint32_t block_length);

// As a command table looks at it: zeros behind what there is.
[[nodiscard]] Cdb padded(std::span<const std::uint8_t> cdb);

// Big-endian numbers out of a CDB.
[[nodiscard]] constexpr std::uint16_t cdb_u16(const Cdb& cdb, std::size_t at) {
    return static_cast<std::uint16_t>(cdb[at] << 8 | cdb[at + 1]);
}
[[nodiscard]] constexpr std::uint32_t cdb_u24(const Cdb& cdb, std::size_t at) {
    return static_cast<std::uint32_t>(cdb[at]) << 16 | cdb_u16(cdb, at + 1);
}
[[nodiscard]] constexpr std::uint32_t cdb_u32(const Cdb& cdb, std::size_t at) {
    return static_cast<std::uint32_t>(cdb_u16(cdb, at)) << 16 | cdb_u16(cdb, at + 2);
}
[[nodiscard]] constexpr std::uint64_t cdb_u64(const Cdb& cdb, std::size_t at) {
    return static_cast<std::uint64_t>(cdb_u32(cdb, at)) << 32 | cdb_u32(cdb, at + 4);
}

}  // namespace drive_iface::virtual_library
