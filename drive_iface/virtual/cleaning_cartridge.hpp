#pragma once

// What makes a cartridge a cleaning cartridge, and what its memory tells about its uses. The work
// of one in a drive is in cleaning.hpp.

#include <cstdint>
#include <string_view>

#include "drive_iface/virtual/cartridge.hpp"

namespace drive_iface::virtual_library {

// Libraries and backup software know cleaning cartridges by this beginning of their barcode alone
// (LTO practice: CLN and three characters, as in CLN001L8 or CLN001CU).
[[nodiscard]] constexpr bool is_cleaning_barcode(std::string_view barcode) {
    return barcode.starts_with("CLN");
}

// As LTO cleaning cartridges are sold.
constexpr std::uint16_t cleanings_of_a_new_one = 50;

// Each load of one that is not used up is a cleaning: LOAD COUNT (SPC-4 table 336). How many there
// may be is MEDIUM TYPE INFORMATION of the medium type "cleaning tape" (SPC-4 table 339).
constexpr std::uint16_t load_count_attribute = 0x0003;
constexpr std::uint16_t cleanings_permitted_attribute = 0x0409;

struct Cleanings {
    std::uint64_t done = 0;
    std::uint64_t permitted = cleanings_of_a_new_one;
    [[nodiscard]] bool used_up() const { return done >= permitted; }
    bool operator==(const Cleanings&) const = default;
};

[[nodiscard]] inline Cleanings cleanings_of(const MediumAttributes& memory) {
    Cleanings cleanings;
    const auto read = [&memory](std::uint16_t identifier, std::uint64_t& number) {
        const auto found = memory.find(identifier);
        if (found == memory.end()) return;
        number = 0;
        for (const std::uint8_t byte : found->second.value)
            number = number << 8 | byte;
    };
    read(load_count_attribute, cleanings.done);
    read(cleanings_permitted_attribute, cleanings.permitted);
    return cleanings;
}

// The memory of a new one.
[[nodiscard]] inline MediumAttributes memory_for_cleanings(std::uint16_t permitted) {
    return {{cleanings_permitted_attribute,
             {.format = 0,
              .value = {static_cast<std::uint8_t>(permitted >> 8),
                        static_cast<std::uint8_t>(permitted & 0xff)}}}};
}

}  // namespace drive_iface::virtual_library
