#pragma once

// Fields of a 48-byte basic header segment by offset. Offsets are constants of the codec, so
// reading outside is a bug and not input.

#include <cstdint>

#include "agent/core/assert.hpp"
#include "drive_iface/iscsi/frame.hpp"

namespace drive_iface::iscsi {

[[nodiscard]] inline std::uint64_t read_field(const BasicHeader& header, std::size_t at,
                                              std::size_t size) {
    AGENT_ASSERT(at + size <= header.size());
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i)
        value = (value << 8) | header[at + i];
    return value;
}

[[nodiscard]] inline std::uint8_t u8(const BasicHeader& header, std::size_t at) {
    return static_cast<std::uint8_t>(read_field(header, at, 1));
}
[[nodiscard]] inline std::uint16_t u16(const BasicHeader& header, std::size_t at) {
    return static_cast<std::uint16_t>(read_field(header, at, 2));
}
[[nodiscard]] inline std::uint32_t u32(const BasicHeader& header, std::size_t at) {
    return static_cast<std::uint32_t>(read_field(header, at, 4));
}
[[nodiscard]] inline std::uint64_t u64(const BasicHeader& header, std::size_t at) {
    return read_field(header, at, 8);
}
[[nodiscard]] inline bool bit(const BasicHeader& header, std::size_t at, std::uint8_t mask) {
    return (u8(header, at) & mask) != 0;
}

inline void write_field(BasicHeader& header, std::size_t at, std::size_t size,
                        std::uint64_t value) {
    AGENT_ASSERT(at + size <= header.size());
    for (std::size_t i = 0; i < size; ++i) {
        header[at + i] = static_cast<std::uint8_t>(value >> (8 * (size - 1 - i)));
    }
}

[[nodiscard]] inline std::uint8_t flag(bool set, std::uint8_t mask) {
    return set ? mask : std::uint8_t{0};
}

}  // namespace drive_iface::iscsi
