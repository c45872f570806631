// Disks that fail. The system calls below stand before the C library's, and fail for files the
// test names.

#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <mutex>
#include <string>

#include "drive_iface/cartridge/file_cartridge.hpp"
#include "drive_iface/cartridge/folders.hpp"
#include "test/support/catch.hpp"
#include "test/unit/cartridge/shelf_stand.hpp"

namespace {

struct Trouble {
    std::mutex mutex;
    std::string writing;  // in files whose path ends so
    std::string synchronising;
    std::string reading;
    int number = EIO;
};
Trouble trouble;

bool ends_with(const std::string& text, const std::string& end) {
    return !end.empty() && text.size() >= end.size() &&
           text.compare(text.size() - end.size(), end.size(), end) == 0;
}

bool fails(int file, const std::string Trouble::*what) {
    const std::lock_guard lock(trouble.mutex);
    if ((trouble.*what).empty()) return false;
    char path[4096];
    const auto link = "/proc/self/fd/" + std::to_string(file);
    const auto size = ::readlink(link.c_str(), path, sizeof(path));
    if (size <= 0 || !ends_with(std::string(path, static_cast<std::size_t>(size)), trouble.*what)) {
        return false;
    }
    errno = trouble.number;
    return true;
}

void set_trouble(const std::string Trouble::*what, const std::string& file, int number = EIO) {
    const std::lock_guard lock(trouble.mutex);
    trouble.*const_cast<std::string Trouble::*>(what) = file;
    trouble.number = number;
}

struct NoTrouble {
    ~NoTrouble() {
        set_trouble(&Trouble::writing, "");
        set_trouble(&Trouble::synchronising, "");
        set_trouble(&Trouble::reading, "");
    }
};

}  // namespace

extern "C" {

ssize_t pwritev(int file, const iovec* pieces, int count, off_t offset) {
    if (fails(file, &Trouble::writing)) return -1;
    return ::syscall(SYS_pwritev, file, pieces, count, offset, 0);
}
ssize_t pwrite(int file, const void* bytes, size_t size, off_t offset) {
    if (fails(file, &Trouble::writing)) return -1;
    return ::syscall(SYS_pwrite64, file, bytes, size, offset);
}
ssize_t preadv(int file, const iovec* pieces, int count, off_t offset) {
    if (fails(file, &Trouble::reading)) return -1;
    return ::syscall(SYS_preadv, file, pieces, count, offset, 0);
}
ssize_t preadv2(int file, const iovec* pieces, int count, off_t offset, int flags) {
    if (fails(file, &Trouble::reading)) return -1;
    return ::syscall(SYS_preadv2, file, pieces, count, offset, 0, flags);
}
int fdatasync(int file) {
    if (fails(file, &Trouble::synchronising)) return -1;
    return static_cast<int>(::syscall(SYS_fdatasync, file));
}

}  // extern "C"

using namespace drive_iface::cartridge;
using namespace drive_iface::virtual_library;

namespace {

std::string wait_for_fault(ShelfStand& stand, Cartridge& cartridge) {
    std::optional<agent::core::Error> fault;
    REQUIRE(stand.loop.run_until([&] { return (fault = cartridge.take_fault()).has_value(); }));
    CHECK_FALSE(cartridge.take_fault().has_value());
    return fault->message;
}

std::vector<Blocks> fill(ShelfStand& stand, Cartridge& cartridge, std::uint32_t seed) {
    std::vector<Blocks> blocks;
    for (std::uint32_t i = 0; i < 5; ++i) {
        blocks.push_back(block_of(3000, seed + i));
        stand.append(cartridge, blocks.back());
    }
    return blocks;
}

}  // namespace

TEST_CASE("what can not be stored is cut off and told once; the drive can go on") {
    const NoTrouble afterwards;
    const auto number = GENERATE(EIO, ENOSPC, EROFS);
    ShelfStand stand;
    stand.create("LRA001L8");
    auto cartridge = stand.open("LRA001L8");
    auto expected = fill(stand, *cartridge, 1);
    stand.synchronise(*cartridge);
    set_trouble(&Trouble::writing, "LRA001L8.tap", number);
    cartridge->append_blocks(5, block_of(3000, 99), 3000);
    cartridge->synchronise();
    CHECK_THAT(wait_for_fault(stand, *cartridge), ContainsSubstring("LRA001L8.tap"));
    CHECK(cartridge->end_of_data() == 5);
    CHECK(recorded(stand, *cartridge) == expected);

    set_trouble(&Trouble::writing, "");
    const auto more = fill(stand, *cartridge, 20);
    expected.insert(expected.end(), more.begin(), more.end());
    stand.synchronise(*cartridge);
    CHECK(recorded(stand, *cartridge) == expected);
    stand.close(std::move(cartridge));
    cartridge = stand.open("LRA001L8");
    CHECK(recorded(stand, *cartridge) == expected);
}

