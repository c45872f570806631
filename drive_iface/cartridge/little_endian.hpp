#pragma once

// Fixed places in a buffer, least significant byte first: how both files of a cartridge count. The
// caller has made sure that the place is inside.

#include <cstddef>
#include <cstdint>
#include <span>

namespace drive_iface::cartridge {

template <typename Number>
[[nodiscard]] Number little_endian_at(std::span<const std::uint8_t> bytes, std::size_t at) {
    Number value = 0;
    for (std::size_t i = sizeof(Number); i-- > 0;) {
        value = static_cast<Number>(value << 8 | bytes[at + i]);
    }
    return value;
}

template <typename Number>
void set_little_endian(std::span<std::uint8_t> bytes, std::size_t at, Number value) {
    for (std::size_t i = 0; i < sizeof(Number); ++i) {
        bytes[at + i] = static_cast<std::uint8_t>(value >> (8 * i));
    }
}

}  // namespace drive_iface::cartridge
