#include "drive_iface/checksum/crc32c.hpp"

#include <array>
#include <cstddef>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace drive_iface::checksum {

namespace {

using ByteView = std::span<const std::uint8_t>;
using Table = std::array<std::uint32_t, 256>;

constexpr std::uint32_t reflected_polynomial = 0x82f63b78;

constexpr Table make_byte_table() {
    Table table{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        std::uint32_t rest = byte;
        for (int bit = 0; bit < 8; ++bit) {
            rest = (rest & 1U) != 0 ? (rest >> 1) ^ reflected_polynomial : rest >> 1;
        }
        table.at(byte) = rest;
    }
    return table;
}

constexpr Table byte_table = make_byte_table();

// The register after the bytes, without the complements at both ends.
std::uint32_t over_bytes(std::uint32_t sum, ByteView bytes) {
    for (const auto byte : bytes) {
        sum = byte_table[(sum ^ byte) & 0xffU] ^ (sum >> 8);
    }
    return sum;
}

#if defined(__x86_64__)

// The instruction needs three cycles and could start every cycle: three sums run side by side over
// neighbouring lanes. A lane's sum is then moved behind the next lane, as if that many zero bytes
// had followed: a linear map of the register, here as four tables of a byte each.
constexpr std::size_t lane = 1024;

constexpr std::array<Table, 4> make_lane_shift() {
    std::array<std::uint32_t, 32> image_of_bit{};
    for (std::size_t bit = 0; bit < 32; ++bit) {
        std::uint32_t sum = std::uint32_t{1} << bit;
        for (std::size_t zero = 0; zero < lane; ++zero) {
            sum = byte_table[sum & 0xffU] ^ (sum >> 8);
        }
        image_of_bit[bit] = sum;
    }
    std::array<Table, 4> shift{};
    for (std::size_t place = 0; place < 4; ++place) {
        for (std::size_t value = 0; value < 256; ++value) {
            std::uint32_t image = 0;
            for (std::size_t bit = 0; bit < 8; ++bit) {
                if ((value >> bit & 1U) != 0) image ^= image_of_bit[place * 8 + bit];
            }
            shift[place][value] = image;
        }
    }
    return shift;
}

constexpr std::array<Table, 4> lane_shift = make_lane_shift();

std::uint32_t behind_a_lane(std::uint32_t sum) {
    return lane_shift[0][sum & 0xffU] ^ lane_shift[1][sum >> 8 & 0xffU] ^
           lane_shift[2][sum >> 16 & 0xffU] ^ lane_shift[3][sum >> 24];
}

std::uint64_t eight_bytes(const std::uint8_t* from) {
    std::uint64_t value = 0;
    std::memcpy(&value, from, sizeof(value));
    return value;
}

__attribute__((target("sse4.2"))) std::uint32_t over_bytes_by_instruction(std::uint32_t sum,
                                                                          ByteView bytes) {
    while (bytes.size() >= 3 * lane) {
        const std::uint8_t* at = bytes.data();
        std::uint64_t first = sum;
        std::uint64_t second = 0;
        std::uint64_t third = 0;
        for (std::size_t i = 0; i < lane; i += 8) {
            first = _mm_crc32_u64(first, eight_bytes(at + i));
            second = _mm_crc32_u64(second, eight_bytes(at + lane + i));
            third = _mm_crc32_u64(third, eight_bytes(at + 2 * lane + i));
        }
        sum = behind_a_lane(static_cast<std::uint32_t>(first)) ^ static_cast<std::uint32_t>(second);
        sum = behind_a_lane(sum) ^ static_cast<std::uint32_t>(third);
        bytes = bytes.subspan(3 * lane);
    }
    std::uint64_t wide = sum;
    for (; bytes.size() >= 8; bytes = bytes.subspan(8)) {
        wide = _mm_crc32_u64(wide, eight_bytes(bytes.data()));
    }
    sum = static_cast<std::uint32_t>(wide);
    for (const auto byte : bytes) {
        sum = _mm_crc32_u8(sum, byte);
    }
    return sum;
}

bool has_instruction() {
    static const bool has = __builtin_cpu_supports("sse4.2") != 0;
    return has;
}

#endif

}  // namespace

std::uint32_t crc32c_by_table(ByteView bytes, std::uint32_t before) {
    return ~over_bytes(~before, bytes);
}

std::uint32_t crc32c(ByteView bytes, std::uint32_t before) {
#if defined(__x86_64__)
    if (has_instruction()) return ~over_bytes_by_instruction(~before, bytes);
#endif
    return crc32c_by_table(bytes, before);
}

}  // namespace drive_iface::checksum
