#include "drive_iface/virtual/personality.hpp"

#include <algorithm>
#include <iterator>

namespace drive_iface::virtual_library {
namespace {

constexpr Personality table[] = {
    {"lto-5", 0x58, 0x58, 0x5c, 15142, 1280, 1500000, "U-516", "Ultrium 5/16T"},
    {"lto-6", 0x5a, 0x68, 0x6c, 15143, 2176, 2500000, "U-616", "Ultrium 6/16T"},
    {"lto-7", 0x5c, 0x78, 0x7c, 19107, 3584, 6000000, "U-732", "Ultrium 7/32T"},
    {"lto-8", 0x5e, 0x88, 0x8c, 20669, 6656, 12000000, "U-832", "Ultrium 8/32T"},
    {"lto-9", 0x60, 0x98, 0x9c, 21457, 8960, 18000000, "U-932", "Ultrium 9/32T"},
};
constexpr const Personality& neutral = table[3];

// The first digit behind one of the words that drive makers put before the generation.
std::optional<char> generation_digit(std::string_view product) {
    for (const std::string_view word : {"-TD", "-HH", "Ultrium ", "ULTRIUM ", "LTO-", "ULTRIUM-"}) {
        const std::size_t at = product.find(word);
        if (at != std::string_view::npos && at + word.size() < product.size())
            return product[at + word.size()];
    }
    return std::nullopt;
}

}  // namespace

std::span<const Personality> personalities() {
    return table;
}

const Personality* find_personality(std::string_view name) {
    const auto* found =
        std::find_if(std::begin(table), std::end(table),
                     [name](const Personality& entry) { return entry.name == name; });
    return found == std::end(table) ? nullptr : found;
}

const Personality& personality_of_product(std::string_view product) {
    const auto digit = generation_digit(product);
    if (!digit) return neutral;
    const auto* found =
        std::find_if(std::begin(table), std::end(table),
                     [&digit](const Personality& entry) { return entry.name.back() == *digit; });
    return found == std::end(table) ? neutral : *found;
}

}  // namespace drive_iface::virtual_library
