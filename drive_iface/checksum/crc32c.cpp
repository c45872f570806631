#include "drive_iface/checksum/crc32c.hpp"

#include <array>
#include <cstddef>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
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

// Powers of x modulo the polynomial, reflected as the register is; one place further up, since a
// product of two reflected numbers is one place short.
constexpr std::uint64_t power_of_x(std::size_t power) {
    std::uint32_t rest = 0x80000000;
    for (std::size_t i = 0; i < power; ++i) {
        rest = (rest & 1U) != 0 ? (rest >> 1) ^ reflected_polynomial : rest >> 1;
    }
    return std::uint64_t{rest} << 1;
}

// Four registers of 64 bytes each go over the bytes 256 at a time: each 16 bytes of them are
// multiplied by what 256 bytes further means for their remainder, and meet the next there. What is
// left at the end is a message of 256 bytes with the remainder of all.
constexpr std::size_t fold_size = 256;
constexpr std::size_t folded_from = 1024;  // fewer are as fast without
constexpr std::uint64_t fold_of_first_half = power_of_x(8 * fold_size + 32);
constexpr std::uint64_t fold_of_second_half = power_of_x(8 * fold_size - 32);

__attribute__((target("avx512f,vpclmulqdq"))) __m512i folded(__m512i sum, __m512i by,
                                                             __m512i next) {
    constexpr int exclusive_or_of_three = 0x96;
    return _mm512_ternarylogic_epi64(_mm512_clmulepi64_epi128(sum, by, 0x00),
                                     _mm512_clmulepi64_epi128(sum, by, 0x11), next,
                                     exclusive_or_of_three);
}

// At least fold_size bytes.
__attribute__((target("avx512f,vpclmulqdq"))) std::uint32_t over_bytes_by_folding(std::uint32_t sum,
                                                                                  ByteView bytes) {
    constexpr std::size_t width = 64;
    constexpr auto one = static_cast<long long>(fold_of_first_half);
    constexpr auto two = static_cast<long long>(fold_of_second_half);
    const auto by = _mm512_set4_epi64(two, one, two, one);
    const auto* at = bytes.data();
    auto first =
        _mm512_xor_si512(_mm512_loadu_si512(at),
                         _mm512_zextsi128_si512(_mm_cvtsi32_si128(static_cast<std::int32_t>(sum))));
    auto second = _mm512_loadu_si512(at + width);
    auto third = _mm512_loadu_si512(at + 2 * width);
    auto fourth = _mm512_loadu_si512(at + 3 * width);
    for (bytes = bytes.subspan(fold_size); bytes.size() >= fold_size;
         bytes = bytes.subspan(fold_size)) {
        at = bytes.data();
        first = folded(first, by, _mm512_loadu_si512(at));
        second = folded(second, by, _mm512_loadu_si512(at + width));
        third = folded(third, by, _mm512_loadu_si512(at + 2 * width));
        fourth = folded(fourth, by, _mm512_loadu_si512(at + 3 * width));
    }
    std::array<std::uint8_t, fold_size> message;
    _mm512_storeu_si512(message.data(), first);
    _mm512_storeu_si512(message.data() + width, second);
    _mm512_storeu_si512(message.data() + 2 * width, third);
    _mm512_storeu_si512(message.data() + 3 * width, fourth);
    return over_bytes_by_instruction(over_bytes_by_instruction(0, message), bytes);
}

bool has_wide_multiplication() {
    static const bool has = __builtin_cpu_supports("avx512f") != 0 &&
                            __builtin_cpu_supports("vpclmulqdq") != 0 &&
                            __builtin_cpu_supports("sse4.2") != 0;
    return has;
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

std::uint32_t crc32c_by_instruction(ByteView bytes, std::uint32_t before) {
#if defined(__x86_64__)
    if (has_instruction()) return ~over_bytes_by_instruction(~before, bytes);
#endif
    return crc32c_by_table(bytes, before);
}

std::uint32_t crc32c(ByteView bytes, std::uint32_t before) {
#if defined(__x86_64__)
    if (bytes.size() >= folded_from && has_wide_multiplication())
        return ~over_bytes_by_folding(~before, bytes);
#endif
    return crc32c_by_instruction(bytes, before);
}

}  // namespace drive_iface::checksum
