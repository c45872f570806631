#include "drive_iface/iscsi/crc32c.hpp"

#include <array>

namespace drive_iface::iscsi {

namespace {

constexpr std::uint32_t reflected_polynomial = 0x82f63b78;

constexpr std::array<std::uint32_t, 256> make_table() {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        std::uint32_t rest = byte;
        for (int bit = 0; bit < 8; ++bit) {
            rest = (rest & 1U) != 0 ? (rest >> 1) ^ reflected_polynomial : rest >> 1;
        }
        table.at(byte) = rest;
    }
    return table;
}

constexpr auto table = make_table();

}  // namespace

std::uint32_t crc32c(std::span<const std::uint8_t> bytes, std::uint32_t before) {
    std::uint32_t sum = ~before;
    for (const auto byte : bytes) {
        sum = table[(sum ^ byte) & 0xffU] ^ (sum >> 8);
    }
    return ~sum;
}

}  // namespace drive_iface::iscsi
