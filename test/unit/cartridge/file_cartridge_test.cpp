#include "drive_iface/cartridge/file_cartridge.hpp"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <numeric>

#include "test/support/catch.hpp"
#include "test/unit/cartridge/shelf_stand.hpp"

using namespace drive_iface::cartridge;
using namespace drive_iface::virtual_library;

TEST_CASE("what was written is read back, before and after the cartridge was unloaded") {
    const auto placement = GENERATE(Placement::single, Placement::mirror);
    ShelfStand stand(placement);
    stand.create("LRA001L8");
    auto cartridge = stand.open("LRA001L8");
    CHECK(cartridge->end_of_data() == 0);
    CHECK(cartridge->used() == 0);
    std::vector<Blocks> expected;
    for (const std::uint32_t length : {1U, 2U, 3U, 511U, 512U, 10240U, 262144U, 262143U}) {
        expected.push_back(block_of(length, length));
        stand.append(*cartridge, expected.back());
    }
    stand.filemarks(*cartridge, 2);
    expected.resize(expected.size() + 2);
    expected.push_back(block_of(100, 7));
    stand.append(*cartridge, expected.back());
    stand.synchronise(*cartridge);
    CHECK(cartridge->buffered().objects == 0);
    CHECK(recorded(stand, *cartridge) == expected);

    stand.close(std::move(cartridge));
    cartridge = stand.open("LRA001L8");
    CHECK(recorded(stand, *cartridge) == expected);
    CHECK(stand.log == std::vector<std::string>{});
}

TEST_CASE("many blocks of one length given together are blocks of their own") {
    ShelfStand stand;
    stand.create("LRA001L8");
    auto cartridge = stand.open("LRA001L8");
    auto data = block_of(512 * 3000, 1);
    stand.append(*cartridge, 0, data, 512);
    CHECK(cartridge->end_of_data() == 3000);
    stand.synchronise(*cartridge);
    for (const std::uint64_t number : {0U, 1U, 1499U, 2999U}) {
        const auto begin = data.begin() + static_cast<std::ptrdiff_t>(number * 512);
        CHECK(stand.read(*cartridge, number) == Blocks(begin, begin + 512));
    }
}

TEST_CASE("writing discards everything behind it, on the tape and after unloading") {
    ShelfStand stand;
    stand.create("LRA001L8");
    auto cartridge = stand.open("LRA001L8");
    std::vector<Blocks> expected;
    for (std::uint32_t i = 0; i < 20; ++i) {
        expected.push_back(block_of(1000, i));
        stand.append(*cartridge, expected.back());
    }
    stand.synchronise(*cartridge);
    stand.append(*cartridge, 5, block_of(1000, 100), 1000);
    expected.resize(5);
    expected.push_back(block_of(1000, 100));
    CHECK(cartridge->end_of_data() == 6);
    stand.synchronise(*cartridge);
    CHECK(recorded(stand, *cartridge) == expected);
    // Back over what is not stored yet, several times.
    for (std::uint32_t i = 0; i < 5; ++i) {
        stand.append(*cartridge, 3 + i % 2, block_of(700, 200 + i), 700);
    }
    expected.resize(3);
    expected.push_back(block_of(700, 204));
    stand.synchronise(*cartridge);
    CHECK(recorded(stand, *cartridge) == expected);

    SECTION("an erased rest is gone") {
        cartridge->erase(1);
        expected.resize(1);
        stand.synchronise(*cartridge);
    }
    stand.close(std::move(cartridge));
    stand.restart();
    cartridge = stand.open("LRA001L8");
    CHECK(recorded(stand, *cartridge) == expected);
}

TEST_CASE("sixteen million filemarks are accepted at once and found again") {
    ShelfStand stand;
    stand.create("LRA001L8");
    auto cartridge = stand.open("LRA001L8");
    constexpr std::uint32_t count = 300'000;
    stand.append(*cartridge, block_of(10, 1));
    stand.filemarks(*cartridge, count);
    stand.append(*cartridge, block_of(10, 2));
    CHECK(cartridge->end_of_data() == count + 2);
    CHECK(cartridge->nth_filemark(count - 1) == count);
    CHECK(cartridge->filemarks_before(count) == count - 1);
    stand.synchronise(*cartridge);
    CHECK(cartridge->nth_filemark(count - 1) == count);
    CHECK(cartridge->nth_filemark(0) == 1U);
    CHECK_FALSE(cartridge->nth_filemark(count).has_value());
    CHECK(stand.read(*cartridge, count + 1) == block_of(10, 2));
}

