#pragma once

// What a tape drive knows beyond what every logical unit knows: the cartridge in it, where each
// user stands on it, and what has happened to it.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "drive_iface/virtual/parallel.hpp"
#include "drive_iface/virtual/personality.hpp"
#include "drive_iface/virtual/tape.hpp"
#include "drive_iface/virtual/tape_alert.hpp"
#include "drive_iface/virtual/target_device.hpp"

namespace drive_iface::virtual_library {

// Values that MODE SELECT changes, and a reset puts back.
struct TapeMode {
    std::uint32_t block_length = 0;  // 0: variable
    bool buffered = true;            // buffered mode 1, else 0: GOOD only when it is stored
    bool append_only = false;        // WRITE MODE 01h of mode page 10h, subpage 01h
    std::uint16_t programmable_warning_mb = 0;  // PEWS of it: so much before early warning
    bool operator==(const TapeMode&) const = default;
};

// One user of the tape: all nexuses of a drive together, or one nexus of a parallel drive.
struct TapeUser {
    Tape tape;
    ParallelCartridge* stream = nullptr;  // tape.cartridge, on a parallel drive
    TapeMode mode;
    // Who wrote what is not known to be stored, and who has yet to hear that such writes failed.
    // Hosts and not nexuses: a lost connection is no reason not to be told.
    std::vector<agent::core::InitiatorPort> writers;
    std::vector<agent::core::InitiatorPort> owed;
    bool owed_to_anybody = false;  // nobody is known to have written it
    bool given_up = false;         // storing failed while it was unloaded: nothing is waited for
};

struct TapeCounters {
    std::uint64_t blocks_written = 0;
    std::uint64_t blocks_read = 0;
    std::uint64_t bytes_written = 0;
    std::uint64_t bytes_read = 0;
    std::uint64_t filemarks_written = 0;
    std::uint64_t write_errors = 0;  // that nothing could mend
    std::uint64_t read_errors = 0;
    std::uint64_t loads = 0;
};

struct TapeState {
    // Where cartridges come from, and who is told when a wait is over; set before the first
    // cartridge and the first command. `parallel` makes it a parallel drive. Borrowed for good.
    CartridgeShelf* shelf = nullptr;
    ParallelCartridges* parallel = nullptr;
    std::function<void()> progress;

    // Written into the memory of each cartridge that is loaded.
    std::string vendor;
    std::string serial;
    const Personality* personality = &personality_of_product("");

    enum class MediumState : std::uint8_t {
        absent,      // no cartridge in the drive
        opening,     // in the drive, being threaded
        loaded,      // ready
        unloading,   // being synchronised and closed
        unloaded,    // in the drive, closed: the robot may take it
        unreadable,  // could not be opened; the robot may take it
        cleaning,    // a cleaning cartridge at work
        cleaned,     // one that has done its work, or is used up; the robot may take it
    };
    MediumState medium = MediumState::absent;
    std::string barcode;            // of the cartridge in the drive, empty when absent
    std::string trouble;            // why it could not be opened or stored, for an operator
    bool held = false;              // unloaded with HOLD: still threadable without a robot
    bool threads_again = false;     // power came back: what is being stored is threaded anew
    bool unloaded_by_host = false;  // HUI in log page 11h
    bool lost_at_unload = false;  // storing failed while it was unloaded: UNLOAD or the robot tells
    std::optional<NexusId> loaded_by;  // a host's own LOAD: it needs no unit attention

    std::unique_ptr<Cartridge> cleaner;  // a cleaning cartridge, while it is cleaning or cleaned
    bool cleaner_used_up = false;
    // A cleaning cartridge that is opened was in the drive when power came: its work is done.
    bool cleaned_before = false;

    TapeFaults faults;  // of whatever tape is in it

    TapeUser shared;                  // of a drive that is not parallel
    std::map<NexusId, TapeUser> own;  // of a parallel drive

    // What WRITE BUFFER left for READ BUFFER, echo mode.
    static constexpr std::size_t echo_buffer_size = 4096;
    std::map<NexusId, Bytes> echo_buffers;

    TapeCounters since_power_on;
    TapeCounters since_load;
    TapeAlerts alerts;
};

}  // namespace drive_iface::virtual_library