TEST_CASE("when synchronising fails, only what was synchronised before is left") {
    const NoTrouble afterwards;
    const auto file = GENERATE(std::string("LRA001L8.tap"), std::string("LRA001L8.tix"));
    ShelfStand stand;
    stand.create("LRA001L8");
    auto cartridge = stand.open("LRA001L8");
    const auto expected = fill(stand, *cartridge, 1);
    stand.synchronise(*cartridge);
    static_cast<void>(fill(stand, *cartridge, 50));
    set_trouble(&Trouble::synchronising, file);
    cartridge->synchronise();
    CHECK_THAT(wait_for_fault(stand, *cartridge), ContainsSubstring(file));
    CHECK(cartridge->end_of_data() == 5);
    CHECK(recorded(stand, *cartridge) == expected);
    // It stays broken: the next one fails too, and nothing hangs.
    cartridge->append_blocks(5, block_of(3000, 99), 3000);
    cartridge->synchronise();
    CHECK_THAT(wait_for_fault(stand, *cartridge), ContainsSubstring(file));
    CHECK(cartridge->end_of_data() == 5);
    set_trouble(&Trouble::synchronising, "");
    stand.close(std::move(cartridge));
    cartridge = stand.open("LRA001L8");
    CHECK(recorded(stand, *cartridge) == expected);
}

TEST_CASE("a mirror goes on with one copy when the other fails, and check restores it") {
    const NoTrouble afterwards;
    ShelfStand stand(Placement::mirror);
    stand.create("LRA001L8");
    auto cartridge = stand.open("LRA001L8");
    auto expected = fill(stand, *cartridge, 1);
    stand.synchronise(*cartridge);
    set_trouble(&Trouble::writing, "two/LRA001L8.tap");
    const auto more = fill(stand, *cartridge, 30);
    expected.insert(expected.end(), more.begin(), more.end());
    stand.synchronise(*cartridge);
    CHECK_FALSE(cartridge->take_fault().has_value());
    CHECK(recorded(stand, *cartridge) == expected);
    stand.close(std::move(cartridge));
    REQUIRE(stand.log.size() == 1);
    CHECK_THAT(stand.log[0], ContainsSubstring("the copy in " + stand.folders[1] + " failed"));

    set_trouble(&Trouble::writing, "");
    const auto report = stand.check("LRA001L8", true);
    REQUIRE(report.ok());
    CHECK(report->sound);
    CHECK(file_bytes(stand.data_file("LRA001L8", 0)) == file_bytes(stand.data_file("LRA001L8", 1)));
    const auto again = stand.check("LRA001L8", false);
    REQUIRE(again.ok());
    CHECK(again->sound);
    CHECK(again->findings == std::vector<std::string>{});
}

TEST_CASE("a copy that can not be read is replaced by the other, or is a medium error") {
    const NoTrouble afterwards;
    const auto placement = GENERATE(Placement::mirror, Placement::single);
    ShelfStand stand(placement);
    stand.create("LRA001L8");
    auto cartridge = stand.open("LRA001L8");
    const auto expected = fill(stand, *cartridge, 1);
    stand.synchronise(*cartridge);
    set_trouble(&Trouble::reading, "one/LRA001L8.tap");
    if (placement == Placement::mirror) {
        CHECK(recorded(stand, *cartridge) == expected);
    } else {
        CHECK_THAT(stand.read_error(*cartridge, 2), ContainsSubstring("Input/output error"));
        set_trouble(&Trouble::reading, "");
        CHECK(recorded(stand, *cartridge) == expected);
    }
}

TEST_CASE("an index that can not be read is no reason to stop") {
    const NoTrouble afterwards;
    ShelfStand stand;
    stand.create("LRA001L8");
    auto cartridge = stand.open("LRA001L8");
    static_cast<void>(fill(stand, *cartridge, 1));
    stand.synchronise(*cartridge);
    stand.close(std::move(cartridge));
    cartridge = stand.open("LRA001L8");
    set_trouble(&Trouble::reading, "one/LRA001L8.tix");
    CHECK(cartridge->end_of_data() == 5);
    CHECK_THAT(stand.read_error(*cartridge, 2), ContainsSubstring("LRA001L8.tix"));
}

