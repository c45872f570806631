#pragma once

// A tape under the heads: where it stands, and what a movement, a read or a write meets there
// (SSC-3 4.2.5 to 4.2.7). Knows blocks, filemarks and the ends of the medium; nothing of CDBs and
// sense data. A drive has one; a parallel drive has one for each nexus.

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "drive_iface/virtual/cartridge.hpp"

namespace drive_iface::virtual_library {

// The most one command moves, in bytes: what 24 bits of TRANSFER LENGTH can say in variable mode.
// room_for() is never asked for more.
constexpr std::uint64_t transfer_bytes_max = std::uint64_t{16} * 1024 * 1024;
// A cartridge that holds as many is full, however short they are on tape.
constexpr std::uint64_t filemarks_max = std::uint64_t{4} * 1024 * 1024;

// What a tape is to suffer from although nothing is wrong with it, so that hosts can be tested.
struct TapeFaults {
    std::set<std::uint64_t> damaged;                // objects that can not be read
    std::optional<std::uint64_t> early_warning_at;  // bytes of used(), when that comes earlier
    bool storage_fails = false;
    bool operator==(const TapeFaults&) const = default;
};

struct Tape {
    std::unique_ptr<Cartridge> cartridge;  // null: none is threaded
    std::uint64_t position = 0;            // number of the next object, at most end_of_data()
    bool written = false;                  // something was written since the last movement
    TapeFaults faults{};

    std::uint64_t programmable_warning = 0;  // bytes before early warning; 0: none
    // Append-only mode: where one write may discard what is recorded, and whether the tape may be
    // formatted.
    std::optional<std::uint64_t> overwrite_allowed_at{};
    bool format_allowed = false;
};

// From now on.
void suffer(Tape& tape, const TapeFaults& faults);

// What ended a movement or a transfer.
enum class Met : std::uint8_t {
    nothing,      // all that was asked for is done
    filemark,     // behind it going forward, before it going back
    end_of_data,  // nothing is recorded from here on
    beginning,    // of the partition, going back
    end_of_medium,
    incorrect_length,
    damaged_block,  // behind it
};

struct Moved {
    Met met = Met::nothing;
    std::uint64_t left = 0;  // how much of the count was not done
    bool operator==(const Moved&) const = default;
};

// SPACE (SSC-3 7.10); negative counts go back.
[[nodiscard]] Moved space_blocks(Tape& tape, std::int64_t count);
[[nodiscard]] Moved space_filemarks(Tape& tape, std::int64_t count);

// LOCATE (SSC-3 7.2). `left` is not used.
[[nodiscard]] Moved locate_object(Tape& tape, std::uint64_t number);
// To the end-of-partition side of the filemark before logical file `number`; file 0 begins at the
// beginning of the partition.
[[nodiscard]] Moved locate_file(Tape& tape, std::uint64_t number);

// READ (SSC-3 6.4). `damage` is filled in with damaged_block, `actual_length` with
// incorrect_length. Nothing: the next block is being fetched; call again.
struct ReadOne {
    Met met = Met::nothing;
    std::uint32_t actual_length = 0;
    std::string damage;
};
// The next block, cut to `length` bytes when `cut`, else left out of `into` when its length is
// another.
[[nodiscard]] std::optional<ReadOne> read_block(Tape& tape, std::uint32_t length, bool cut,
                                                Bytes& into);

// WRITE (SSC-3 6.9): whole blocks, as many as there is medium for, behind which everything is
// discarded. `data` is moved from unless it waits. Nothing: no room in the buffer yet.
struct Written {
    std::uint64_t blocks = 0;
    bool early_warning = false;         // stands there now
    bool end_of_medium = false;         // met: not all blocks were written
    bool programmable_warning = false;  // came there by this write, and early warning is not yet
};
[[nodiscard]] std::optional<Written> write_blocks(Tape& tape, Bytes& data,
                                                  std::uint32_t block_length);
// One step of it: at most `count`, at least one unless the medium ends.
[[nodiscard]] std::optional<Written> write_filemarks(Tape& tape, std::uint32_t count);

// Everything from here on is gone.
void erase_from_here(Tape& tape);

// True: nothing accepted is missing on storage. False: it is on its way; ask again.
[[nodiscard]] bool synchronise(Tape& tape);

// Storing failed behind the drive's back: what was lost is cut off, and the position with it.
[[nodiscard]] std::optional<agent::core::Error> take_fault(Tape& tape);

[[nodiscard]] bool at_early_warning(const Tape& tape);
// Behind the programmable one; never when there is none.
[[nodiscard]] bool at_programmable_warning(const Tape& tape);

// Bytes of block data from which on writes report early warning, and where the medium ends: the
// cartridge's, SET CAPACITY (SSC-3) and faults considered.
[[nodiscard]] std::uint64_t early_warning_at(const Tape& tape);
[[nodiscard]] std::uint64_t end_of_medium_at(const Cartridge& cartridge);
// Of the cartridge as SET CAPACITY has made it.
[[nodiscard]] std::uint64_t capacity_of(const Cartridge& cartridge);
// SET CAPACITY: `proportion` of 65535 of the whole medium, kept in the cartridge's memory.
void set_capacity(Cartridge& cartridge, std::uint16_t proportion);

}  // namespace drive_iface::virtual_library