TEST_CASE("sequential reading is as right as random reading") {
    ShelfStand stand;
    stand.create("LRA001L8");
    auto cartridge = stand.open("LRA001L8");
    constexpr std::uint32_t count = 600;
    for (std::uint32_t i = 0; i < count; ++i) {
        stand.append(*cartridge, block_of(40'000 + i, i));
        if (i % 100 == 99) stand.filemarks(*cartridge);
    }
    stand.synchronise(*cartridge);
    const auto block_at = [&](std::uint64_t number) {
        const auto i = static_cast<std::uint32_t>(number - cartridge->filemarks_before(number));
        return block_of(40'000 + i, i);
    };
    for (std::uint64_t number = 0; number < cartridge->end_of_data(); ++number) {
        if (cartridge->object(number).kind == LogicalObject::Kind::filemark) continue;
        REQUIRE(stand.read(*cartridge, number) == block_at(number));
    }
    for (const std::uint64_t number : {599U, 3U, 4U, 5U, 3U, 3U, 77U, 78U, 12U, 0U}) {
        if (cartridge->object(number).kind == LogicalObject::Kind::filemark) continue;
        REQUIRE(stand.read(*cartridge, number) == block_at(number));
    }
    // Several blocks at once, appended to what is there.
    REQUIRE(stand.loop.run_until([&] { return cartridge->at_hand(10, 20); }));
    Blocks together{1, 2, 3};
    Blocks expected = together;
    for (std::uint64_t number = 10; number < 30; ++number) {
        REQUIRE(cartridge->read(number, together).ok());
        const auto block = block_at(number);
        expected.insert(expected.end(), block.begin(), block.end());
    }
    CHECK(together == expected);
}

TEST_CASE("a damaged block is an error for that block alone") {
    ShelfStand stand;
    stand.create("LRA001L8");
    auto cartridge = stand.open("LRA001L8");
    for (std::uint32_t i = 0; i < 10; ++i) {
        stand.append(*cartridge, block_of(1000, i));
    }
    stand.close(std::move(cartridge));
    auto data = file_bytes(stand.data_file("LRA001L8"));
    data[4 * 1008 + 4 + 500] ^= 0x10;
    write_file(stand.data_file("LRA001L8"), data);

    cartridge = stand.open("LRA001L8");
    CHECK(cartridge->end_of_data() == 10);
    for (std::uint32_t i = 0; i < 10; ++i) {
        if (i == 4) {
            CHECK_THAT(stand.read_error(*cartridge, i), ContainsSubstring("block 4"));
        } else {
            CHECK(stand.read(*cartridge, i) == block_of(1000, i));
        }
    }
    // A host hears of it; its operator, too.
    REQUIRE(stand.log.size() == 1);
    CHECK_THAT(stand.log[0],
               ContainsSubstring("cartridge LRA001L8") &&
                   ContainsSubstring("LRA001L8.tap: block 4 at byte 4032 is damaged"));
}

TEST_CASE("a damaged index entry is an error for its block alone") {
    ShelfStand stand;
    stand.create("LRA001L8");
    auto cartridge = stand.open("LRA001L8");
    for (std::uint32_t i = 0; i < 10; ++i) {
        stand.append(*cartridge, block_of(1000, i));
    }
    stand.filemarks(*cartridge);
    stand.append(*cartridge, block_of(1000, 11));
    stand.close(std::move(cartridge));
    auto index = file_bytes(stand.index_file("LRA001L8"));
    index[index_offset(7) + 3] ^= 0x01;
    write_file(stand.index_file("LRA001L8"), index);

    cartridge = stand.open("LRA001L8");
    REQUIRE(cartridge->end_of_data() == 12);
    CHECK_THAT(stand.read_error(*cartridge, 7), ContainsSubstring("object 7"));
    CHECK(stand.read(*cartridge, 6) == block_of(1000, 6));
    CHECK(stand.read(*cartridge, 8) == block_of(1000, 8));
    CHECK(cartridge->filemarks_before(7) == 0);
    CHECK(cartridge->nth_filemark(0) == 10U);
}

TEST_CASE("attributes are stored with the next synchronisation") {
    ShelfStand stand;
    stand.create("LRA001L8");
    auto cartridge = stand.open("LRA001L8");
    MediumAttributes attributes;
    attributes[0x0803] = {2, {'t', 'a', 'r'}};
    attributes[0x0400] = {0, {}};
    cartridge->set_attributes(attributes);
    CHECK_FALSE(cartridge->synchronised());
    stand.synchronise(*cartridge);
    CHECK(cartridge->attributes() == attributes);
    stand.close(std::move(cartridge));
    stand.restart();
    cartridge = stand.open("LRA001L8");
    CHECK(cartridge->attributes() == attributes);
}

TEST_CASE("a loss of power takes what was not synchronised, and nothing else") {
    for (const auto placement : {Placement::single, Placement::mirror}) {
        ShelfStand stand(placement);
        stand.create("VT0001L8");
        auto cartridge = stand.open("VT0001L8");
        for (int block = 0; block < 10; ++block)
            stand.append(*cartridge, Blocks(1'000, 'a'));
        stand.synchronise(*cartridge);
        for (int block = 0; block < 10; ++block)
            stand.append(*cartridge, Blocks(1'000, 'b'));
        cartridge->lose_power();
        stand.close(std::move(cartridge));
        cartridge = stand.open("VT0001L8");
        CHECK(cartridge->end_of_data() == 10);
        CHECK(stand.read(*cartridge, 9) == Blocks(1'000, 'a'));
        stand.append(*cartridge, Blocks(500, 'c'));
        stand.synchronise(*cartridge);
        CHECK_FALSE(cartridge->take_fault());
        CHECK(stand.read(*cartridge, 10) == Blocks(500, 'c'));
    }
}

TEST_CASE("the buffer is bounded, and makes the drive wait") {
    ShelfStand stand(Placement::single, 1 << 20);
    stand.create("LRA001L8");
    auto cartridge = stand.open("LRA001L8");
    bool waited = false;
    std::uint64_t accepted = 0;
    for (int i = 0; i < 400; ++i) {
        if (cartridge->room_for(262144) == Cartridge::Room::later) {
            waited = true;
            REQUIRE(stand.loop.run_until(
                [&] { return cartridge->room_for(262144) == Cartridge::Room::now; }));
        }
        cartridge->append_blocks(cartridge->end_of_data(), block_of(262144, 1), 262144);
        ++accepted;
    }
    CHECK(waited);
    CHECK(cartridge->end_of_data() == accepted);
    stand.synchronise(*cartridge);
    CHECK(stand.read(*cartridge, 399) == block_of(262144, 1));
    // One block longer than the buffer goes, too.
    REQUIRE(
        stand.loop.run_until([&] { return cartridge->room_for(4 << 20) == Cartridge::Room::now; }));
}

TEST_CASE("early warning comes before the end of the medium, which is the capacity") {
    ShelfStand stand;
    stand.create("LRA001L8", 32 << 20);
    auto cartridge = stand.open("LRA001L8");
    CHECK(cartridge->early_warning_at() == 31 << 20);
    CHECK(cartridge->end_of_medium_at() == 32 << 20);
}

TEST_CASE("a mirror goes on with the good copy when the other is damaged") {
    ShelfStand stand(Placement::mirror);
    stand.create("LRA001L8");
    auto cartridge = stand.open("LRA001L8");
    for (std::uint32_t i = 0; i < 10; ++i) {
        stand.append(*cartridge, block_of(1000, i));
    }
    stand.close(std::move(cartridge));
    CHECK(file_bytes(stand.data_file("LRA001L8", 0)) == file_bytes(stand.data_file("LRA001L8", 1)));
    auto data = file_bytes(stand.data_file("LRA001L8", 0));
    data[2 * 1008 + 100] ^= 1;
    write_file(stand.data_file("LRA001L8", 0), data);
    cartridge = stand.open("LRA001L8");
    for (std::uint32_t i = 0; i < 10; ++i) {
        CHECK(stand.read(*cartridge, i) == block_of(1000, i));
    }
    // No host hears of it; the operator does, while the other copy is whole.
    REQUIRE(stand.log.size() == 1);
    CHECK_THAT(stand.log[0],
               ContainsSubstring("cartridge LRA001L8 is read from its other copy") &&
                   ContainsSubstring("LRA001L8.tap: block 2 at byte 2016 is damaged") &&
                   ContainsSubstring("'cartridge check LRA001L8' with repair"));
}

TEST_CASE("a host that reads what is damaged again and again does not fill the log") {
    ShelfStand stand;
    stand.create("LRA001L8");
    auto cartridge = stand.open("LRA001L8");
    stand.append(*cartridge, block_of(1000, 0));
    stand.close(std::move(cartridge));
    auto data = file_bytes(stand.data_file("LRA001L8"));
    data[500] ^= 1;
    write_file(stand.data_file("LRA001L8"), data);
    cartridge = stand.open("LRA001L8");
    for (int i = 0; i < 50; ++i)
        CHECK_THAT(stand.read_error(*cartridge, 0), ContainsSubstring("block 0"));
    REQUIRE(stand.log.size() == 21);
    CHECK_THAT(stand.log.back(), ContainsSubstring("no more of it is until it is loaded again"));
}

TEST_CASE("short blocks that are read in a row are right, and a damaged one is damaged alone") {
    ShelfStand stand;
    stand.create("LRA001L8");
    auto cartridge = stand.open("LRA001L8");
    std::vector<Blocks> expected;
    for (std::uint32_t i = 0; i < 700; ++i) {
        if (i % 300 == 299) {
            stand.filemarks(*cartridge);
            expected.emplace_back();
            continue;
        }
        // Odd lengths have a byte more between them, and some are long.
        expected.push_back(block_of(i % 100 == 50 ? 100'000 : 1000 + i % 7, i));
        stand.append(*cartridge, expected.back());
    }
    stand.synchronise(*cartridge);
    CHECK(recorded(stand, *cartridge) == expected);
    stand.close(std::move(cartridge));

    auto bytes = file_bytes(stand.data_file("LRA001L8"));
    const auto found =
        std::search(bytes.begin(), bytes.end(), expected[77].begin(), expected[77].end());
    REQUIRE(found != bytes.end());
    *found ^= 1;
    write_file(stand.data_file("LRA001L8"), bytes);
    cartridge = stand.open("LRA001L8");
    for (std::uint64_t number = 60; number < 120; ++number) {
        if (number == 77) {
            CHECK_THAT(stand.read_error(*cartridge, number), ContainsSubstring("is damaged"));
        } else {
            CHECK(stand.read(*cartridge, number) == expected[number]);
        }
    }
    // What is written over is not what is read.
    stand.append(*cartridge, 100, block_of(1000, 5000), 1000);
    stand.synchronise(*cartridge);
    CHECK(stand.read(*cartridge, 99) == expected[99]);
    CHECK(stand.read(*cartridge, 100) == block_of(1000, 5000));
}

// Sanitizers have allocators of their own.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OWN_ALLOCATOR
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define OWN_ALLOCATOR
#endif
#endif
#ifndef OWN_ALLOCATOR
TEST_CASE("the memory of blocks goes back to the system when the last stream has ended") {
    const auto resident_mib = [] {
        std::ifstream file("/proc/self/statm");
        std::uint64_t all = 0;
        std::uint64_t resident = 0;
        file >> all >> resident;
        return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) >> 20;
    };
    ShelfStand stand(Placement::single, 64 << 20);
    stand.create("LRA001L8");
    auto cartridge = stand.open("LRA001L8");
    const auto before = resident_mib();
    // Short enough for the arena, and more than it keeps by itself.
    std::vector<Blocks> blocks(400, Blocks(100'000, 7));
    REQUIRE(resident_mib() > before + 30);
    for (auto& block : blocks)
        stand.append(*cartridge, std::move(block));
    stand.close(std::move(cartridge));
    CHECK(resident_mib() < before + 10);
}
#endif
