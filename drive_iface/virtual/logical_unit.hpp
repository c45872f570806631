#pragma once

// What every logical unit is and does, whatever device it is: who is logged in, who may use it,
// what each of them has yet to be told, and the checks that come before any command (SAM-5, SPC-4).
// A Drive or a Changer keeps one and adds its device. Events go to the end of the list given.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "agent/core/result.hpp"
#include "drive_iface/scsi/log_page.hpp"
#include "drive_iface/virtual/command_table.hpp"
#include "drive_iface/virtual/reservations.hpp"
#include "drive_iface/virtual/target_device.hpp"
#include "drive_iface/virtual/unit_attentions.hpp"

namespace drive_iface::virtual_library {

// What INQUIRY tells.
struct LogicalUnitIdentity {
    std::uint8_t device_type = 0;  // scsi::device_type
    std::string vendor;
    std::string product;
    std::string revision = "0001";
    std::string serial;
    std::vector<std::uint16_t> version_descriptors;  // SPC-4 annex D
    // Vital product data pages besides 00h, 80h and 83h, without their headers.
    std::map<std::uint8_t, Bytes> vital_product_data;
};

// A command that waits for its medium, and what it did already. Called again, it goes on here.
struct Unfinished {
    CommandNumber number;
    Cdb cdb{};
    std::uint32_t stage = 0;  // the rest is the command's own business, and 0 at first
    std::uint64_t done = 0;
    bool storing = false;  // waits until everything written is stored
    Bytes data_in;
};

struct Nexus {
    agent::core::InitiatorPort port;
    UnitAttentions attentions;
    bool prevents_removal = false;  // PREVENT ALLOW MEDIUM REMOVAL
    // The last command that could come in the way of somebody else's.
    std::optional<std::uint8_t> last_use;
    std::optional<Unfinished> unfinished;
};

// The time of day (SPC-4, device clocks). Where it comes from is somebody else's: this room has no
// clock.
struct Clock {
    std::function<std::uint64_t()> now_ms;  // since 1970; null: it stands still at 0
    std::uint64_t offset_ms = 0;            // what SET TIMESTAMP added, modulo 2^64
    bool set_by_host = false;
};

struct LogicalUnit {
    static constexpr std::size_t nexuses_max = 256;
    static constexpr std::size_t potential_conflicts_max = 16;

    LogicalUnitIdentity identity;
    Reservations reservations;
    std::map<NexusId, Nexus> nexuses;
    std::vector<agent::core::InitiatorPort>
        seen;  // ports that were logged in since power on, oldest first

    Clock clock;

    // Each nexus has a medium of its own (a parallel drive), so that nobody's command waits behind
    // somebody else's.
    bool medium_per_nexus = false;

    bool forced_offline = false;
    std::string forced_offline_reason;

    // Nexuses whose commands PREEMPT AND ABORT ended, for the front end (Library::take_aborted).
    std::vector<NexusId> aborted;

    // Whose use was in the way of a refused command, newest last (log page 11h). Emptied with each
    // change of the reservation: it tells about the one there is.
    std::vector<scsi::PotentialConflict> potential_conflicts;
};

// Errors: nexuses_max are logged in. A nexus of the same port that is still there is lost first.
[[nodiscard]] agent::core::Outcome nexus_established(LogicalUnit& unit, NexusId id,
                                                     const agent::core::InitiatorPort& port,
                                                     std::vector<LibraryEvent>& events);
void nexus_lost(LogicalUnit& unit, NexusId id, std::vector<LibraryEvent>& events);

// Runs a command of `table` on `device` through the checks, in their order: logical unit, operation
// code, forced offline, reservation conflict, unit attention, medium in use. `id` is a nexus that
// was established and not lost. See Library::execute.
[[nodiscard]] Answer execute(LogicalUnit& unit, const Device& device, CommandTable table,
                             NexusId id, std::uint64_t lun, std::span<const std::uint8_t> cdb,
                             Bytes& data_out, std::vector<LibraryEvent>& events,
                             CommandNumber number);
// What the nexus' unfinished command did stays done; the rest is forgotten.
void abandon(LogicalUnit& unit, NexusId id);

enum class Managed : std::uint8_t { not_supported, done, was_reset };
// With was_reset the device resets what is its own.
[[nodiscard]] Managed manage(LogicalUnit& unit, NexusId id, std::uint64_t lun,
                             TaskManagement function, std::vector<LibraryEvent>& events);

void force_offline(LogicalUnit& unit, const std::string& reason, std::vector<LibraryEvent>& events);
void lift_forced_offline(LogicalUnit& unit, std::vector<LibraryEvent>& events);
void power_cycle(LogicalUnit& unit, std::vector<LibraryEvent>& events);
// All reservations and registrations are gone, as if the unit had forgotten them; who had one hears
// 2Ah/03h.
void lose_reservation(LogicalUnit& unit, std::vector<LibraryEvent>& events);

// PREEMPT AND ABORT: what the nexuses of these ports have not finished is over (SPC-4 5.13.11.5).
// They hear of it by status TASK ABORTED, as the TAS bit of mode page 0Ah promises.
void abort_commands_of(LogicalUnit& unit, const std::vector<agent::core::InitiatorPort>& victims);

// Establishes a unit attention for every nexus, or for all but one.
void attend_all(LogicalUnit& unit, scsi::AdditionalSense sense);
void attend_others(LogicalUnit& unit, NexusId except, scsi::AdditionalSense sense);

[[nodiscard]] bool removal_prevented(const LogicalUnit& unit);

// Puts the effects of a change on the unit's nexuses and into the events. `before` is the
// reservation from before it.
void apply(LogicalUnit& unit, const ReservationEffects& effects,
           const agent::core::Reservation& before,
           const std::optional<agent::core::InitiatorPort>& cause,
           std::vector<LibraryEvent>& events);

}  // namespace drive_iface::virtual_library
