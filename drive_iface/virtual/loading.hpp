#pragma once

// Cartridges coming into a tape drive and leaving it. Everything here takes its time: a cartridge
// is being opened, or synchronised before it is closed. settle() goes on with that.

#include <string>

#include "drive_iface/virtual/tape_state.hpp"

namespace drive_iface::virtual_library {

// The robot puts a cartridge into an empty drive; it is threaded.
void insert_cartridge(TapeState& drive, const std::string& barcode);
// The robot takes it, when it can_be_taken(). Returns its barcode.
std::string take_cartridge(TapeState& drive);
[[nodiscard]] bool can_be_taken(const TapeState& drive);

// A host's LOAD, or the drive's own: threads what is unloaded. Nothing to do in another state.
void begin_load(TapeState& drive, std::optional<NexusId> by);
// A host's UNLOAD, or the robot's that wants the cartridge. `hold`: a LOAD without the robot is
// expected.
void begin_unload(TapeState& drive, bool hold);

enum class Settled : std::uint8_t {
    nothing,
    became_ready,  // the medium may have changed: a unit attention for all but `loaded_by`
    not_loaded,    // it could not be opened, or is a cleaning cartridge
    unloaded,
};
// Called on every progress of shelf and cartridges, and before each command.
Settled settle(TapeState& drive);

// Logical unit reset: mode values return to their defaults; cartridge and position stay, and what
// is in the buffer is on its way to storage (SSC-3 4.2.20). On a parallel drive it leaves all write
// sessions incomplete, and everybody begins anew.
void reset(TapeState& drive);
// Power was lost and is back: what was not synchronised is gone unless the cache was kept, and the
// cartridge is threaded anew.
enum class Cache : std::uint8_t { lost, kept };
void power_cycle(TapeState& drive, Cache cache);
// From now on, on the tape that is threaded and on those to come.
void set_faults(TapeState& drive, TapeFaults faults);
// The host of this nexus says that it is done: on a parallel drive its stream is completed.
void finish_stream(TapeState& drive, NexusId nexus);
// A nexus is gone, and its own position on a parallel drive with it.
void forget_nexus(TapeState& drive, NexusId nexus);
// Takes over that storing has failed since this was asked last: the drive's counters and alerts
// tell of it, and those who wrote are owed a deferred error (SPC-4 4.5.5).
[[nodiscard]] bool take_lost_writes(TapeState& drive, TapeUser& user);
// This host has written.
void note_writer(TapeUser& user, const agent::core::InitiatorPort& port);
// True, once: this host is to hear that writes have failed.
[[nodiscard]] bool take_owed(TapeUser& user, const agent::core::InitiatorPort& port);
// Whose position a command of this nexus uses.
[[nodiscard]] TapeUser& user_of(TapeState& drive, NexusId nexus);

}  // namespace drive_iface::virtual_library
