#include "drive_iface/cartridge/tap_format.hpp"

#include <algorithm>
#include <vector>

#include "drive_iface/cartridge/little_endian.hpp"
#include "drive_iface/checksum/crc32c.hpp"
#include "test/support/catch.hpp"

using namespace drive_iface::cartridge;
using drive_iface::virtual_library::Bytes;

namespace {

void add_word(Bytes& tape, std::uint32_t word) {
    tape.resize(tape.size() + tap_word);
    set_little_endian(std::span(tape).last(tap_word), 0, word);
}

void add_block(Bytes& tape, const Bytes& data, std::uint32_t flag = 0) {
    add_word(tape, static_cast<std::uint32_t>(data.size()) | flag);
    tape.insert(tape.end(), data.begin(), data.end());
    Bytes joint(tap_joint_max);
    joint.resize(put_tap_joint(joint, static_cast<std::uint32_t>(data.size()) | flag, 0));
    tape.insert(tape.end(), joint.begin(), joint.end() - tap_word);
}

TapScanner scanner_of(const Bytes& tape, std::uint64_t offset = 0) {
    return {[&tape](std::uint64_t from, std::span<std::uint8_t> into) {
                std::copy_n(tape.begin() + static_cast<std::ptrdiff_t>(from), into.size(),
                            into.begin());
                return true;
            },
            offset, tape.size()};
}

std::vector<TapItem> scan(const Bytes& tape) {
    std::vector<TapItem> items;
    auto scanner = scanner_of(tape);
    do {
        items.push_back(scanner.next());
    } while (items.back().kind != TapItem::Kind::torn &&
             items.back().kind != TapItem::Kind::end_of_medium);
    return items;
}

using Kind = TapItem::Kind;

}  // namespace

TEST_CASE("records of odd and even length, filemarks and the end marker are told apart") {
    Bytes tape;
    const Bytes odd{1, 2, 3};
    const Bytes even{4, 5, 6, 7};
    add_block(tape, odd);
    CHECK(tape.size() == tap_size(3));
    add_block(tape, even);
    add_word(tape, tap_filemark);
    add_word(tape, tap_end_of_medium);
    add_block(tape, even);  // left from earlier
    const auto items = scan(tape);
    REQUIRE(items.size() == 4);
    CHECK(items[0].kind == Kind::block);
    CHECK(items[0].length == 3);
    CHECK(items[0].offset == 0);
    CHECK(items[0].crc32c == drive_iface::checksum::crc32c(odd));
    CHECK(items[1].kind == Kind::block);
    CHECK(items[1].offset == 12);
    CHECK(items[2].kind == Kind::filemark);
    CHECK(items[2].offset == 24);
    CHECK(items[3].kind == Kind::end_of_medium);
    CHECK(items[3].offset == 28);
}

TEST_CASE("a tape cut anywhere keeps its whole records and tells where the torn one begins") {
    Bytes tape;
    add_block(tape, {1, 2, 3, 4, 5});
    const auto second = tape.size();
    add_block(tape, {6, 7});
    const auto end = tape.size();
    for (std::size_t size = 0; size < end; ++size) {
        const auto items =
            scan(Bytes(tape.begin(), tape.begin() + static_cast<std::ptrdiff_t>(size)));
        INFO(size);
        const std::size_t whole = size >= second ? 1 : 0;
        REQUIRE(items.size() == whole + 1);
        const bool between = size == 0 || size == second;
        CHECK(items.back().kind == (between ? Kind::end_of_medium : Kind::torn));
        CHECK(items.back().offset == (whole == 1 ? second : 0));
    }
}

TEST_CASE("erase gaps are passed over and error flags are kept") {
    Bytes tape;
    add_word(tape, tap_erase_gap);
    add_word(tape, tap_erase_gap);
    add_block(tape, {1, 2}, tap_error_flag);
    const auto items = scan(tape);
    REQUIRE(items.size() == 2);
    CHECK(items[0].kind == Kind::block_in_error);
    CHECK(items[0].length == 2);
    CHECK(items[0].offset == 8);
}

TEST_CASE("what can be no record is torn, not a crash") {
    for (const std::uint32_t word :
         {0x01000000U, 0xff000000U, 0x00ffffffU, 0x80000000U, 0x40000001U, 0x00800001U}) {
        Bytes tape;
        add_word(tape, word);
        tape.resize(64);
        CHECK(scan(tape).front().kind == Kind::torn);
    }
}

TEST_CASE("a file that can not be read is told apart from a torn one") {
    TapScanner scanner([](std::uint64_t, std::span<std::uint8_t>) { return false; }, 0, 100);
    CHECK(scanner.next().kind == Kind::torn);
    CHECK(scanner.read_failed());
}

TEST_CASE("records longer than the scanner's window are read whole") {
    Bytes tape;
    const Bytes large(3 << 20, 0x5a);
    add_block(tape, {9});
    add_block(tape, large);
    add_block(tape, {8});
    const auto items = scan(tape);
    REQUIRE(items.size() == 4);
    CHECK(items[1].length == large.size());
    CHECK(items[1].crc32c == drive_iface::checksum::crc32c(large));
    CHECK(items[3].kind == Kind::end_of_medium);
}
