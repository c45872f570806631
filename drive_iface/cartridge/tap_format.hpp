#pragma once

// The data file of a cartridge: SIMH magnetic tape, .tap, as the document "SIMH Magtape
// Representation and Handling" (R. Supnik) describes it. A block is
//
//   length (4 bytes, little-endian), data, one byte of padding when the length is odd, length again
//
// and a filemark is four zero bytes. FFFFFFFF is the end of the recording: what follows it in the
// file is left from earlier and means nothing.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "drive_iface/virtual/cartridge.hpp"

namespace drive_iface::cartridge {

using ByteView = std::span<const std::uint8_t>;

constexpr std::size_t tap_word = 4;  // every length and marker
constexpr std::uint32_t tap_filemark = 0x00000000;
constexpr std::uint32_t tap_erase_gap = 0xfffffffe;
constexpr std::uint32_t tap_end_of_medium = 0xffffffff;
constexpr std::uint32_t tap_error_flag = 0x80000000;  // the block was read with an error
constexpr std::uint32_t tap_length_max = 0x00ffffff;

// Bytes an object takes in the file.
[[nodiscard]] constexpr std::uint64_t tap_size(std::uint32_t block_length) {
    return 2 * tap_word + block_length + (block_length & 1U);
}
[[nodiscard]] constexpr std::uint64_t tap_size(const virtual_library::LogicalObject& object) {
    return object.kind == virtual_library::LogicalObject::Kind::filemark ? tap_word
                                                                         : tap_size(object.length);
}

// What stands behind the data of one block: padding, its length, and `next`, the word the next
// object or the end marker begins with. Returns how much of `into` it took: 8 or 9.
constexpr std::size_t tap_joint_max = 9;
[[nodiscard]] std::size_t put_tap_joint(std::span<std::uint8_t> into, std::uint32_t block_length,
                                        std::uint32_t next);

struct TapItem {
    enum class Kind : std::uint8_t {
        block,
        block_in_error,  // error flag set, by whoever wrote it
        filemark,
        end_of_medium,  // the marker, or the end of the file
        torn,           // a record begins here and does not end as it should, or no record can
    };
    Kind kind = Kind::torn;
    std::uint64_t offset = 0;
    std::uint32_t length = 0;  // of the block's data
    std::uint32_t crc32c = 0;  // of the block's data
};

// Walks a .tap forward from a known border between two objects. Erase gaps are passed over.
class TapScanner {
  public:
    // Fills `into` from `offset` on, all of which lies inside the file; false when it can not.
    using ReadAt = std::function<bool(std::uint64_t offset, std::span<std::uint8_t> into)>;

    TapScanner(ReadAt read_at, std::uint64_t offset, std::uint64_t file_size);

    // After end_of_medium or torn the same is told again.
    [[nodiscard]] TapItem next();
    // Where the next object begins, or would.
    [[nodiscard]] std::uint64_t offset() const { return offset_; }
    [[nodiscard]] bool read_failed() const { return read_failed_; }

  private:
    [[nodiscard]] ByteView window(std::uint64_t offset, std::uint64_t size);
    [[nodiscard]] TapItem block(std::uint32_t word);

    ReadAt read_at_;
    std::uint64_t offset_;
    std::uint64_t file_size_;
    virtual_library::Bytes buffer_;
    std::uint64_t buffer_offset_ = 0;
    std::uint64_t buffer_filled_ = 0;
    bool read_failed_ = false;
};

}  // namespace drive_iface::cartridge
