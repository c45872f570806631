#pragma once

// Bounds-checked big-endian reading and writing. All multi-byte fields of SCSI are big-endian
// (SPC-4 3.5.2).

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace drive_iface::scsi {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

// Walks over bytes that came from outside. Reading past the end makes the reader fail for good:
// from then on every field is 0 or empty, and ok() tells.
class ByteReader {
  public:
    explicit ByteReader(ByteView bytes) : bytes_(bytes) {}

    [[nodiscard]] bool ok() const { return ok_; }
    [[nodiscard]] std::size_t position() const { return position_; }
    [[nodiscard]] std::size_t remaining() const { return ok_ ? bytes_.size() - position_ : 0; }

    std::uint8_t u8() { return static_cast<std::uint8_t>(number(1)); }
    std::uint16_t u16() { return static_cast<std::uint16_t>(number(2)); }
    std::uint32_t u24() { return static_cast<std::uint32_t>(number(3)); }
    std::uint32_t u32() { return static_cast<std::uint32_t>(number(4)); }
    std::uint64_t u48() { return number(6); }
    std::uint64_t u64() { return number(8); }
    ByteView take(std::size_t size);
    void skip(std::size_t size) { static_cast<void>(take(size)); }

  private:
    std::uint64_t number(std::size_t size);

    ByteView bytes_;
    std::size_t position_ = 0;
    bool ok_ = true;
};

// Appends big-endian fields; set_* fill in a length that is known only afterwards.
class ByteWriter {
  public:
    ByteWriter& u8(std::uint8_t value) { return number(value, 1); }
    ByteWriter& u16(std::uint16_t value) { return number(value, 2); }
    ByteWriter& u24(std::uint32_t value) { return number(value, 3); }
    ByteWriter& u32(std::uint32_t value) { return number(value, 4); }
    ByteWriter& u48(std::uint64_t value) { return number(value, 6); }
    ByteWriter& u64(std::uint64_t value) { return number(value, 8); }
    ByteWriter& zeros(std::size_t count);
    ByteWriter& bytes(ByteView value);
    // Left-aligned ASCII in a field of `width` bytes, padded with blanks and cut when longer
    // (SPC-4 4.3.1).
    ByteWriter& ascii(std::string_view text, std::size_t width);

    void set_u8(std::size_t at, std::uint8_t value) { set_number(at, value, 1); }
    void set_u16(std::size_t at, std::uint16_t value) { set_number(at, value, 2); }
    void set_u32(std::size_t at, std::uint32_t value) { set_number(at, value, 4); }

    [[nodiscard]] std::size_t size() const { return bytes_.size(); }
    [[nodiscard]] const Bytes& view() const { return bytes_; }
    [[nodiscard]] Bytes take() { return std::move(bytes_); }

  private:
    ByteWriter& number(std::uint64_t value, std::size_t size);
    void set_number(std::size_t at, std::uint64_t value, std::size_t size);

    Bytes bytes_;
};

// Lower-case hex digits without separators, two a byte.
[[nodiscard]] std::string to_hex(ByteView bytes);

// ASCII field without the blanks and NULs at both ends (tgt pads serial numbers on the left).
[[nodiscard]] std::string trimmed_ascii(ByteView bytes);

}  // namespace drive_iface::scsi