TEST_CASE("a description that can not be stored takes nothing of the recording with it") {
    const NoTrouble afterwards;
    ShelfStand stand;
    stand.create("LRA001L8");
    auto cartridge = stand.open("LRA001L8");
    auto expected = fill(stand, *cartridge, 1);
    set_trouble(&Trouble::writing, "LRA001L8.json.new", ENOSPC);
    const MediumAttributes attributes{{0x0806, {.format = 1, .value = Blocks(32, 'A')}}};
    cartridge->set_attributes(attributes);
    cartridge->synchronise();
    // What comes while it fails stays in the queue.
    const auto more = fill(stand, *cartridge, 20);
    expected.insert(expected.end(), more.begin(), more.end());
    stand.synchronise(*cartridge);
    CHECK_FALSE(cartridge->attributes_stored());
    CHECK_FALSE(cartridge->take_fault().has_value());
    CHECK(recorded(stand, *cartridge) == expected);
    stand.filemarks(*cartridge);
    expected.emplace_back();
    stand.synchronise(*cartridge);
    CHECK_FALSE(cartridge->attributes_stored());
    REQUIRE(stand.log.size() == 1);
    CHECK_THAT(stand.log[0], ContainsSubstring("its description could not be stored"));

    set_trouble(&Trouble::writing, "");
    cartridge->set_attributes(attributes);
    stand.synchronise(*cartridge);
    CHECK(cartridge->attributes_stored());
    stand.close(std::move(cartridge));
    cartridge = stand.open("LRA001L8");
    CHECK(recorded(stand, *cartridge) == expected);
    CHECK(cartridge->attributes() == attributes);
}

TEST_CASE("a mirror keeps both its copies when one folder has no room for the description") {
    const NoTrouble afterwards;
    ShelfStand stand(Placement::mirror);
    stand.create("LRA001L8");
    auto cartridge = stand.open("LRA001L8");
    set_trouble(&Trouble::writing, "two/LRA001L8.json.new", ENOSPC);
    cartridge->set_attributes({{0x0806, {.format = 1, .value = Blocks(32, 'A')}}});
    static_cast<void>(fill(stand, *cartridge, 1));
    stand.synchronise(*cartridge);
    CHECK(cartridge->attributes_stored());
    stand.close(std::move(cartridge));
    CHECK(file_bytes(stand.data_file("LRA001L8", 0)) == file_bytes(stand.data_file("LRA001L8", 1)));
    REQUIRE(stand.log.size() == 1);
    CHECK_THAT(stand.log[0], ContainsSubstring("in one of its folders only"));
}

TEST_CASE("a fault moves the end of data when it is told, and not under a writer's hands") {
    const NoTrouble afterwards;
    ShelfStand stand;
    stand.create("LRA001L8");
    auto cartridge = stand.open("LRA001L8");
    const auto expected = fill(stand, *cartridge, 1);
    stand.synchronise(*cartridge);
    set_trouble(&Trouble::writing, "LRA001L8.tap");
    stand.append(*cartridge, block_of(3000, 99));
    cartridge->synchronise();
    REQUIRE(
        stand.loop.run_until([&] { return cartridge->room_for(3000) == Cartridge::Room::later; }));
    CHECK(cartridge->end_of_data() == 6);
    cartridge->append_blocks(6, block_of(3000, 100), 3000);
    CHECK(cartridge->take_fault().has_value());
    CHECK(cartridge->end_of_data() == 5);
    set_trouble(&Trouble::writing, "");
    CHECK(recorded(stand, *cartridge) == expected);
    stand.close(std::move(cartridge));
}

TEST_CASE("no folder has a description before the files of all folders are on the disk") {
    const NoTrouble afterwards;
    const TemporaryFolder one;
    const TemporaryFolder two;
    const auto folder = GENERATE(0, 1);
    const auto ending = GENERATE(std::string(".tap"), std::string(".tix"));
    Metadata metadata;
    metadata.facts.barcode = "LRA001L8";
    metadata.facts.capacity = 1 << 30;
    metadata.volume = new_volume_id();
    metadata.placement = Placement::mirror;
    set_trouble(&Trouble::synchronising, (folder == 0 ? one : two).path("LRA001L8" + ending));
    const std::vector<std::string> folders{one.path(), two.path()};
    REQUIRE_FALSE(Recording::create(folders, metadata).ok());
    CHECK_FALSE(std::filesystem::exists(one.path("LRA001L8.json")));
    CHECK_FALSE(std::filesystem::exists(two.path("LRA001L8.json")));
}

TEST_CASE("a failure of storage that is played is one, until it is taken back") {
    ShelfStand stand;
    stand.create("LRA001L8");
    auto cartridge = stand.open("LRA001L8");
    auto expected = fill(stand, *cartridge, 1);
    stand.synchronise(*cartridge);
    cartridge->fail_storing(true);
    stand.append(*cartridge, block_of(3000, 99));
    cartridge->synchronise();
    CHECK_THAT(wait_for_fault(stand, *cartridge), ContainsSubstring("injected"));
    CHECK(recorded(stand, *cartridge) == expected);
    REQUIRE(stand.log.size() == 1);
    CHECK_THAT(stand.log[0], ContainsSubstring("LRA001L8 has lost what was accepted"));
    cartridge->fail_storing(false);
    stand.append(*cartridge, block_of(3000, 100));
    stand.synchronise(*cartridge);
    expected.push_back(block_of(3000, 100));
    stand.close(std::move(cartridge));
    cartridge = stand.open("LRA001L8");
    CHECK(recorded(stand, *cartridge) == expected);
}
