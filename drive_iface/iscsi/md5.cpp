#include "drive_iface/iscsi/md5.hpp"

#include <bit>
#include <cmath>
#include <vector>

namespace drive_iface::iscsi {

namespace {

constexpr std::size_t block_size = 64;

// RFC 1321 3.4: T[i] is the integer part of 4294967296 times abs(sin(i)), i in radians from 1.
const std::array<std::uint32_t, 64>& sine_table() {
    static const auto table = [] {
        std::array<std::uint32_t, 64> made{};
        for (std::size_t i = 0; i < made.size(); ++i) {
            made[i] = static_cast<std::uint32_t>(std::fabs(std::sin(static_cast<double>(i + 1))) *
                                                 4294967296.0);
        }
        return made;
    }();
    return table;
}

constexpr std::array<std::array<int, 4>, 4> rotations{
    {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}}};

using State = std::array<std::uint32_t, 4>;

void add_block(State& state, std::span<const std::uint8_t> block) {
    std::array<std::uint32_t, 16> words{};
    for (std::size_t i = 0; i < block_size; ++i) {
        words[i / 4] |= static_cast<std::uint32_t>(block[i]) << (8 * (i % 4));
    }
    auto [a, b, c, d] = state;
    for (std::size_t i = 0; i < 64; ++i) {
        std::uint32_t mixed = 0;
        std::size_t word = 0;
        switch (i / 16) {
            case 0:
                mixed = (b & c) | (~b & d);
                word = i;
                break;
            case 1:
                mixed = (b & d) | (c & ~d);
                word = (5 * i + 1) % 16;
                break;
            case 2:
                mixed = b ^ c ^ d;
                word = (3 * i + 5) % 16;
                break;
            default:
                mixed = c ^ (b | ~d);
                word = (7 * i) % 16;
                break;
        }
        const std::uint32_t sum = a + mixed + words[word] + sine_table()[i];
        a = d;
        d = c;
        c = b;
        b += std::rotl(sum, rotations[i / 16][i % 4]);
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
}

}  // namespace

std::array<std::uint8_t, 16> md5(std::span<const std::uint8_t> message) {
    std::vector<std::uint8_t> padded(message.begin(), message.end());
    padded.push_back(0x80);
    while (padded.size() % block_size != block_size - 8)
        padded.push_back(0);
    const std::uint64_t bits = std::uint64_t{message.size()} * 8;
    for (unsigned i = 0; i < 8; ++i)
        padded.push_back(static_cast<std::uint8_t>(bits >> (8 * i)));

    State state{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
    for (std::size_t at = 0; at < padded.size(); at += block_size) {
        add_block(state, std::span(padded).subspan(at, block_size));
    }
    std::array<std::uint8_t, 16> digest{};
    for (std::size_t i = 0; i < digest.size(); ++i) {
        digest[i] = static_cast<std::uint8_t>(state[i / 4] >> (8 * (i % 4)));
    }
    return digest;
}

}  // namespace drive_iface::iscsi
