#include "drive_iface/checksum/crc32c.hpp"

#include <numeric>
#include <vector>

#include "test/support/catch.hpp"

using namespace drive_iface::checksum;

namespace {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

Bytes noise(std::size_t size) {
    Bytes bytes(size);
    std::uint32_t state = 0x9e3779b9;
    for (auto& byte : bytes) {
        state = state * 1664525U + 1013904223U;
        byte = static_cast<std::uint8_t>(state >> 24);
    }
    return bytes;
}

}  // namespace

TEST_CASE("the sums are those of the iSCSI standard") {
    // RFC 7143 A.4
    CHECK(crc32c(Bytes(32, 0x00)) == 0x8a9136aa);
    CHECK(crc32c(Bytes(32, 0xff)) == 0x62a8ab43);
    Bytes rising(32);
    std::iota(rising.begin(), rising.end(), std::uint8_t{0});
    CHECK(crc32c(rising) == 0x46dd794e);
    CHECK(crc32c(Bytes{}) == 0);
}

TEST_CASE("the processor's instructions and the table agree at every length") {
    const auto bytes = noise(3 * 1024 * 3 + 17);
    for (std::size_t size = 0; size < bytes.size(); size += size < 70 || size > 3000 ? 1 : 13) {
        const auto part = ByteView(bytes).first(size);
        const auto sum = crc32c_by_table(part, 4711);
        REQUIRE(crc32c(part, 4711) == sum);
        REQUIRE(crc32c_by_instruction(part, 4711) == sum);
    }
}

TEST_CASE("a sum can be taken piece by piece, wherever the pieces begin") {
    const auto bytes = noise(8192);
    const auto whole = crc32c(bytes);
    CHECK(crc32c_by_instruction(bytes) == whole);
    for (const std::size_t cut : {0U, 1U, 7U, 8U, 3071U, 3072U, 3073U, 8191U, 8192U}) {
        CHECK(crc32c(ByteView(bytes).subspan(cut), crc32c(ByteView(bytes).first(cut))) == whole);
    }
}
