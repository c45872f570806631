#pragma once

// The generation of LTO drive that a virtual drive shows itself as: what hosts read in block
// descriptors, density reports and medium auxiliary memory.

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace drive_iface::virtual_library {

struct Personality {
    std::string_view name;  // "lto-8"
    std::uint8_t density_code;
    std::uint8_t medium_type;       // of a data cartridge, mode parameter header
    std::uint8_t worm_medium_type;  // of a WORM cartridge
    std::uint32_t bits_per_mm;
    std::uint16_t tracks;
    std::uint32_t capacity_mb;      // of a data cartridge of this generation, native
    std::string_view density_name;  // assigned by the LTO consortium
    std::string_view description;
};

[[nodiscard]] std::span<const Personality> personalities();
// "lto-5" to "lto-9"; null: unknown name.
[[nodiscard]] const Personality* find_personality(std::string_view name);
// By the generation in an INQUIRY product identification, like "ULT3580-TD6" and "Ultrium 6-SCSI";
// LTO-8 when it names none.
[[nodiscard]] const Personality& personality_of_product(std::string_view product);

}  // namespace drive_iface::virtual_library
