// Folders that run full: file systems of a few megabytes, in a mount namespace of this process.

#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "test/support/catch.hpp"
#include "test/unit/cartridge/shelf_stand.hpp"

using namespace drive_iface::cartridge;
using namespace drive_iface::virtual_library;

namespace {

void put(const char* path, const std::string& text) {
    std::ofstream(path) << text;
}

// Mounts only this process sees. False where that is not allowed.
bool own_mounts() {
    static const bool allowed = [] {
        const auto user = ::getuid();
        const auto group = ::getgid();
        if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0) {
            put("/proc/self/setgroups", "deny");
            put("/proc/self/uid_map", "0 " + std::to_string(user) + " 1");
            put("/proc/self/gid_map", "0 " + std::to_string(group) + " 1");
        } else if (::unshare(CLONE_NEWNS) != 0) {
            return false;
        }
        return ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
    }();
    return allowed;
}

class SmallDisk {
  public:
    explicit SmallDisk(const std::string& path, const std::string& size) : path_(path) {
        std::filesystem::create_directories(path);
        mounted_ = ::mount("tmpfs", path.c_str(), "tmpfs", 0, ("size=" + size).c_str()) == 0;
    }
    ~SmallDisk() {
        if (mounted_) ::umount2(path_.c_str(), MNT_DETACH);
    }
    SmallDisk(const SmallDisk&) = delete;
    SmallDisk& operator=(const SmallDisk&) = delete;
    [[nodiscard]] bool mounted() const { return mounted_; }
    void set_read_only(bool on) {
        const auto flags = static_cast<unsigned long>(MS_REMOUNT | (on ? MS_RDONLY : 0));
        REQUIRE(::mount("tmpfs", path_.c_str(), "tmpfs", flags, nullptr) == 0);
    }
    // Leaves not one free byte.
    void fill() const {
        std::ofstream out(path_ + "/ballast", std::ios::binary);
        const std::string page(4096, 'x');
        while (out.write(page.data(), 4096).flush()) {
        }
    }

  private:
    std::string path_;
    bool mounted_ = false;
};

// Writes as a drive does: until the end of the medium says no.
struct Written {
    std::vector<Blocks> blocks;
    bool early_warning = false;
};
Written write_until_full(ShelfStand& stand, Cartridge& cartridge, std::uint32_t length) {
    Written written;
    for (std::uint32_t i = 0; i < 100'000; ++i) {
        const auto room = stand.loop.run_until(
            [&] { return cartridge.room_for(length) == Cartridge::Room::now; });
        REQUIRE(room);
        if (cartridge.used() >= cartridge.early_warning_at()) written.early_warning = true;
        if (cartridge.used() + length > cartridge.end_of_medium_at()) return written;
        written.blocks.push_back(block_of(length, i));
        cartridge.append_blocks(cartridge.end_of_data(), written.blocks.back(), length);
    }
    return written;
}

}  // namespace

TEST_CASE("a full folder is early warning and then end of medium, and everything is kept") {
    const TemporaryFolder folder;
    if (!own_mounts()) {
        WARN("skipped: this process may not mount");
        return;
    }
    const auto placement = GENERATE(Placement::single, Placement::mirror);
    const auto length = GENERATE(1000U, 10'240U, 262'144U);
    const SmallDisk one(folder.path("one"), "24m");
    // The second one has less room: a mirror ends where its smaller side does.
    const SmallDisk two(folder.path("two"), placement == Placement::mirror ? "16m" : "24m");
    REQUIRE(one.mounted());
    REQUIRE(two.mounted());
    ShelfStand stand({folder.path("one"), folder.path("two")}, placement);
    stand.create("LRA001L8");
    auto cartridge = stand.open("LRA001L8");
    const auto written = write_until_full(stand, *cartridge, length);
    CHECK(written.early_warning);
    CHECK(cartridge->end_of_medium_at() < 1U << 30);
    CHECK(cartridge->used() > 6U << 20);
    stand.filemarks(*cartridge, 2);  // always fit
    stand.synchronise(*cartridge);
    CHECK_FALSE(cartridge->take_fault().has_value());
    stand.close(std::move(cartridge));

    cartridge = stand.open("LRA001L8");
    auto expected = written.blocks;
    expected.resize(expected.size() + 2);
    CHECK(recorded(stand, *cartridge) == expected);
    CHECK(stand.log == std::vector<std::string>{});

    // Overwriting needs no more room.
    stand.append(*cartridge, 0, block_of(length, 5), length);
    stand.synchronise(*cartridge);
    CHECK(cartridge->end_of_data() == 1);
}

TEST_CASE("room that becomes free again is used again") {
    const TemporaryFolder folder;
    if (!own_mounts()) {
        WARN("skipped: this process may not mount");
        return;
    }
    const SmallDisk one(folder.path("one"), "40m");
    const SmallDisk two(folder.path("two"), "8m");
    ShelfStand stand({folder.path("one"), folder.path("two")}, Placement::single);
    stand.create("LRA001L8", 16 << 20);
    const auto ballast = folder.path("one") + "/ballast";
    write_file(ballast, Blocks(28 << 20));
    auto cartridge = stand.open("LRA001L8");
    const auto written = write_until_full(stand, *cartridge, 65536);
    CHECK(written.early_warning);
    CHECK(cartridge->end_of_medium_at() < 16U << 20);
    std::filesystem::remove(ballast);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (cartridge->end_of_medium_at() < 16U << 20 &&
           std::chrono::steady_clock::now() < deadline) {
        static_cast<void>(cartridge->room_for(65536));
        static_cast<void>(cartridge->take_fault());
        std::this_thread::yield();
    }
    CHECK(cartridge->end_of_medium_at() == 16U << 20);
    stand.append(*cartridge, block_of(65536, 1));
    stand.synchronise(*cartridge);
}

