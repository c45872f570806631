#pragma once

// A cartridge as a drive uses it, and the shelf cartridges come from: the door between the tape
// model, which decides what every SCSI command means, and whatever keeps the data (files in
// drive_iface/cartridge, memory in tests and the simulator).
//
// Nothing here blocks. What is not at hand is fetched, and what is accepted is stored, behind the
// caller's back; progress() tells when it is worth asking again. All calls come from one thread,
// and so does progress().
//
// The recorded sequence is numbered from 0: logical objects (SSC-3 4.2.7), blocks and filemarks
// alike. It always tells what was accepted, stored already or not.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/result.hpp"
#include "drive_iface/virtual/target_device.hpp"

namespace drive_iface::virtual_library {

// Longest block, READ BLOCK LIMITS (SSC-3 7.4).
constexpr std::uint32_t block_length_max = 8 * 1024 * 1024;

struct LogicalObject {
    enum class Kind : std::uint8_t { block, filemark };
    Kind kind = Kind::block;
    std::uint32_t length = 0;  // bytes, 1 to block_length_max; 0 for a filemark
};

struct CartridgeFacts {
    std::string barcode;           // as the volume tag in READ ELEMENT STATUS, 1 to 32 characters
    std::uint64_t capacity = 0;    // bytes of block data until end of medium
    bool write_protected = false;  // the switch on the case; administrative volumes too
    bool worm = false;             // only what stands behind everything recorded can be written
    bool cleaning = false;
};

// Medium auxiliary memory (SPC-4 7.4): what the drive and the hosts keep about the cartridge.
struct MediumAttribute {
    std::uint8_t format = 0;  // 0 binary, 1 ASCII, 2 text (SPC-4 table 334)
    Bytes value;
    bool operator==(const MediumAttribute&) const = default;
};
using MediumAttributes = std::map<std::uint16_t, MediumAttribute>;

class Cartridge {
  public:
    // Gives up waiting: what was accepted and not synchronised may be lost. Ask synchronise()
    // first.
    virtual ~Cartridge() = default;

    [[nodiscard]] virtual const CartridgeFacts& facts() const = 0;

    // ---- what is recorded; none of these waits

    // The number the next object would get if it were appended: how many there are.
    [[nodiscard]] virtual std::uint64_t end_of_data() const = 0;
    // `number` below end_of_data().
    [[nodiscard]] virtual LogicalObject object(std::uint64_t number) const = 0;
    // How many filemarks stand before `number`, which is at most end_of_data(). With
    // nth_filemark() this makes every SPACE and LOCATE cheap, however much is recorded.
    [[nodiscard]] virtual std::uint64_t filemarks_before(std::uint64_t number) const = 0;
    // The number of the filemark with this ordinal, from 0; nothing: there are fewer.
    [[nodiscard]] virtual std::optional<std::uint64_t> nth_filemark(
        std::uint64_t ordinal) const = 0;
    // Bytes of block data recorded.
    [[nodiscard]] virtual std::uint64_t used() const = 0;

    // ---- reading

    // Are `count` objects from `first` on readable without waiting? Otherwise they are being
    // fetched. Objects from end_of_data() on count as there.
    [[nodiscard]] virtual bool at_hand(std::uint64_t first, std::uint64_t count) = 0;
    // The data of a block that is at hand, appended to `into`. The error, in an operator's words:
    // this block is damaged or its file can not be read; `into` is as it was, and the blocks around
    // it are as good as ever.
    [[nodiscard]] virtual agent::core::Outcome read(std::uint64_t number, Bytes& into) = 0;

    // ---- writing: the caller has checked protection, WORM and the ends of the medium

    enum class Room : std::uint8_t {
        now,    // append() takes it
        later,  // the buffer is full or space is being allocated: progress() will tell
    };
    [[nodiscard]] virtual Room room_for(std::uint64_t bytes) = 0;
    // Everything from `at` on is discarded, then `data` is recorded as blocks of `block_length`
    // bytes, which divides it. After room_for() said `now` for as much.
    virtual void append_blocks(std::uint64_t at, Bytes data, std::uint32_t block_length) = 0;
    virtual void append_filemarks(std::uint64_t at, std::uint32_t count) = 0;
    // Everything from `at` on is discarded (ERASE, FORMAT MEDIUM).
    virtual void erase(std::uint64_t at) = 0;

    // Bytes of used() from which on writes report early warning, and where the medium ends. Both
    // come down, early warning first, when the folder behind the cartridge runs full; never below
    // what is recorded.
    [[nodiscard]] virtual std::uint64_t early_warning_at() const = 0;
    [[nodiscard]] virtual std::uint64_t end_of_medium_at() const = 0;

    // Bring everything accepted so far to where it survives a loss of power. Cheap when it is there
    // already; idempotent while it is under way.
    virtual void synchronise() = 0;
    // Nothing accepted is missing on storage.
    [[nodiscard]] virtual bool synchronised() const = 0;
    // How many objects, and bytes of them, are accepted and not yet synchronised (READ POSITION).
    struct Buffered {
        std::uint64_t objects = 0;
        std::uint64_t bytes = 0;
    };
    [[nodiscard]] virtual Buffered buffered() const = 0;
    // Storing something that had been accepted failed: told once, to be reported as a deferred
    // error (SPC-4 4.5.5). What could not be stored is cut off the recorded sequence by then.
    [[nodiscard]] virtual std::optional<agent::core::Error> take_fault() = 0;

    // A fault that is played: nothing can be stored any more, until it is taken back.
    virtual void fail_storing(bool fails) { static_cast<void>(fails); }
    // The drive loses power: what was accepted and not synchronised is given up. It is destroyed
    // next.
    virtual void lose_power() {}

    // ---- auxiliary memory

    [[nodiscard]] virtual const MediumAttributes& attributes() const = 0;
    // Stored with the next synchronise().
    virtual void set_attributes(MediumAttributes attributes) = 0;
    // Asked when it is synchronised(): false when storing the attributes failed. What is recorded
    // is as safe as ever, and they are tried again with the next synchronise() that has something
    // to do.
    [[nodiscard]] virtual bool attributes_stored() const { return true; }

    // Called when something that was waited for may have happened; replaces an earlier one. Never
    // from inside another function of this class.
    virtual void on_progress(std::function<void()> progress) = 0;
};

// Where cartridges are when they are in no drive.
class CartridgeShelf {
  public:
    virtual ~CartridgeShelf() = default;

    struct Entry {
        CartridgeFacts facts;
        std::uint64_t used = 0;
    };
    // All cartridges there are, in drives or not, in order of barcode.
    [[nodiscard]] virtual std::vector<Entry> list() const = 0;

    // Opens a cartridge for a drive. Nothing: it is being opened; ask again with the same barcode
    // at on_progress(). Errors: unknown barcode, open already, or damaged beyond what an index
    // rebuild mends, in an operator's words.
    [[nodiscard]] virtual std::optional<agent::core::Result<std::unique_ptr<Cartridge>>> open(
        const std::string& barcode) = 0;

    virtual void on_progress(std::function<void()> progress) = 0;
};

}  // namespace drive_iface::virtual_library