TEST_CASE("what is on a file system that can only be read can be restored") {
    const TemporaryFolder folder;
    if (!own_mounts()) {
        WARN("skipped: this process may not mount");
        return;
    }
    SmallDisk one(folder.path("one"), "24m");
    const SmallDisk two(folder.path("two"), "8m");
    std::vector<Blocks> expected;
    const bool unloaded = GENERATE(true, false);
    {
        ShelfStand stand({folder.path("one"), folder.path("two")}, Placement::single);
        stand.create("LRA001L8");
        auto cartridge = stand.open("LRA001L8");
        for (std::uint32_t i = 0; i < 20; ++i) {
            expected.push_back(block_of(10'240, i));
            stand.append(*cartridge, expected.back());
        }
        stand.synchronise(*cartridge);
        // As the files are when the machine stops now.
        for (const auto* name : {"LRA001L8.tap", "LRA001L8.tix", "LRA001L8.json"}) {
            std::filesystem::copy_file(folder.path("one") + "/" + name, folder.path(name));
        }
        stand.close(std::move(cartridge));
    }
    for (const auto* name : {"LRA001L8.tap", "LRA001L8.tix", "LRA001L8.json"}) {
        if (unloaded) break;
        std::filesystem::remove(folder.path("one") + "/LRA001L8.lock");
        std::filesystem::copy_file(folder.path(name), folder.path("one") + "/" + name,
                                   std::filesystem::copy_options::overwrite_existing);
    }
    one.set_read_only(true);
    ShelfStand stand({folder.path("one"), folder.path("two")}, Placement::single);
    auto cartridge = stand.open("LRA001L8");
    CHECK(cartridge->facts().write_protected);
    CHECK(recorded(stand, *cartridge) == expected);
    CHECK_THAT(stand.shelf().show("LRA001L8")->troubles.back(),
               ContainsSubstring("can not be written"));
    stand.close(std::move(cartridge));
    CHECK_FALSE(stand.shelf().show("LRA001L8")->metadata.facts.write_protected);
    REQUIRE_FALSE(stand.log.empty());
    CHECK_THAT(stand.log.back(), ContainsSubstring("is loaded write protected"));

    one.set_read_only(false);
    cartridge = stand.open("LRA001L8");
    CHECK_FALSE(cartridge->facts().write_protected);
    stand.append(*cartridge, block_of(100, 1));
    stand.synchronise(*cartridge);
    expected.push_back(block_of(100, 1));
    CHECK(recorded(stand, *cartridge) == expected);
}

TEST_CASE("a folder without one free byte is no reason not to load what is in it") {
    const TemporaryFolder folder;
    if (!own_mounts()) {
        WARN("skipped: this process may not mount");
        return;
    }
    const SmallDisk one(folder.path("one"), "24m");
    const SmallDisk two(folder.path("two"), "8m");
    ShelfStand stand({folder.path("one"), folder.path("two")}, Placement::single);
    stand.create("LRA001L8");
    auto cartridge = stand.open("LRA001L8");
    stand.append(*cartridge, block_of(10'240, 7));
    stand.close(std::move(cartridge));
    one.fill();
    cartridge = stand.open("LRA001L8");
    CHECK(cartridge->facts().write_protected);
    CHECK(recorded(stand, *cartridge) == std::vector<Blocks>{block_of(10'240, 7)});
    stand.close(std::move(cartridge));
    REQUIRE_FALSE(stand.log.empty());
    CHECK_THAT(stand.log.front(), ContainsSubstring("its description can not be stored"));

    std::filesystem::remove(folder.path("one") + "/ballast");
    cartridge = stand.open("LRA001L8");
    CHECK_FALSE(cartridge->facts().write_protected);
}

TEST_CASE("a mirror goes on in one folder while the other one can only be read") {
    const TemporaryFolder folder;
    if (!own_mounts()) {
        WARN("skipped: this process may not mount");
        return;
    }
    const SmallDisk one(folder.path("one"), "24m");
    SmallDisk two(folder.path("two"), "24m");
    ShelfStand stand({folder.path("one"), folder.path("two")}, Placement::mirror);
    stand.create("LRA001L8");
    auto cartridge = stand.open("LRA001L8");
    stand.append(*cartridge, block_of(10'240, 1));
    stand.close(std::move(cartridge));
    // And full as well: what is left there is nobody's concern.
    two.fill();
    two.set_read_only(true);
    cartridge = stand.open("LRA001L8");
    CHECK_FALSE(cartridge->facts().write_protected);
    stand.append(*cartridge, block_of(10'240, 2));
    stand.synchronise(*cartridge);
    CHECK(cartridge->end_of_medium_at() > 10U << 20);
    stand.close(std::move(cartridge));
    REQUIRE_FALSE(stand.log.empty());

    two.set_read_only(false);
    std::filesystem::remove(folder.path("two") + "/ballast");
    cartridge = stand.open("LRA001L8");
    CHECK(recorded(stand, *cartridge) ==
          std::vector<Blocks>{block_of(10'240, 1), block_of(10'240, 2)});
    stand.close(std::move(cartridge));
    CHECK(file_bytes(stand.data_file("LRA001L8", 0)) == file_bytes(stand.data_file("LRA001L8", 1)));
}
